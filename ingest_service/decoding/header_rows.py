"""Headers of more than one row: groups above the names, and units below them."""

import re
from collections.abc import Sequence

from ingest_service.decoding.cell_kinds import SPECIFIC, kind_of

_UNIT = re.compile(
    r"""[%‰°$€£] | °[cf] | [kcmµun]?m[23²³]? | in | ft | mi | [kmµu]?g | t | lb | oz | [md]?l
    | m?s | sec | min | h | hr | days? | years? | [kmg]?wh? | [av] | k?j | k?cal | [hkm]?pa | m?bar | psi | [kmg]?hz
    | m/s | km/h | mph | kn | ha | m?mol | pp[mb] | usd | eur | gbp | chf | deg | rad | mmhg | bpm | db | lux
    | [(\[].{1,20}[)\]]""",
    re.VERBOSE | re.IGNORECASE,
)
_MIN_ROWS = 3
_MIN_NUMERIC_SHARE = 0.8


def is_group_row(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Return True if a row may name groups of the columns whose names stand below it.

    It has gaps after names of groups, and the row below has none; no name stands there twice, unless all groups of
    several columns have the same names. Neither holds values.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    below = [name.strip() for name in names]
    # A gap in front alone is where names of rows have no name.
    has_gaps = len(filled) >= 2 and len(cells) == len(below) and not all(cell.strip() for cell in cells[1:])
    if not has_gaps or not all(below) or not (len(set(below)) == len(below) or _repeat_in_groups(cells, below)):
        return False
    return not any(kind_of(cell) in SPECIFIC - {"integer"} for cell in filled) and not any(
        kind_of(name) in SPECIFIC for name in below
    )


def _repeat_in_groups(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Return True if the groups of several columns have the same names below them, and the others have names alone."""
    by_group: dict[int, list[str]] = {}
    group = 0
    for position, (cell, name) in enumerate(zip(cells, names, strict=True)):
        group = position if cell.strip() else group
        by_group.setdefault(group, []).append(name)
    wide = {tuple(members) for members in by_group.values() if len(members) > 1}
    distinct = [name for members in wide for name in members]
    distinct += [members[0] for members in by_group.values() if len(members) == 1]
    return len(wide) == 1 and len(set(distinct)) == len(distinct)


def group_names(cells: Sequence[str]) -> list[str]:
    """Return the group of each column: the last name at or before it."""
    groups: list[str] = []
    for cell in cells:
        groups.append(cell if cell.strip() or not groups else groups[-1])
    return groups


def is_unit_row(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Return True if the first of the rows holds units, of columns that hold numbers.

    Args:
        rows: the rows below the names.
        width: the number of names.
    """
    below = [row for row in rows[1:] if len(row) == width]
    if len(below) < _MIN_ROWS or len(rows[0]) != width:
        return False
    units = {position: cell.strip() for position, cell in enumerate(rows[0]) if cell.strip()}
    if not units or not all(_UNIT.fullmatch(cell) for cell in units.values()):
        return False
    return all(_numeric_share([row[position] for row in below]) >= _MIN_NUMERIC_SHARE for position in units)


def join_names(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return the names of two rows, joined by a space where both have one and they differ."""
    pairs = ((above.strip(), below.strip()) for above, below in zip(first, second, strict=True))
    return [" ".join(dict.fromkeys(filter(None, pair))) for pair in pairs]


def _numeric_share(cells: Sequence[str]) -> float:
    filled = [cell for cell in cells if cell.strip()]
    return sum(kind_of(cell) in ("integer", "decimal") for cell in filled) / len(filled) if filled else 0.0
