"""The choice among optional features by what they do to the accuracy of two small models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shared.contracts.run_result import StepResult
from worker_service.core.humanize import count, listing, number, quoted
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.steps import AnyStep, Flag
from worker_service.core.table.frame import Column, Frame
from worker_service.core.utility.evaluation import FEWEST_ROWS, FamilyEvaluation, Matrix, pose_problem

OPTIONAL_FAMILIES: Mapping[str, str] = {
    "cycle": "positions in cycles",
    "integer_levels": "indicators of single numbers",
    "power_of_skewed": "powers of skewed columns",
    "ratio_of_related": "ratios",
    "bin_skewed": "bins",
}
"""The rules whose columns are left out where they do harm, and what these columns are called."""
SAMPLE_ROWS = 500
LEAST_GAIN = 0.002
"""A family is left out if the mean score of the models is better by at least this much without it."""
DEFINING, MOST_OF_PARTS = 0.99, 0.95
"""A ratio whose correlation with the target is at least the first, and of whose parts none reaches the second."""
_RATIO = "ratio_of_related"
_BASE = ""
_LARGEST = 1e100
_SEED = 20_240_105


@dataclass(frozen=True)
class _Family:
    """The optional steps of a rule."""

    rule: str
    steps: tuple[int, ...]
    columns: tuple[str, ...]
    sources: tuple[str, ...]


def leave_out_harmful(outcome: Outcome) -> Outcome:
    """Return the outcome without the optional features that make the prediction of the target worse.

    The models are a ridge regression and 15 nearest neighbours, evaluated by leave-one-out on a sample of the rows.
    Families of columns are left out one after the other, the most harmful first.
    """
    outcome = _leave_out_defining(outcome)
    target, engineered = outcome.recipe.target.column, outcome.engineered
    families = _optional_families(outcome)
    if target is None or target not in engineered or not families:
        return outcome
    sample = _sample_rows(engineered[target])
    problem = pose_problem(engineered[target], sample)
    if problem is None:
        return outcome
    optional = {column for family in families for column in family.columns}
    base = [name for name in engineered.names if name not in optional and name != target]
    matrices = {family.rule: _matrix(engineered, family.columns, sample) for family in families}
    evaluation = FamilyEvaluation({_BASE: _matrix(engineered, base, sample), **matrices}, problem)
    scores = _eliminate(evaluation, [family.rule for family in families])
    harmful = [family for family in families if family.rule in scores]
    return _without(outcome, harmful, [_flag(family, *scores[family.rule]) for family in harmful])


def _leave_out_defining(outcome: Outcome) -> Outcome:
    """Return the outcome without ratios that are nearly the target, though their parts are not: they give it away."""
    target, engineered = outcome.recipe.target.column, outcome.engineered
    if target is None or target not in engineered or not engineered[target].is_number:
        return outcome
    defining, flags = [], []
    for result in outcome.results:
        if result.rule != _RATIO or result.state != "applied" or result.outputs[0] not in engineered:
            continue
        name, parts = result.outputs[0], result.columns
        r = abs(_correlation(engineered, name, target))
        of_parts = [abs(_correlation(engineered, part, target)) for part in parts if part in engineered]
        if r >= DEFINING and max(of_parts, default=0.0) < MOST_OF_PARTS:
            defining.append(_Family(_RATIO, (result.step,), (name,), parts))
            flags.append(_defining_flag(name, r))
    return _without(outcome, defining, flags)


def _correlation(frame: Frame, first: str, second: str) -> float:
    if not frame[first].is_number:
        return 0.0
    pair = np.column_stack([frame[first].numbers(), frame[second].numbers()])
    pair = pair[np.isfinite(pair).all(axis=1)]
    spread = pair.std(axis=0)
    if len(pair) < FEWEST_ROWS or not (spread > 0).all() or not np.isfinite(spread).all():
        return 0.0
    return float(((pair - pair.mean(axis=0)) / spread).prod(axis=1).mean())


def _defining_flag(name: str, r: float) -> Flag:
    why = (
        f"Left out {quoted(name)}: it is nearly the target itself (|r| = {number(round(r, 4))}), which its parts are "
        "not. Check whether both parts are known before the target is."
    )
    return Flag(kind="flag", phase="features", column=None, why=why, confidence=0.7, rule="defining_ratio")


def _optional_families(outcome: Outcome) -> list[_Family]:
    families = []
    for rule in OPTIONAL_FAMILIES:
        results = [result for result in outcome.results if result.rule == rule and result.state == "applied"]
        columns = [name for result in results for name in result.outputs if name in outcome.engineered]
        if columns:
            sources = dict.fromkeys(result.columns[0] for result in results)
            families.append(_Family(rule, tuple(result.step for result in results), tuple(columns), tuple(sources)))
    return families


def _sample_rows(target: Column) -> npt.NDArray[np.intp]:
    known = np.flatnonzero(target.present())
    return np.sort(np.random.default_rng(_SEED).permutation(known)[:SAMPLE_ROWS])


def _matrix(frame: Frame, names: Sequence[str], sample: npt.NDArray[np.intp]) -> Matrix:
    """Return columns of numbers for some rows, with the mean of the others where one is missing."""
    columns = [frame[name].numbers()[sample] for name in names if not frame[name].is_text]
    if not columns:
        return np.zeros((len(sample), 1))
    matrix = np.column_stack(columns)
    # Of larger values, the products are no numbers any more.
    matrix[~(np.abs(matrix) < _LARGEST)] = np.nan
    known = np.isfinite(matrix)
    means = np.where(known, matrix, 0).sum(axis=0) / np.maximum(1, known.sum(axis=0))
    return np.where(known, matrix, means)


def _eliminate(evaluation: FamilyEvaluation, families: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return the families to leave out, each with the score with it and without it."""
    kept, eliminated = list(families), {}
    score = evaluation.score([_BASE, *kept])
    while kept:
        without = {name: evaluation.score([_BASE, *(other for other in kept if other != name)]) for name in kept}
        worst = max(without, key=lambda name: without[name])
        if without[worst] < score + LEAST_GAIN:
            break
        eliminated[worst] = (score, without[worst])
        score = without[worst]
        kept.remove(worst)
    return eliminated


def _without(outcome: Outcome, families: Sequence[_Family], flags: Sequence[Flag]) -> Outcome:
    """Return the outcome without the columns of some families and the steps about them, which flags replace."""
    if not families:
        return outcome
    columns = {name for family in families for name in family.columns}
    left_out = {number for family in families for number in family.steps}
    kept = [
        (step, result)
        for step, result in zip(outcome.recipe.steps, outcome.results, strict=True)
        if result.step not in left_out and not set(step.columns) & columns
    ]
    steps: tuple[AnyStep, ...] = (*(step for step, _ in kept), *flags)
    results = [result for _, result in kept] + [_flag_result(flag) for flag in flags]
    return replace(
        outcome,
        recipe=outcome.recipe.model_copy(update={"steps": steps}),
        engineered=outcome.engineered.without_columns(columns),
        results=tuple(replace(result, step=step) for step, result in enumerate(results, start=1)),
    )


def _flag(family: _Family, score: float, score_without: float) -> Flag:
    sources = listing(quoted(name) for name in family.sources)
    why = (
        f"Left out {count(len(family.columns), 'column')}, {OPTIONAL_FAMILIES[family.rule]} of {sources}: without them "
        f"two small models score {number(round(score_without, 3))} on rows they have not seen, with them "
        f"{number(round(score, 3))}."
    )
    return Flag(kind="flag", phase="features", column=None, why=why, confidence=0.7, rule="harmful_features")


def _flag_result(flag: Flag) -> StepResult:
    return StepResult(
        step=1,
        kind=flag.kind,
        phase=flag.phase,
        columns=flag.columns,
        outputs=(),
        state="flagged",
        what="",
        why=flag.why,
        rule=flag.rule,
        confidence=flag.confidence,
        cells_changed=0,
        rows_removed=0,
        parameters={},
        outliers=0,
        outlier_share=0.0,
    )
