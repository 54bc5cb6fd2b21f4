"""Proposes the columns of the engineered table: numbers only, nothing missing, nothing a model can't use."""

from collections.abc import Callable, Sequence

from worker_service.core.profile import ColumnProfile, Profile
from worker_service.core.steps import AnyStep, DropColumn, FillMissing, Flag, NumberRows
from worker_service.core.target import Target
from worker_service.core.wording import count, fraction, quoted
from worker_service.planner.cleaning import dropped_columns, is_sparse
from worker_service.planner.derived import propose_bins, propose_date_parts, propose_ratios
from worker_service.planner.encoding import propose_encoding
from worker_service.planner.names import Names
from worker_service.planner.scaling import propose_scaling

_UNUSED: dict[str, Callable[[ColumnProfile], str]] = {
    "identifier": lambda column: f"{column.evidence} A model would learn nothing from it about new rows.",
    "constant": lambda column: "It has only one value, so it can't tell rows apart.",
    "text": lambda column: f"Free text is no feature as it is ({count(column.distinct, 'different value')}).",
    "empty": lambda column: "It has no values.",
}


def propose_features(profile: Profile, target: Target, treatment: Sequence[AnyStep]) -> list[AnyStep]:
    """Steps that derive the engineered table; `treatment` are the cleaning and outlier steps already proposed."""
    names = Names(column.name for column in profile.columns)
    gone = dropped_columns(profile, target)
    features = [column for column in profile.columns if column.name != target.column and column.name not in gone]
    drops = {column.name: _drop(column, why) for column in features if (why := _useless(column, profile, target))}
    kept = [column for column in features if column.name not in drops]
    fills = {step.column: step for step in treatment if isinstance(step, FillMissing)}
    numbered = [] if kept or target.column is not None else [_number_rows(names)]
    return [
        _announce(target),
        *numbered,
        *drops.values(),
        *propose_date_parts(kept, names),
        *propose_ratios(kept, profile.correlation, names),
        *propose_bins(kept, names),
        *propose_encoding(kept, fills, names),
        *propose_scaling(kept, treatment, profile.rows),
    ]


def _announce(target: Target) -> Flag:
    kept = "" if target.column is None else " It stays as it is in both tables, and no feature is computed from it."
    return Flag(
        kind="flag",
        phase="features",
        column=target.column,
        why=target.reason + kept,
        confidence=target.confidence,
        source="target",
    )


def _number_rows(names: Names) -> NumberRows:
    why = "No column is of use to a model, so the rows are only numbered."
    return NumberRows(kind="number_rows", name=names.claim("row"), why=why, confidence=1.0, source="no_features")


def _useless(column: ColumnProfile, profile: Profile, target: Target) -> str | None:
    """Why a model has no use for a column; None where it has."""
    if column.type in _UNUSED:
        return _UNUSED[column.type](column)
    if is_sparse(column, profile.rows):
        return f"Only {fraction(profile.rows - column.missing, profile.rows, 'cell')} have a value."
    if column.duplicate_of is not None:
        return f"It holds the same as {quoted(column.duplicate_of)} in every row."
    if target.column is not None and profile.by_name()[target.column].duplicate_of == column.name:
        return f"It holds the same as the target, {quoted(target.column)}, in every row and would give it away."
    return None


def _drop(column: ColumnProfile, why: str) -> DropColumn:
    source = column.type if column.type in _UNUSED else "duplicate"
    return DropColumn(
        kind="drop_column", phase="features", column=column.name, why=why, confidence=0.9, source=f"unused_{source}"
    )
