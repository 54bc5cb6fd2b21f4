"""Evaluation of a preparation against the planted faults."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Literal

import pyarrow as pa

from tests.planted.plan import Fault, Planted
from tests.planted.truth import as_boolean, is_equivalent, is_right

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
class FaultResult:
    """The outcome of one fault, with its numbers."""

    fault: str
    status: Status
    detail: str


@dataclass(frozen=True)
class _Evidence:
    """A preparation whose cells can be looked up by the rows of the file."""

    planted: Planted
    cells: Mapping[str, Sequence[object]]
    """The cleaned columns."""
    positions: Mapping[int, int]
    """Row of the file → row of the cleaned table; removed rows are absent."""
    features: tuple[str, ...]
    profile: Mapping[str, Mapping[str, Any]]
    flags: tuple[tuple[tuple[str, ...], str], ...]
    """The columns and the sentence of every flag."""

    def is_flagged(self, fault: Fault, column: str | None = None) -> bool:
        """Return True if a flag on the fault's columns, or on the given one, is about this fault."""
        expected = {column} if column else set(fault.columns)
        pattern = re.compile(_ALERTS[fault.name], re.IGNORECASE)
        return any(expected & set(columns) and pattern.search(text) for columns, text in self.flags)

    def is_feature(self, column: str) -> bool:
        """Return True if the engineered table has the column, or one derived from it according to its name."""
        return any(column in name for name in self.features)


def evaluate(
    planted: Planted,
    cleaned: pa.Table,
    engineered: pa.Table,
    changes: pa.Table,
    logs: Iterable[Any],
    profile: Mapping[str, Any],
) -> list[FaultResult]:
    """Return a result for each fault, in the order in which they were planted.

    Args:
        planted: the file and its faults.
        cleaned: the cleaned table.
        engineered: the engineered table.
        changes: the ledger, whose metadata names the removed rows.
        logs: step results, or rows of the log tables.
        profile: the parsed profile.json.
    """
    evidence = _Evidence(
        planted=planted,
        cells=_cells(planted, cleaned),
        positions=_positions(planted, cleaned, changes),
        features=tuple(engineered.column_names),
        profile={column["name"]: column for column in profile.get("columns", [])},
        flags=tuple(_flags(logs)),
    )
    return [_EVALUATORS.get(fault.name, _evaluate_cells)(evidence, fault) for fault in planted.faults]


def count_damaged_cells(planted: Planted, cleaned: pa.Table, changes: pa.Table | None = None) -> int:
    """Return how many cells that were right in the file are wrong or gone in the cleaned table.

    Another notation of the same number, day or boolean is no damage, nor is the removal of a repeated row.
    Without `changes` the cleaned table must have all rows.
    """
    return sum(damage_by_column(planted, cleaned, changes).values())


def damage_by_column(planted: Planted, cleaned: pa.Table, changes: pa.Table | None = None) -> Counter[str]:
    """Return the number of damaged cells of each column that has any."""
    positions = _positions(planted, cleaned, changes)
    wrong = {cell for fault in planted.faults if fault.wrong for cell in fault.cells}
    damage: Counter[str] = Counter()
    for name, truth in planted.truth.items():
        values = cleaned[name].to_pylist() if name in cleaned.column_names else [None] * cleaned.num_rows
        written = planted.decoded[name].to_pylist()
        damage[name] = sum(
            not _is_intact(positions, values, row, true, written[row])
            for row, true in enumerate(truth)
            if true is not None and (row, name) not in wrong and (row in positions or row not in planted.repeated)
        )
    return +damage


def _is_intact(
    positions: Mapping[int, int], values: Sequence[object], row: int, true: Any, written: str | None
) -> bool:
    return row in positions and is_equivalent(values[positions[row]], true, written)


def _positions(planted: Planted, cleaned: pa.Table, changes: pa.Table | None) -> dict[int, int]:
    metadata = (changes.schema.metadata or {}) if changes is not None else {}
    removed = set(json.loads(metadata[_DECODED])["removed"]) if _DECODED in metadata else set()
    kept = [row for row in range(planted.decoded.num_rows) if row not in removed]
    if len(kept) != cleaned.num_rows:
        raise ValueError(f"the ledger keeps {len(kept)} rows, the cleaned table has {cleaned.num_rows}")
    return {row: position for position, row in enumerate(kept)}


def _cells(planted: Planted, cleaned: pa.Table) -> dict[str, Sequence[object]]:
    cells: dict[str, Sequence[object]] = {name: cleaned[name].to_pylist() for name in cleaned.column_names}
    for name in cells.keys() & planted.truth.keys():
        has_two_values = len(set(cells[name]) - {None}) <= 2
        if has_two_values and any(isinstance(value, bool) for value in planted.truth[name]):
            cells[name] = [as_boolean(value) for value in cells[name]]
    return cells


def _flags(logs: Iterable[Any]) -> Iterable[tuple[tuple[str, ...], str]]:
    for log in logs:
        row = asdict(log) if is_dataclass(log) and not isinstance(log, type) else log
        if row["state"] == "flagged":
            columns = row.get("columns") or [row.get("column")]
            yield tuple(name for name in columns if name), f"{row.get('rule', '')}: {row['why']}"


def _count_outcomes(evidence: _Evidence, fault: Fault) -> Counter[str]:
    """Count the planted cells that are right, kept as written, wrong, or gone."""
    counts: Counter[str] = Counter()
    for (row, name), expected in fault.cells.items():
        if row not in evidence.positions:
            counts["gone"] += row not in evidence.planted.repeated
        elif name not in evidence.cells:
            counts["gone"] += 1
        else:
            counts[_outcome(evidence, row, name, expected)] += 1
    return +counts


def _outcome(evidence: _Evidence, row: int, name: str, expected: Any) -> str:
    value = evidence.cells[name][evidence.positions[row]]
    if is_right(value, expected):
        return "right"
    written = evidence.planted.decoded[name][row].as_py()
    return "kept" if value is not None and is_equivalent(value, written, written) else "wrong"


def _evaluate_cells(evidence: _Evidence, fault: Fault) -> FaultResult:
    counts = _count_outcomes(evidence, fault)
    detail = ", ".join(f"{number:,} {outcome}" for outcome, number in sorted(counts.items()))
    if not fault.wrong and counts["wrong"] + counts["gone"]:
        return FaultResult(fault.name, "damaged", detail)
    if set(counts) == {"right"}:
        return FaultResult(fault.name, "fixed", detail)
    return FaultResult(fault.name, "flagged" if evidence.is_flagged(fault) else "missed", detail)


def _evaluate_text(evidence: _Evidence, fault: Fault) -> FaultResult:
    """Evaluate text that must not become a number: the profile must know its type, too."""
    result = _evaluate_cells(evidence, fault)
    facts = evidence.profile.get(fault.columns[0])
    if result.status != "fixed" or facts is None:
        return result if facts is not None else FaultResult(fault.name, "missed", f"{result.detail}, not profiled")
    misread = facts["type"] in _NUMBERS or facts["missing"] > 0
    detail = f"{result.detail}, profiled as {facts['type']} with {facts['missing']} missing"
    return FaultResult(fault.name, "missed" if misread else "fixed", detail)


def _evaluate_incomes(evidence: _Evidence, fault: Fault) -> FaultResult:
    values = evidence.cells.get("income", ())
    recognised = bool(values) and not any(isinstance(value, str) for value in values)
    indicated = any("income" in name and "missing" in name for name in evidence.features)
    detail = f"hidden words {'' if recognised else 'not '}recognised, {'an' if indicated else 'no'} indicator feature"
    if recognised and indicated:
        return FaultResult(fault.name, "fixed", detail)
    return FaultResult(fault.name, "flagged" if evidence.is_flagged(fault) else "missed", detail)


def _evaluate_unusable(evidence: _Evidence, fault: Fault) -> FaultResult:
    """Evaluate columns that must not be features unless an alert names them a leak; the cleaned table keeps them."""
    lost = [name for name in fault.columns if name not in evidence.cells]
    used = [name for name in fault.columns if evidence.is_feature(name)]
    detail = f"still features: {', '.join(used) or 'none'}"
    if lost:
        return FaultResult(fault.name, "damaged", f"no longer in the cleaned table: {', '.join(lost)}")
    if not used:
        return FaultResult(fault.name, "fixed", detail)
    is_flagged = all(evidence.is_flagged(fault, name) for name in used)
    return FaultResult(fault.name, "flagged" if is_flagged else "missed", detail)


def _evaluate_identifiers(evidence: _Evidence, fault: Fault) -> FaultResult:
    """Evaluate columns whose values must stay and must not be features."""
    counts = _count_outcomes(evidence, fault)
    if counts["wrong"] + counts["gone"]:
        return FaultResult(
            fault.name, "damaged", ", ".join(f"{number:,} {outcome}" for outcome, number in counts.items())
        )
    used = [name for name in fault.columns if evidence.is_feature(name)]
    return FaultResult(fault.name, "missed" if used else "fixed", f"still features: {', '.join(used) or 'none'}")


def _evaluate_repeated(evidence: _Evidence, fault: Fault) -> FaultResult:
    removed = set(range(evidence.planted.decoded.num_rows)) - evidence.positions.keys()
    unique, repeated = len(removed - fault.rows), len(removed & fault.rows)
    detail = f"{repeated} of {len(fault.rows)} repeated rows removed, {unique} others"
    if unique:
        return FaultResult(fault.name, "damaged", detail)
    if repeated == len(fault.rows):
        return FaultResult(fault.name, "fixed", detail)
    is_flagged = any(
        "duplicate" in text.lower() or "repeat" in text.lower() for columns, text in evidence.flags if not columns
    )
    return FaultResult(fault.name, "flagged" if is_flagged else "missed", detail)


_EVALUATORS: Mapping[str, Callable[[_Evidence, Fault], FaultResult]] = {
    "leading_zeros": _evaluate_text,
    "na_country": _evaluate_text,
    "incomes_missing_not_at_random": _evaluate_incomes,
    "leak_duplicate_constant": _evaluate_unusable,
    "ids_and_emails": _evaluate_identifiers,
    "duplicate_rows": _evaluate_repeated,
}
