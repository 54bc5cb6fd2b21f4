"""Rules for missing cells: fill ordinary gaps in both tables, and all others in the engineered one alone."""

import re
from collections.abc import Iterator

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, examples, number, percent, plural_verb, quoted
from worker_service.core.imputation.benchmark import ImputationBenchmark
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import AnyFill
from worker_service.core.recipe.steps import (
    AnyStep,
    FillByLevel,
    FillMissing,
    Flag,
)
from worker_service.core.recipe.steps.fill_missing import FillMethod, FillValue
from worker_service.core.relations.dependencies import Dependency
from worker_service.core.stats.summary import Fences
from worker_service.planner.context import PlanContext
from worker_service.planner.rules.imputation import explain_benchmark, fill_by_winner, share_close
from worker_service.planner.rules.ordinary_gaps import why_not_ordinary, why_unfillable

SYMMETRIC_SKEW = 1.0
"""Below this skew the mean stands for the values, above it the median."""
MOST_MEAN_EXCESS = 1.03
"""The mean stands for symmetric values if its error is at most so many times that of the median."""
MILD_SKEW = 0.5
"""Up to this skew the distribution counts as symmetric."""
LEADING_SHARE = 0.6
"""A value with at least this share of the known cells clearly leads."""
MAX_LEVEL_ERROR = 0.4
"""If more of the imputed levels than this are wrong, a level for missing cells is better for a model."""
MIN_LEVEL_ACCURACY = 0.95
"""The cleaned table gets a level only if at least this share of the hidden cells was predicted right."""
MIN_AGREEMENT = 0.98
"""A column determines another one if at least this share of its groups' rows agree."""
MAX_MODE_MISSING = 0.3
"""A category is only filled with its mode if a smaller share than this is missing."""

_CENSORED = re.compile(r"^\s*[<>≤≥~]|\d\s*\+\s*$|\d\s*[-–]\s*\d")


def propose_fills(context: PlanContext) -> list[AnyStep]:
    """Propose for each column with gaps to fill them in both tables, or a flag that says why they stay."""
    target = context.target.column
    # Cells that held something unfit are never filled here, and have a flag of their own.
    columns = context.profile.columns
    missing = [column for column in columns if column.missing > column.invalid or _is_censored(column)]
    steps: list[AnyStep] = [
        _keep_target(column) for column in missing if column.name == target and _empty_cells(column)
    ]
    return steps + [_fill_or_leave(column, context) for column in missing if column.name != target]


def propose_engineered_fill(column: ColumnProfile, context: PlanContext) -> AnyFill | None:
    """Return a fill for the engineered table, in which no cell is missing; None if there is no value to go by.

    Cells of a category for which nothing can be inferred become a level of their own.
    """
    if why_unfillable(column) is not None or column.name in context.target.unsure:
        return None
    fill = _fill(column, context.profile, own_category=True)
    return fill.model_copy(update={"phase": "features"})


def _empty_cells(column: ColumnProfile) -> int:
    """Return the number of cells that hold nothing, not even a sentinel."""
    return column.missing - sum(sentinel.count for sentinel in column.sentinels)


def _keep_target(column: ColumnProfile) -> Flag:
    cells, stay = count(_empty_cells(column), "missing cell"), plural_verb(_empty_cells(column), "stays", "stay")
    why = (
        f"{quoted(column.name)} is the target: its {cells} {stay} missing, "
        "because a guessed target teaches a model the guess."
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=1.0, rule="target")


def _fill_or_leave(column: ColumnProfile, context: PlanContext) -> AnyStep:
    reason = why_unfillable(column)
    if column.name in context.target.unsure:
        reason = "it may be the target, and a guessed target teaches a model the guess"
    if context.options.roles.get(column.name) == "sensitive":
        reason = "it was named as sensitive, and must not be guessed"
    if reason is None and context.options.fill == "none":
        reason = "nothing was to be filled"
    if reason is None and context.options.fill == "safe":
        reason = why_not_ordinary(column, context.profile) or _why_unsure(column, context.profile)
    return _leave(column, reason) if reason is not None else _fill(column, context.profile, own_category=False)


def _why_unsure(column: ColumnProfile, profile: Profile) -> str | None:
    """Return why no fill is known to be right often enough, as a clause; None if one is."""
    if _is_censored(column):
        cells = examples(column.invalid_examples, of=column.invalid)
        return f"{count(column.invalid, 'cell')}, {cells}, {plural_verb(column.invalid, 'says', 'say')} where it lies"
    benchmark = profile.benchmark_of(column.name)
    if column.type in ("boolean", "category"):
        if column.type == "category" and _best_dependency(column, profile) is not None:
            return None
        if benchmark is not None and benchmark.winner is not None and _error(benchmark) <= 1 - MIN_LEVEL_ACCURACY:
            return None
        return "no other column tells it in " + percent(MIN_LEVEL_ACCURACY) + " of the cases"
    return None if benchmark is not None else "too few values are known to measure how good a guess would be"


def _leave(column: ColumnProfile, reason: str) -> Flag:
    cells, are = count(column.missing, "missing cell"), plural_verb(column.missing, "it is", "they are")
    why = f"Left the {cells} of {quoted(column.name)} as {are} in the cleaned table: {reason}."
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=1.0, rule="left_missing")


def _fill(column: ColumnProfile, profile: Profile, *, own_category: bool) -> AnyFill:
    """Return the best fill of a column that has one.

    Args:
        column: the column with gaps.
        profile: the profile of its table.
        own_category: True if the gaps of a category may become a level of their own.
    """
    if column.type not in ("boolean", "category"):
        return _fill_benchmarked(column, profile)
    constant = _fill_boolean(column) if column.type == "boolean" else _fill_category(column, profile, own_category)
    dependency = _best_dependency(column, profile)
    if column.type == "category" and dependency is not None:
        return _fill_by_level(column, dependency, fallback=str(constant.value) if own_category else None)
    benchmark = profile.benchmark_of(column.name)
    if benchmark is not None and benchmark.winner is not None and _error(benchmark) <= MAX_LEVEL_ERROR:
        return _fill_by_winning_method(column, profile, benchmark)
    if benchmark is None or constant.method == "constant":
        return constant
    return constant.model_copy(update={"why": _explain_no_fill(benchmark)})


def _is_censored(column: ColumnProfile) -> bool:
    """Return True if most missing cells are censored values such as `<0.1`, `500+` or `2-3`."""
    censored = [text for text in column.invalid_examples if _CENSORED.search(text)]
    return 2 * column.invalid >= column.missing and 2 * len(censored) > len(column.invalid_examples)


def _error(benchmark: ImputationBenchmark) -> float:
    return next(candidate.error for candidate in benchmark.candidates if candidate.method == benchmark.winner)


def _explain_no_fill(benchmark: ImputationBenchmark) -> str:
    if benchmark.winner is None:
        return explain_benchmark(benchmark)
    scores = explain_benchmark(benchmark)
    return f"Nothing guesses right often enough: {scores[0].lower()}{scores[1:]}"


def _fill_benchmarked(column: ColumnProfile, profile: Profile) -> AnyFill:
    """Fill numbers by the winner of the benchmark, or else according to the time order or the distribution."""
    benchmark = profile.benchmark_of(column.name)
    if benchmark is None:
        return _fill_number(column) if profile.time_column is None else _fill_forward(column, profile.time_column)
    if benchmark.winner is None:
        constant = _choose_constant(column, benchmark)
        reason = explain_benchmark(benchmark, chosen=constant.method)[:-1]
        why = f"{reason}{_explain_rounding(column, _constant_of(column, constant))}."
        return constant.model_copy(update={"why": why, "confidence": share_close(benchmark, constant.method)})
    return _fill_by_winning_method(column, profile, benchmark)


def _choose_constant(column: ColumnProfile, benchmark: ImputationBenchmark) -> FillMissing:
    """Return the mean for a symmetric distribution, unless the median is clearly closer to the hidden cells."""
    constant = _fill_number(column)
    error = {candidate.method: candidate.error for candidate in benchmark.candidates}
    median = None if column.numbers is None else column.numbers.median
    if constant.method == "median" or median is None or error["mean"] <= MOST_MEAN_EXCESS * error["median"]:
        return constant
    return _fill_with(column, "median", median, "", rule="fill_skewed")


def _fill_by_winning_method(column: ColumnProfile, profile: Profile, benchmark: ImputationBenchmark) -> AnyFill:
    if benchmark.winner == "forward_fill":
        update = {"why": explain_benchmark(benchmark), "confidence": share_close(benchmark, "forward_fill")}
        return _fill_forward(column, profile.time_column or "").model_copy(update=update)
    return fill_by_winner(column, profile, benchmark)


def _best_dependency(column: ColumnProfile, profile: Profile) -> Dependency | None:
    """Return the strongest dependency that determines a column, or None if there is no strong one."""
    dependencies = [
        dependency
        for dependency in profile.dependencies
        if dependency.dependent == column.name and dependency.agreement >= MIN_AGREEMENT
    ]
    return max(dependencies, key=lambda dependency: dependency.agreement, default=None)


def _fill_by_level(column: ColumnProfile, dependency: Dependency, *, fallback: str | None) -> FillByLevel:
    agree = f"Rows with the same {quoted(dependency.determinant)} agree in {percent(dependency.agreement)} of all cases"
    return FillByLevel(
        kind="fill_by_level",
        column=column.name,
        by=dependency.determinant,
        fallback=fallback,
        why=f"{agree} ({count(dependency.rows, 'row')} looked at); a group counts where at least three rows all agree.",
        confidence=round(dependency.agreement, 2),
        rule="fill_by_dependency",
    )


def _fill_forward(column: ColumnProfile, time_column: str) -> FillMissing:
    why = f"The rows are in the order of {quoted(time_column)}, so the value before is the best guess."
    return FillMissing(
        kind="fill_missing",
        column=column.name,
        method="forward_fill",
        value=None,
        why=why,
        confidence=0.8,
        rule="fill_time_series",
    )


def _fill_number(column: ColumnProfile) -> FillMissing:
    numbers = column.numbers
    if numbers is None or numbers.median is None:
        raise ValueError(f"{column.name} is numeric and has no numbers")
    skew, mean, median = numbers.skew, numbers.mean, numbers.median
    if skew is None or mean is None or abs(skew) >= SYMMETRIC_SKEW or _lies_outside(mean, numbers.iqr):
        why = f"{_explain_median(skew, mean)}{_explain_rounding(column, median)}."
        return _fill_with(column, "median", median, why, rule="fill_skewed")
    spread = "are only mildly skewed" if abs(skew) > MILD_SKEW else "lie about evenly on both sides of it"
    why = f"The values {spread} (skew {number(round(skew, 2))}){_explain_rounding(column, mean)}."
    return _fill_with(column, "mean", mean, why, rule="fill_symmetric")


def _constant_of(column: ColumnProfile, constant: FillMissing) -> float:
    """Return the mean or the median that a fill holds, before it was rounded."""
    if column.numbers is None:
        return 0.0
    return (column.numbers.mean if constant.method == "mean" else column.numbers.median) or 0.0


def _lies_outside(value: float, fences: Fences) -> bool:
    return fences.lower is not None and fences.upper is not None and not fences.lower <= value <= fences.upper


def _explain_rounding(column: ColumnProfile, value: float) -> str:
    """Return from what a fill was rounded, as the end of a sentence; empty if it was not."""
    return "" if number(_rounded(column, value)) == number(value) else f"; it is rounded from {number(value)}"


def _rounded(column: ColumnProfile, value: float) -> int | float:
    """Return the value rounded to the precision of the column."""
    if column.storage == "integer":
        return round(value)
    decimals = column.numbers.decimals if column.numbers is not None else None
    return value if decimals is None else round(value, decimals)


def _explain_median(skew: float | None, mean: float | None) -> str:
    if skew is None or mean is None:
        return "It is safe where the values hardly vary or are very large"
    side = "large" if skew > 0 else "small"
    return f"A few very {side} values pull the mean away, to {number(mean)} (skew {number(round(skew, 2))})"


def _fill_category(column: ColumnProfile, profile: Profile, own_category: bool) -> FillMissing:
    leader, known = column.top_values[0], profile.rows - column.missing
    share, missing = leader.count / known, column.missing / profile.rows
    if not own_category or (share >= LEADING_SHARE and missing < MAX_MODE_MISSING):
        why = f"It holds {percent(share)} of the {count(known, 'known cell')}, and {percent(missing)} are missing."
        return _fill_with(column, "mode", leader.value, why, rule="fill_leading_category", confidence=share)
    if missing >= MAX_MODE_MISSING:
        why = f"{percent(missing)} of the cells are missing, too many to guess, so they form a category of their own."
    else:
        leading = f"{quoted(leader.value)} holds {percent(share)}"
        why = f"No value clearly leads ({leading}), so the missing cells form a category of their own."
    return _fill_with(column, "constant", _unused_level(column), why, rule="fill_own_category", confidence=1.0)


def _unused_level(column: ColumnProfile) -> str:
    taken = {level.value.strip().lower() for level in column.top_values}
    return next(word for word in _level_names() if word not in taken)


def _level_names() -> Iterator[str]:
    yield from ("missing", "not given")
    attempt = 1
    while True:
        attempt += 1
        yield f"missing {attempt}"


def _fill_boolean(column: ColumnProfile) -> FillMissing:
    leader, known = column.top_values[0], sum(level.count for level in column.top_values)
    share = leader.count / known
    why = f"It holds {percent(share)} of the {count(known, 'known cell')}."
    return _fill_with(column, "mode", leader.value == "true", why, rule="fill_boolean", confidence=share)


def _fill_with(
    column: ColumnProfile, method: FillMethod, value: FillValue, why: str, *, rule: str, confidence: float = 0.5
) -> FillMissing:
    return FillMissing(
        kind="fill_missing",
        column=column.name,
        method=method,
        value=_rounded(column, value) if isinstance(value, float) else value,
        why=why,
        confidence=round(confidence, 2),
        rule=rule,
    )
