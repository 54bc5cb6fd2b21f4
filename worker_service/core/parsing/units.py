"""Units of measurement and currencies beside a number."""

import re

SYMBOLS = {
    "$": "USD",
    "US$": "USD",
    "€": "EUR",
    "Euro": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₽": "RUB",
    "₩": "KRW",
    "₺": "TRY",
    "₪": "ILS",
    "₫": "VND",
    "₴": "UAH",
    "₦": "NGN",
    "฿": "THB",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "Fr": "CHF",
    "R$": "BRL",
    "A$": "AUD",
    "C$": "CAD",
}
"""Currency signs and the ISO 4217 codes they stand for."""
_CURRENCY_CODES = """
AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KES KRW KZT MAD MXN MYR NGN NOK
NZD PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TND TRY TWD UAH USD VND ZAR kr
"""
CURRENCIES = frozenset(_CURRENCY_CODES.split())
"""ISO 4217 codes in wide use, and `kr`, the crown of several countries."""
_UNIT_SIGNS = """
% ‰ ° °C °F µg µm mg g kg t lb lbs oz mm cm m km mi ft yd m² m³ km² ft² sqft sqm ha ml cl dl l L ms s sec min h hr hrs
km/h mph
m/s Hz kHz MHz GHz mV V kV mA A W kW MW GW Wh kWh MWh J kJ cal kcal Pa kPa bar px kB KB MB GB TB
thousand million billion Mio Mrd bn mn
"""
UNITS = frozenset(_UNIT_SIGNS.split())
"""Units of measurement, and words for large numbers."""
_WORD = re.compile(r"[^\W\d_]{2,12}")
_SHORTEST_WORD = 3


def unit_name(spelling: str) -> str:
    """Return the unit that a spelling stands for; the singular and the plural of a word are the same unit."""
    if _WORD.fullmatch(spelling) and len(spelling) > _SHORTEST_WORD and spelling.endswith("s"):
        return spelling.removesuffix("s")
    return SYMBOLS.get(spelling, spelling)


def is_currency(unit: str) -> bool:
    """Return True if a unit is the sign or code of a currency."""
    return unit in SYMBOLS or unit in CURRENCIES


def is_unit(text: str) -> bool:
    """Return True if a text is a known unit, or a word that may be one."""
    return is_currency(text) or text in UNITS or _WORD.fullmatch(text) is not None


def is_space_required(unit: str) -> bool:
    """Return True if a unit needs a space before it: an unknown word, or a capital letter as in the name `12A`."""
    return not is_currency(unit) and (unit not in UNITS or (len(unit) == 1 and unit.isupper()))
