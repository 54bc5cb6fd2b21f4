"""Proposes the columns of the engineered table: numbers only, nothing missing, nothing a model can't use."""

from collections.abc import Callable, Iterator, Sequence

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, fraction, quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.steps import (
    AnyStep,
    DateParts,
    DropColumn,
    FillMissing,
    Flag,
    FrequencyEncode,
    LabelEncode,
    NumberRows,
    TreatOutliers,
)
from worker_service.core.relations.target import Target
from worker_service.planner.context import PlanContext, is_sparse
from worker_service.planner.rules.column_names import Names
from worker_service.planner.rules.derived_features import propose_bins, propose_date_parts, propose_ratios
from worker_service.planner.rules.encoding import propose_encoding
from worker_service.planner.rules.leakage import propose_leaks
from worker_service.planner.rules.missing_indicators import propose_value_or_none, propose_was_missing
from worker_service.planner.rules.scaling import HEAVY_KURTOSIS, propose_scaling

ON_A_LINE = 0.9999
"""From this correlation on, two columns say the same, but for rounding."""
FEWEST_ON_A_LINE = 30
_UNUSED: dict[str, Callable[[ColumnProfile], str]] = {
    "identifier": lambda column: f"{column.why} A model would learn nothing from it about new rows.",
    "constant": lambda column: "It has only one value, so it can't tell rows apart.",
    "text": lambda column: f"Free text is no feature as it is ({count(column.distinct, 'different value')}).",
    "empty": lambda column: "It has no values.",
}


def propose_features(context: PlanContext, treatment: Sequence[AnyStep]) -> list[AnyStep]:
    """Propose the steps that derive the engineered table.

    `treatment` are the cleaning and outlier steps that are proposed already.
    """
    profile, target = context.profile, context.target
    names = Names(column.name for column in profile.columns)
    spared = context.dropped | {target.column}
    features = [column for column in profile.columns if column.name not in spared]
    drops = {column.name: _drop(column, why) for column in features if (why := _useless(column, profile, target))}
    kept = [column for column in features if column.name not in drops]
    fills = {step.column: step for step in treatment if isinstance(step, FillMissing)}
    numbered = [] if kept or target.column is not None else [_number_rows(names)]
    dates = list(propose_date_parts(kept, names))
    # Ratios and groups repeat what is there in other words: good for people, noise for a model that has a target.
    derived: list[AnyStep] = []
    if target.column is None:
        derived = [*propose_ratios(kept, profile.correlation, names), *propose_bins(kept, names)]
    encoding = list(propose_encoding(kept, fills, names))
    return [
        _announce(target),
        *propose_leaks(context),
        *numbered,
        *propose_value_or_none([column for column in features if column.name in drops], context, names),
        *drops.values(),
        *propose_was_missing(kept, context, names),
        *_fill_emptied(kept, treatment),
        *dates,
        *derived,
        *encoding,
        *propose_scaling(kept, [*_days(dates), *_made(derived), *_places(encoding)]),
    ]


def _days(dates: Sequence[DateParts]) -> list[str]:
    """Parts that are no circle."""
    return [name for step in dates for part, name in zip(step.parts, step.names, strict=True) if part == "days"]


def _made(derived: Sequence[AnyStep]) -> list[str]:
    return [name for step in derived for name in step.outputs]


def _places(encoding: Sequence[AnyStep]) -> list[str]:
    """Columns whose categories became one number each; two of them, as a boolean has, are of a size already."""
    frequencies = [step.column for step in encoding if isinstance(step, FrequencyEncode)]
    return frequencies + [step.column for step in encoding if isinstance(step, LabelEncode) and len(step.levels) > 2]


def _fill_emptied(columns: Sequence[ColumnProfile], treatment: Sequence[AnyStep]) -> Iterator[FillMissing]:
    """A model needs a value where outliers were emptied, and where true or false would have been a coin toss."""
    left = {step.column for step in treatment if isinstance(step, Flag) and step.rule == "left_missing"}
    for column in columns:
        if column.type == "boolean" and column.name in left:
            yield FillMissing(
                kind="fill_missing",
                phase="features",
                column=column.name,
                method="mode",
                value=column.top_values[0].value == "true",
                why="It was left missing in the cleaned table, and a model needs a value.",
                confidence=0.5,
                rule="fill_left",
            )
    emptied = left | {step.column for step in treatment if isinstance(step, TreatOutliers) and step.strategy == "null"}
    for column in columns:
        if column.name in emptied and column.numbers is not None and column.numbers.median is not None:
            median, whole = column.numbers.median, column.storage == "integer"
            yield FillMissing(
                kind="fill_missing",
                phase="features",
                column=column.name,
                method="median",
                value=round(median) if whole else median,
                why="It has gaps in the cleaned table, and a model needs a value.",
                confidence=0.7,
                rule="fill_emptied",
            )


def _announce(target: Target) -> Flag:
    kept = "" if target.column is None else " It stays as it is in both tables, and no feature is computed from it."
    return Flag(
        kind="flag",
        phase="features",
        column=target.column,
        why=target.why + kept,
        confidence=target.confidence,
        rule="target",
    )


def _number_rows(names: Names) -> NumberRows:
    why = "No column is of use to a model, so the rows are only numbered."
    return NumberRows(kind="number_rows", name=names.claim("row"), why=why, confidence=1.0, rule="no_features")


def _useless(column: ColumnProfile, profile: Profile, target: Target) -> str | None:
    """Why a model has no use for a column; None where it has."""
    if column.type in _UNUSED:
        return _UNUSED[column.type](column)
    if is_sparse(column, profile.rows):
        return f"Only {fraction(profile.rows - column.missing, profile.rows, 'cell')} have a value."
    if column.duplicate_of is not None:
        return f"It holds the same as {quoted(column.duplicate_of)} in every row."
    other = _same_in_another_unit(column, profile, target)
    if other is not None:
        return f"It is {quoted(other)} in another unit: one is a straight line of the other (|r| ≥ {ON_A_LINE})."
    if target.column is not None and profile.by_name()[target.column].duplicate_of == column.name:
        return f"It holds the same as the target, {quoted(target.column)}, in every row and would give it away."
    return None


def _same_in_another_unit(column: ColumnProfile, profile: Profile, target: Target) -> str | None:
    """An earlier feature that is known in the same rows and goes with the column on a straight line."""
    table = profile.correlation
    if table is None or column.name not in table.columns or table.sampled_rows < FEWEST_ON_A_LINE:
        return None
    place, facts = table.columns.index(column.name), profile.by_name()
    for other, r in zip(table.columns[:place], table.matrix[place], strict=False):
        alike = r is not None and abs(r) >= ON_A_LINE and other != target.column
        if alike and facts[other].missing == column.missing and not (_has_heavy_tails(facts[other], column)):
            return other
    return None


def _has_heavy_tails(*columns: ColumnProfile) -> bool:
    """Whether a few values make up the correlation."""
    return any(one.numbers is None or (one.numbers.kurtosis or 0) > HEAVY_KURTOSIS for one in columns)


def _drop(column: ColumnProfile, why: str) -> DropColumn:
    source = column.type if column.type in _UNUSED else "duplicate"
    return DropColumn(
        kind="drop_column", phase="features", column=column.name, why=why, confidence=0.9, rule=f"unused_{source}"
    )
