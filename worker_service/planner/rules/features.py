"""Composition of the engineered table: numeric columns without missing cells that a model can use."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from shared.contracts.vocabulary import ColumnRole
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, fraction, quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import AnyFill
from worker_service.core.recipe.steps import (
    AnyStep,
    Bin,
    DateParts,
    DropColumn,
    FillByLevel,
    FillMissing,
    Flag,
    FrequencyEncode,
    LabelEncode,
    NumberRows,
    Ratio,
    SplitAmounts,
    SplitText,
    TextNumbers,
    TimeDifference,
    TreatOutliers,
)
from worker_service.core.relations.target import Target
from worker_service.planner.context import PlanContext, is_sparse
from worker_service.planner.rules.column_names import Names
from worker_service.planner.rules.derived_features import (
    propose_amounts,
    propose_bins,
    propose_cycles,
    propose_date_parts,
    propose_ratios,
    propose_time_differences,
)
from worker_service.planner.rules.encoding import propose_encoding
from worker_service.planner.rules.leakage import propose_leaks
from worker_service.planner.rules.missing_indicators import propose_missing_indicators, propose_presence_indicators
from worker_service.planner.rules.missing_values import propose_engineered_fill
from worker_service.planner.rules.optional_features import (
    propose_integer_levels,
    propose_powers,
    propose_text_components,
)
from worker_service.planner.rules.scaling import HEAVY_KURTOSIS, propose_scaling
from worker_service.planner.rules.text_values import propose_multi_hot, propose_split_texts, propose_text_numbers

MIN_LINEAR_CORRELATION = 0.9999
"""From this correlation on, two columns are the same but for their unit and rounding."""
MIN_LINEAR_ROWS = 30
_UNUSABLE_TYPES: dict[str, Callable[[ColumnProfile], str]] = {
    "identifier": lambda column: (
        f"It identifies rows or what they are about ({count(column.distinct, 'different value')}) and tells a model "
        "nothing about new ones."
    ),
    "constant": lambda column: "It has only one value, so it can't tell rows apart.",
    "text": lambda column: f"Free text is no feature as it is ({count(column.distinct, 'different value')}).",
    "empty": lambda column: "It has no values.",
}


def propose_features(context: PlanContext, treatment: Sequence[AnyStep]) -> list[AnyStep]:
    """Propose the steps that derive the engineered table.

    Args:
        context: the input of every rule.
        treatment: the cleaning and outlier steps that are proposed already.
    """
    profile, target = context.profile, context.target
    names = Names(column.name for column in profile.columns)
    features = [column for column in profile.columns if column.name != target.column]
    drops = {step.column: step for step in _drop_unusable(features, context)}
    kept = [column for column in features if column.name not in drops]
    remaining = list(_fill_remaining(kept, treatment, context))
    fills = {step.column: step for step in (*treatment, *remaining) if isinstance(step, FillMissing)}
    row_numbers = [] if kept or target.column is not None else [_number_rows(names)]
    differences = list(propose_time_differences(kept, names))
    dates = list(propose_date_parts(kept, names))
    cycles = propose_cycles(kept, names)
    amounts = list(propose_amounts(kept, names))
    derived: list[AnyStep] = [*propose_ratios(kept, profile.correlation, names), *propose_bins(kept, names)]
    optional = list(_propose_optional(kept, target, names))
    # What may be the target is not taken apart.
    sure = [column for column in features if column.name not in target.unsure]
    texts = propose_text_components(sure, profile.rows, names)
    composed = [column for column in sure if context.options.roles.get(column.name) != "identifier"]
    numbers = list(propose_text_numbers(composed, names))
    split = list(propose_split_texts(composed, names))
    parts = list(propose_multi_hot(composed, names))
    replaced = {step.column for step in parts if not step.keep}
    encoding = list(propose_encoding([column for column in kept if column.name not in replaced], fills, names))
    unscaled = list(_unscaled_outputs([*differences, *numbers, *split, *dates, *amounts, *derived, *encoding]))
    return [
        _flag_target(target),
        *propose_leaks(context),
        *row_numbers,
        *propose_presence_indicators([column for column in features if column.name in drops], context, names),
        *propose_missing_indicators(kept, context, names),
        *remaining,
        # A fill or the words of a text may go by a column that is of no use as a feature.
        *texts,
        *numbers,
        *split,
        *(step for step in parts if step.keep),
        *drops.values(),
        *differences,
        *dates,
        *cycles,
        *amounts,
        *derived,
        *optional,
        *(step for step in parts if not step.keep),
        *encoding,
        *propose_scaling([column for column in kept if column.name not in target.unsure], unscaled),
    ]


def _propose_optional(kept: Sequence[ColumnProfile], target: Target, names: Names) -> Iterator[AnyStep]:
    """Propose the features that only a target shows to help."""
    if target.column is not None:
        yield from propose_powers(kept, names)
        yield from propose_integer_levels(kept, names)


def _unscaled_outputs(steps: Iterable[AnyStep]) -> Iterator[str]:
    """Yield the columns that steps make and that need scaling; those of 0 and 1 or between -1 and 1 do not."""
    for step in steps:
        if isinstance(step, TimeDifference | TextNumbers | Ratio | Bin):
            yield from step.outputs
        elif isinstance(step, DateParts):
            yield from (name for part, name in zip(step.parts, step.names, strict=True) if part == "days")
        elif isinstance(step, SplitText):
            yield from (name for name, is_number in zip(step.names, step.is_number, strict=True) if is_number)
        elif isinstance(step, SplitAmounts):
            yield step.amount
        elif isinstance(step, FrequencyEncode) or (isinstance(step, LabelEncode) and len(step.levels) > 2):
            yield step.column


def _fill_remaining(
    columns: Sequence[ColumnProfile], treatment: Sequence[AnyStep], context: PlanContext
) -> Iterator[AnyFill]:
    """Fill what is missing in the cleaned table: gaps that were left there, and emptied outliers."""
    left = {step.column for step in treatment if isinstance(step, Flag) and step.rule == "left_missing"}
    partly = {step.column for step in treatment if isinstance(step, FillByLevel) and step.fallback is None}
    emptied = {step.column for step in treatment if isinstance(step, TreatOutliers) and step.strategy == "null"}
    for column in columns:
        has_unfit_cells = column.invalid > 0
        if column.name in left | partly | emptied or has_unfit_cells:
            fill = propose_engineered_fill(column, context)
            if fill is not None:
                yield fill


def _flag_target(target: Target) -> Flag:
    note = "" if target.column is None else " It stays as it is in both tables, and no feature is computed from it."
    return Flag(
        kind="flag",
        phase="features",
        column=target.column,
        why=target.why + note,
        confidence=target.confidence,
        rule="target",
    )


def _number_rows(names: Names) -> NumberRows:
    why = "No column is of use to a model, so the rows are only numbered."
    return NumberRows(kind="number_rows", name=names.claim("row"), why=why, confidence=1.0, rule="no_features")


def _why_unusable(column: ColumnProfile, profile: Profile, target: Target, role: ColumnRole | None) -> str | None:
    """Return why a model can't use a column; None if it can."""
    if role == "feature" and column.storage != "text" and column.type != "empty":
        return None
    if column.type in _UNUSABLE_TYPES and (column.amounts is None or column.type in ("constant", "empty")):
        return _UNUSABLE_TYPES[column.type](column)
    if is_sparse(column, profile.rows):
        return f"Only {fraction(profile.rows - column.missing, profile.rows, 'cell')} have a value."
    if column.duplicate_of is not None:
        return f"It holds the same as {quoted(column.duplicate_of)} in every row."
    other = _find_same_in_other_unit(column, profile, target)
    if other is not None:
        line = f"one is a straight line of the other (|r| ≥ {MIN_LINEAR_CORRELATION})"
        return f"It is {quoted(other)} in another unit: {line}."
    if target.column is not None and profile.by_name()[target.column].duplicate_of == column.name:
        return f"It holds the same as the target, {quoted(target.column)}, in every row and would give it away."
    return None


def _find_same_in_other_unit(column: ColumnProfile, profile: Profile, target: Target) -> str | None:
    """Return an earlier feature that is a linear function of the column and misses as many cells, or None."""
    correlation = profile.correlation
    if correlation is None or column.name not in correlation.columns or correlation.sampled_rows < MIN_LINEAR_ROWS:
        return None
    index, facts = correlation.columns.index(column.name), profile.by_name()
    for other, r in zip(correlation.columns[:index], correlation.matrix[index], strict=False):
        is_linear = r is not None and abs(r) >= MIN_LINEAR_CORRELATION and other != target.column
        if is_linear and facts[other].missing == column.missing and not _have_heavy_tails(facts[other], column):
            return other
    return None


def _have_heavy_tails(*columns: ColumnProfile) -> bool:
    """Return True if a few values of a column may make up the correlation."""
    return any(column.numbers is None or (column.numbers.kurtosis or 0) > HEAVY_KURTOSIS for column in columns)


def _drop_unusable(features: Sequence[ColumnProfile], context: PlanContext) -> Iterator[DropColumn]:
    """Leave out the columns that a model can't use."""
    for column in features:
        why = _why_unusable(column, context.profile, context.target, context.options.roles.get(column.name))
        if why is not None:
            yield _drop(column, why, context.profile)


def _drop(column: ColumnProfile, why: str, profile: Profile) -> DropColumn:
    source = "sparse" if is_sparse(column, profile.rows) else "duplicate"
    source = column.type if column.type in _UNUSABLE_TYPES else source
    return DropColumn(
        kind="drop_column", phase="features", column=column.name, why=why, confidence=0.9, rule=f"unused_{source}"
    )
