"""Semantic types: e-mail and web addresses, telephone numbers, postal and country codes, coordinates."""

import re
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.humanize import fraction
from worker_service.core.stats.summary import summarise_numbers
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

SemanticTypeName = Literal["email", "url", "phone", "postal_code", "country_code", "latitude", "longitude"]

NEARLY_ALL = 0.95
"""At least this share of the known cells must match the semantic type."""
FEWEST_CELLS = 5
"""A column with fewer known cells has no semantic type."""

_PATTERNS: dict[SemanticTypeName, str] = {
    "email": r"^\s*[^@\s,;]+@[^@\s,;.]+(\.[^@\s,;.]+)+\s*$",
    "url": r"^\s*(https?|ftp)://[^\s/]+\S*\s*$|^\s*www\.[^\s/]+\.[^\s]+\s*$",
    "phone": r"^\s*(\+|00)\d[\d\s().\-/]{6,20}\s*$|^\s*\(?0\d{1,5}\)?[\s./\-][\d\s./\-]{4,16}\s*$"
    r"|^\s*\(?\d{3}\)?[\s.\-]\d{3}[\s.\-]\d{4}\s*$",
    "postal_code": r"^\s*[A-Za-z]{0,2}-?\d[A-Za-z0-9 -]{2,9}\s*$|^\s*[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d\s*$"
    r"|^\s*[A-Za-z]{1,2}\d[A-Za-z0-9]? ?\d[A-Za-z]{2}\s*$",
}
_NAME_PATTERNS: dict[SemanticTypeName, re.Pattern[str]] = {
    "postal_code": re.compile(r"(^|[^a-z])(zip|zipcode|postal|postcode|post_code|plz)($|[^a-z])"),
    "country_code": re.compile(r"(^|[^a-z])(country|nation|nationality|iso|iso2|cc)($|[^a-z])"),
    "latitude": re.compile(r"(^|[^a-z])(lat|latitude)($|[^a-z])"),
    "longitude": re.compile(r"(^|[^a-z])(lon|lng|long|longitude)($|[^a-z])"),
}
_LIMITS: dict[SemanticTypeName, float] = {"latitude": 90.0, "longitude": 180.0}
_NOUNS: dict[SemanticTypeName, str] = {
    "email": "e-mail addresses",
    "url": "web addresses",
    "phone": "telephone numbers",
    "postal_code": "postal codes",
    "country_code": "country codes",
    "latitude": "latitudes",
    "longitude": "longitudes",
}
_COUNTRY_CODES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO "
    "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE "
    "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW "
    "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM "
    "TN TO TR TT TV TW TZ UA UG UK UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)
"""The alpha-2 codes of ISO 3166-1, and UK and XK, which are in common use."""


class SemanticType(Value):
    """The semantic type of a column, and the number of known cells that match it."""

    name: SemanticTypeName
    cells: int


def recognise_semantic(name: str, column: Column) -> SemanticType | None:
    """Return the semantic type of a column, by the pattern of its values and, where that is ambiguous, by its name."""
    if column.known < FEWEST_CELLS:
        return None
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).lower()
    if column.is_number:
        return _recognise_coordinate(words, column)
    return _recognise_text(words, column) if column.is_text else None


def describe_evidence(semantic_type: SemanticType, known: int) -> str:
    """Return the evidence as a sentence with counts."""
    return f"{fraction(semantic_type.cells, known, 'known cell')} look like {_NOUNS[semantic_type.name]}."


def _recognise_coordinate(words: str, column: Column) -> SemanticType | None:
    numbers = column.derive(summarise_numbers)
    for name, limit in _LIMITS.items():
        if _NAME_PATTERNS[name].search(words) and numbers.minimum is not None and numbers.maximum is not None:
            inside = -limit <= numbers.minimum and numbers.maximum <= limit
            return SemanticType(name=name, cells=column.known) if inside else None
    return None


def _recognise_text(words: str, column: Column) -> SemanticType | None:
    distinct_values = column.derive(distinct)
    for name, pattern in _PATTERNS.items():
        if name not in _NAME_PATTERNS or _NAME_PATTERNS[name].search(words):
            matches = pc.match_substring_regex(distinct_values.values, pattern)
            semantic_type = _require_nearly_all(name, matches, column)
            if semantic_type is not None:
                return semantic_type
    if not _NAME_PATTERNS["country_code"].search(words):
        return None
    matches = pc.is_in(pc.utf8_upper(distinct_values.values), value_set=pa.array(_COUNTRY_CODES.split()))
    return _require_nearly_all("country_code", matches, column)


def _require_nearly_all(name: SemanticTypeName, matches: pa.Array, column: Column) -> SemanticType | None:
    counts = column.derive(distinct).counts
    cells = int(counts[matches.to_numpy(zero_copy_only=False).astype(bool)].sum())
    return SemanticType(name=name, cells=cells) if cells >= NEARLY_ALL * column.known else None
