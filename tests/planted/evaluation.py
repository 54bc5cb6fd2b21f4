"""Holds a preparation against what was planted."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Literal

import pyarrow as pa

from tests.planted.plan import Fault, Planted
from tests.planted.truth import as_boolean, is_right, says_the_same

Status = Literal["fixed", "flagged", "missed", "damaged"]
_DECODED = b"neuralearn.decoded"
_NUMBERS = ("integer", "decimal")

_ALERTS = {
    "leading_zeros": r"zero|code",
    "na_country": r"\bNA\b",
    "currency": r"\$|currenc|dollar",
    "percent": r"%|percent",
    "boolean_words": r"yes|true|boolean",
    "day_month_dates": r"\bday\b|month",
    "iso_timestamps": r"moment|timestamp|time",
    "spellings": r"spell|variant|spelt",
    "sentinel_ages": r"999|sentinel|placeholder",
    "hundredfold_slips": r"× ?100|100 times|hundred|slip",
    "incomes_missing_not_at_random": r"at random|depends on|missingness",
    "leak_duplicate_constant": r"leak|predicts|gives? .*away|afterwards",
}


@dataclass(frozen=True)
class Verdict:
    """What became of one fault, with the numbers."""

    fault: str
    status: Status
    detail: str


@dataclass(frozen=True)
class _Evidence:
    """A preparation, addressed by the rows of the file."""

    planted: Planted
    cells: Mapping[str, Sequence[object]]
    """The cleaned columns."""
    places: Mapping[int, int]
    """Row of the file → row of the cleaned table; removed rows are absent."""
    features: tuple[str, ...]
    profile: Mapping[str, Mapping[str, Any]]
    flags: tuple[tuple[tuple[str, ...], str], ...]
    """Columns and sentence of everything noticed and left alone."""

    def alerted(self, fault: Fault, column: str | None = None) -> bool:
        """Whether a flag on the fault's columns (or on one of them) speaks of this fault."""
        wanted = {column} if column else set(fault.columns)
        spoken = re.compile(_ALERTS[fault.name], re.IGNORECASE)
        return any(wanted & set(columns) and spoken.search(text) for columns, text in self.flags)

    def is_feature(self, column: str) -> bool:
        """Whether the engineered table has the column or one made from it, going by the names."""
        return any(column in name for name in self.features)


def judge(
    planted: Planted,
    cleaned: pa.Table,
    engineered: pa.Table,
    changes: pa.Table,
    logs: Iterable[Any],
    profile: Mapping[str, Any],
) -> list[Verdict]:
    """A verdict for each fault, in the order in which they were planted.

    `logs` are step results or rows of the log tables, `profile` the parsed profile.json. Rows that were removed are
    those named by the ledger's metadata.
    """
    evidence = _Evidence(
        planted=planted,
        cells=_cells(planted, cleaned),
        places=_places(planted, cleaned, changes),
        features=tuple(engineered.column_names),
        profile={column["name"]: column for column in profile.get("columns", [])},
        flags=tuple(_flags(logs)),
    )
    return [_JUDGES.get(fault.name, _judge_cells)(evidence, fault) for fault in planted.faults]


def damaged_cells(planted: Planted, cleaned: pa.Table, changes: pa.Table | None = None) -> int:
    """How many cells that were right in the file say something else now, or are gone.

    Another notation of the same number, day or truth value is no damage, nor is the removal of a repeated row.
    Without `changes` the cleaned table must have all rows.
    """
    return sum(damage_by_column(planted, cleaned, changes).values())


def damage_by_column(planted: Planted, cleaned: pa.Table, changes: pa.Table | None = None) -> Counter[str]:
    """The damaged cells of each column that has any."""
    places = _places(planted, cleaned, changes)
    wrong = {cell for fault in planted.faults if fault.wrong for cell in fault.cells}
    damage: Counter[str] = Counter()
    for name, truth in planted.truth.items():
        values = cleaned[name].to_pylist() if name in cleaned.column_names else [None] * cleaned.num_rows
        written = planted.decoded[name].to_pylist()
        damage[name] = sum(
            not _stands(places, values, row, true, written[row])
            for row, true in enumerate(truth)
            if true is not None and (row, name) not in wrong and (row in places or row not in planted.repeated)
        )
    return +damage


def _stands(places: Mapping[int, int], values: Sequence[object], row: int, true: Any, written: str | None) -> bool:
    return row in places and says_the_same(values[places[row]], true, written)


def _places(planted: Planted, cleaned: pa.Table, changes: pa.Table | None) -> dict[int, int]:
    metadata = (changes.schema.metadata or {}) if changes is not None else {}
    removed = set(json.loads(metadata[_DECODED])["removed"]) if _DECODED in metadata else set()
    kept = [row for row in range(planted.decoded.num_rows) if row not in removed]
    if len(kept) != cleaned.num_rows:
        raise ValueError(f"the ledger keeps {len(kept)} rows, the cleaned table has {cleaned.num_rows}")
    return {row: place for place, row in enumerate(kept)}


def _cells(planted: Planted, cleaned: pa.Table) -> dict[str, Sequence[object]]:
    cells: dict[str, Sequence[object]] = {name: cleaned[name].to_pylist() for name in cleaned.column_names}
    for name in cells.keys() & planted.truth.keys():
        two_valued = len(set(cells[name]) - {None}) <= 2
        if two_valued and any(isinstance(value, bool) for value in planted.truth[name]):
            cells[name] = [as_boolean(value) for value in cells[name]]
    return cells


def _flags(logs: Iterable[Any]) -> Iterable[tuple[tuple[str, ...], str]]:
    for log in logs:
        row = asdict(log) if is_dataclass(log) and not isinstance(log, type) else log
        if row["state"] == "flagged":
            named = row.get("columns") or [row.get("column")]
            yield tuple(name for name in named if name), f"{row.get('rule', '')}: {row['why']}"


def _tally(evidence: _Evidence, fault: Fault) -> Counter[str]:
    """How many planted cells are right, kept as written, wrong, or gone with their column."""
    tally: Counter[str] = Counter()
    for (row, name), expected in fault.cells.items():
        if row not in evidence.places:
            tally["gone"] += row not in evidence.planted.repeated
        elif name not in evidence.cells:
            tally["gone"] += 1
        else:
            tally[_outcome(evidence, row, name, expected)] += 1
    return +tally


def _outcome(evidence: _Evidence, row: int, name: str, expected: Any) -> str:
    value = evidence.cells[name][evidence.places[row]]
    if is_right(value, expected):
        return "right"
    written = evidence.planted.decoded[name][row].as_py()
    return "kept" if value is not None and says_the_same(value, written, written) else "wrong"


def _judge_cells(evidence: _Evidence, fault: Fault) -> Verdict:
    tally = _tally(evidence, fault)
    detail = ", ".join(f"{number:,} {what}" for what, number in sorted(tally.items()))
    if not fault.wrong and tally["wrong"] + tally["gone"]:
        return Verdict(fault.name, "damaged", detail)
    if set(tally) == {"right"}:
        return Verdict(fault.name, "fixed", detail)
    return Verdict(fault.name, "flagged" if evidence.alerted(fault) else "missed", detail)


def _judge_text(evidence: _Evidence, fault: Fault) -> Verdict:
    """Text that must stay: it is not enough that it stands, the profile must know what it is."""
    verdict = _judge_cells(evidence, fault)
    facts = evidence.profile.get(fault.columns[0])
    if verdict.status != "fixed" or facts is None:
        return verdict if facts is not None else Verdict(fault.name, "missed", f"{verdict.detail}, not profiled")
    misread = facts["type"] in _NUMBERS or facts["missing"] > 0
    told = f"{verdict.detail}, profiled as {facts['type']} with {facts['missing']} missing"
    return Verdict(fault.name, "missed" if misread else "fixed", told)


def _judge_incomes(evidence: _Evidence, fault: Fault) -> Verdict:
    values = evidence.cells.get("income", ())
    recognised = bool(values) and not any(isinstance(value, str) for value in values)
    indicated = any("income" in name and "missing" in name for name in evidence.features)
    detail = f"hidden words {'' if recognised else 'not '}recognised, {'an' if indicated else 'no'} indicator feature"
    if recognised and indicated:
        return Verdict(fault.name, "fixed", detail)
    return Verdict(fault.name, "flagged" if evidence.alerted(fault) else "missed", detail)


def _judge_useless(evidence: _Evidence, fault: Fault) -> Verdict:
    """None of the columns is a feature, or an alert says that it gives the target away; the cleaned table keeps all."""
    lost = [name for name in fault.columns if name not in evidence.cells]
    used = [name for name in fault.columns if evidence.is_feature(name)]
    detail = f"still features: {', '.join(used) or 'none'}"
    if lost:
        return Verdict(fault.name, "damaged", f"no longer in the cleaned table: {', '.join(lost)}")
    if not used:
        return Verdict(fault.name, "fixed", detail)
    told = all(evidence.alerted(fault, name) for name in used)
    return Verdict(fault.name, "flagged" if told else "missed", detail)


def _judge_identifiers(evidence: _Evidence, fault: Fault) -> Verdict:
    """The values stand and no feature is made of them."""
    tally = _tally(evidence, fault)
    if tally["wrong"] + tally["gone"]:
        return Verdict(fault.name, "damaged", ", ".join(f"{number:,} {what}" for what, number in tally.items()))
    used = [name for name in fault.columns if evidence.is_feature(name)]
    return Verdict(fault.name, "missed" if used else "fixed", f"still features: {', '.join(used) or 'none'}")


def _judge_repeated(evidence: _Evidence, fault: Fault) -> Verdict:
    removed = set(range(evidence.planted.decoded.num_rows)) - evidence.places.keys()
    unique, repeated = len(removed - fault.rows), len(removed & fault.rows)
    detail = f"{repeated} of {len(fault.rows)} repeated rows removed, {unique} others"
    if unique:
        return Verdict(fault.name, "damaged", detail)
    if repeated == len(fault.rows):
        return Verdict(fault.name, "fixed", detail)
    told = any(
        "duplicate" in text.lower() or "repeat" in text.lower() for columns, text in evidence.flags if not columns
    )
    return Verdict(fault.name, "flagged" if told else "missed", detail)


_JUDGES: Mapping[str, Callable[[_Evidence, Fault], Verdict]] = {
    "leading_zeros": _judge_text,
    "na_country": _judge_text,
    "incomes_missing_not_at_random": _judge_incomes,
    "leak_duplicate_constant": _judge_useless,
    "ids_and_emails": _judge_identifiers,
    "duplicate_rows": _judge_repeated,
}
