"""Units of measurement and currencies beside a number."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import pint

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

_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "percent": "% percent pct",
        "permille": "‰",
        "degree": "° deg",
        "degree_Celsius": "°C ºC degC",
        "degree_Fahrenheit": "°F ºF degF",
        "microgram": "µg μg ug mcg",
        "milligram": "mg mgs milligram milligrams",
        "gram": "g gr gm gms gram grams gramm",
        "kilogram": "kg kgs KG Kg kilo kilos kilogram kilograms",
        "metric_ton": "t tonne tonnes",
        "pound": "lb lbs lb. lbs. LB LBS pound pounds",
        "ounce": "oz oz. OZ Oz ounce ounces",
        "micrometer": "µm μm um",
        "millimeter": "mm mms millimeter millimeters millimetre millimetres",
        "centimeter": "cm cms centimeter centimeters centimetre centimetres",
        "meter": "m meter meters metre metres",
        "kilometer": "km kms KM Km kilometer kilometers kilometre kilometres",
        "inch": "in in. inch inches ″",
        "foot": "ft ft. FT foot feet ′",
        "yard": "yd yds yard yards",
        "mile": "mi mile miles",
        "meter**2": "m² m2 m^2 sqm sq.m sq.m. qm",
        "kilometer**2": "km² km2 km^2",
        "centimeter**2": "cm² cm2",
        "foot**2": "ft² ft2 ft^2 sqft sq.ft sq.ft. sf",
        "hectare": "ha hectare hectares",
        "acre": "acre acres",
        "meter**3": "m³ m3 m^3 cbm",
        "centimeter**3": "cm³ cm3 cc ccm",
        "milliliter": "ml mL ML milliliter milliliters millilitre millilitres",
        "centiliter": "cl cL",
        "deciliter": "dl dL",
        "liter": "l L lt ltr liter liters litre litres",
        "fluid_ounce": "floz fl.oz fl.oz.",
        "gallon": "gal gals gallon gallons",
        "millisecond": "ms msec msecs millisecond milliseconds",
        "second": "s sec secs sec. second seconds",
        "minute": "min mins min. minute minutes",
        "hour": "h hr hrs hr. hrs. hour hours",
        "day": "day days",
        "week": "wk wks week weeks",
        "kilometer_per_hour": "km/h kmh kph",
        "mile_per_hour": "mph",
        "meter/second": "m/s",
        "hertz": "Hz hz",
        "kilohertz": "kHz khz",
        "megahertz": "MHz mhz",
        "gigahertz": "GHz ghz",
        "millivolt": "mV",
        "volt": "V",
        "kilovolt": "kV",
        "milliampere": "mA",
        "ampere": "A",
        "watt": "W",
        "kilowatt": "kW",
        "megawatt": "MW",
        "gigawatt": "GW",
        "horsepower": "hp HP bhp",
        "watt_hour": "Wh",
        "kilowatt_hour": "kWh kwh",
        "megawatt_hour": "MWh",
        "joule": "J",
        "kilojoule": "kJ kj",
        "calorie": "cal",
        "kilocalorie": "kcal Kcal",
        "pascal": "Pa",
        "kilopascal": "kPa",
        "bar": "bar",
        "psi": "psi PSI",
        "pixel": "px",
        "byte": "B byte bytes",
        "kilobyte": "kB KB kb",
        "megabyte": "MB Mb",
        "gigabyte": "GB Gb",
        "terabyte": "TB Tb",
        "count": "pcs pcs. pc pc. piece pieces Stk Stk. Stück items ea",
        "thousand": "k K thousand",
        "million": "M Mio Mio. mn million millions",
        "billion": "bn Mrd Mrd. billion billions",
    }
)
"""For each unit the ways to write it; the names are those of the library pint wherever it knows the unit."""
_NAMES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}
UNIT_NAMES = frozenset(_SPELLINGS)
"""The names of all known units but the currencies."""
LARGE_NUMBERS = MappingProxyType({"thousand": 1e3, "million": 1e6, "billion": 1e9})
_OFFSET_UNITS = frozenset(("degree_Celsius", "degree_Fahrenheit"))
COUNT = "count"
"""The unit of pieces: 5 and 5 pcs are the same."""
COUNTING = frozenset((COUNT, *LARGE_NUMBERS))
"""Units beside which a bare number means the same as ever: 900 and 1.2k, 5 and 5 pcs."""
_WORD = re.compile(r"[^\W\d_]{2,12}")
_SHORTEST_WORD = 3


def unit_name(spelling: str) -> str:
    """Return the unit that a spelling stands for; the singular and the plural of a word are the same unit."""
    bare = re.sub(r"\s+", "", spelling)
    known = _NAMES.get(bare) or (_NAMES.get(bare.casefold()) if len(bare) > _SHORTEST_WORD else None)
    if known is not None:
        return known
    if _WORD.fullmatch(spelling) and len(spelling) > _SHORTEST_WORD and spelling.endswith("s"):
        return spelling.removesuffix("s")
    return SYMBOLS.get(spelling, spelling)


def is_currency(unit: str) -> bool:
    """Return True if a unit is the sign or code of a currency."""
    return unit in SYMBOLS or unit in CURRENCIES


def is_known(unit: str) -> bool:
    """Return True for a currency and for the name of a unit that `unit_name` knows."""
    return is_currency(unit) or unit in _SPELLINGS


def is_unit(text: str) -> bool:
    """Return True if a text is a known unit, or a word that may be one."""
    return is_known(unit_name(text)) or _WORD.fullmatch(text) is not None


def is_space_required(unit: str) -> bool:
    """Return True if a unit needs a space before it: an unknown word, or a capital letter as in the name `12A`."""
    is_single_capital = len(unit) == 1 and unit.isupper() and unit_name(unit) not in LARGE_NUMBERS
    return not is_currency(unit) and (not is_known(unit_name(unit)) or is_single_capital)


@cache
def conversion_factor(unit: str, into: str) -> float | None:
    """Return the factor from one unit to another, or None if there is none.

    Currencies have no fixed factor, temperatures need more than a factor, and lengths are no weights.

    Args:
        unit: the name of a unit, as `unit_name` returns it.
        into: the name of the other.
    """
    if unit == into:
        return 1.0
    sizes = {"count": 1.0, **LARGE_NUMBERS}
    if unit in sizes and into in sizes:
        return sizes[unit] / sizes[into]
    known = _SPELLINGS.keys() - sizes.keys() - _OFFSET_UNITS - {"pixel"}
    if unit not in known or into not in known:
        return None
    registry = _registry()
    quantity = registry.Quantity(1.0, unit)
    return float(quantity.to(into).magnitude) if quantity.is_compatible_with(into) else None


@cache
def _registry() -> pint.UnitRegistry[float]:
    return pint.UnitRegistry()
