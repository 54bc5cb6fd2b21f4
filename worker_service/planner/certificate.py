"""The utility certificate: what a preparation gains for the prediction of its target, by cross-validation.

In each fold the whole preparation is planned and fitted on the training rows alone, and applied to the others, so that
nothing of these leaks into it. Three small models predict the target from the table as it was read, from the cleaned
and from the engineered one, and from the engineered one without each family of steps.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from shared.contracts.run_options import RunOptions
from worker_service.core.columns.column_profile import ColumnHints, infer_column, read_column
from worker_service.core.recipe.apply import apply, hide_columns
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.replay import replay
from worker_service.core.recipe.settle import settle
from worker_service.core.recipe.steps import AnyStep
from worker_service.core.table.frame import Frame
from worker_service.core.utility.evaluation import Matrix, Problem, pose_problem
from worker_service.core.utility.models import MODELS, ModelName, predict
from worker_service.core.utility.plain_features import plain_features, read_plain_numbers, ready_features
from worker_service.planner.privacy import PrivateTable, hide_personal_data
from worker_service.planner.propose import propose

TableName = Literal["raw", "cleaned", "engineered"]
TABLES: tuple[TableName, ...] = ("raw", "cleaned", "engineered")
SAMPLE_ROWS = 1000
MAX_COLUMNS = 200
"""Of a wider table the first columns are judged, and the target."""
FOLDS = 5
CONFIDENCE = 0.95
FAMILIES: Mapping[str, frozenset[str]] = {
    "repairs": frozenset(
        ("mask_sentinel", "rescale", "merge_levels", "repair_by_dependency", "repair_by_formula", "drop_duplicates")
    ),
    "fills": frozenset(("fill_missing", "fill_by_group", "fill_by_level", "fill_by_time", "fill_by_model")),
    "outliers": frozenset(("treat_outliers",)),
    "missing indicators": frozenset(("was_missing",)),
    "dates": frozenset(("date_parts", "time_difference")),
    "texts": frozenset(("text_components", "text_numbers", "split_text", "split_amounts", "multi_hot")),
    "numbers": frozenset(("power_transform", "ratio", "bin")),
    "encoding": frozenset(("one_hot", "label_encode", "frequency_encode")),
    "scaling": frozenset(("scale",)),
}
"""The kinds of steps that are left out together, by what they are called."""
_SEED = 20_240_105
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over the folds, with the interval that holds the true one in 95 of 100 cases."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class TableScore:
    """How well a model predicts the target from a table."""

    table: TableName
    model: ModelName | Literal["mean"]
    score: Estimate


@dataclass(frozen=True, kw_only=True)
class FamilyGain:
    """What the mean of the models gains by a family of steps of the engineered table."""

    family: str
    steps: tuple[int, ...]
    """Their places in the recipe, from 1."""
    gain: Estimate


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a preparation gains for the prediction of its target."""

    target: str
    metric: Literal["accuracy", "r2"]
    rows: int
    """The rows of the sample."""
    folds: int
    baseline: float
    """The score of predicting the most frequent class, or the mean."""
    scores: tuple[TableScore, ...]
    gain: Estimate
    """What the engineered table gains over the one as it was read, in the mean of the models."""
    families: tuple[FamilyGain, ...]


def certify(
    decoded: Frame, options: RunOptions, recipe: Recipe, *, hash_key: bytes | None = None
) -> Certificate | None:
    """Return the certificate of a preparation; None if its target is unknown, or can't be predicted.

    Args:
        decoded: the decoded table.
        options: what the uploader chose.
        recipe: the recipe that was published, of which the target and the places of the steps are taken.
        hash_key: the secret of the dataset's owner, if the options ask for hashes.
    """
    target = recipe.target.column
    if target is None or target not in decoded:
        return None
    options = options.resolve(decoded.names).model_copy(update={"target": target})
    sample, problem = _sample(decoded, options, target)
    if problem is None:
        return None
    families = {
        family: tuple(number for number, step in enumerate(recipe.steps, 1) if step.kind in kinds)
        for family, kinds in FAMILIES.items()
    }
    used = {family: places for family, places in families.items() if places}
    scores, without = _cross_validate(_Folds(sample, options, problem, hash_key), target, tuple(used))
    used = {family: places for family, places in used.items() if family in without}
    return Certificate(
        target=target,
        metric="accuracy" if problem.is_classes else "r2",
        rows=sample.rows,
        folds=FOLDS,
        baseline=_round(problem.score(np.tile(problem.values.mean(axis=0), (sample.rows, 1)))),
        scores=tuple(_table_scores(scores)),
        gain=_estimate(scores["engineered"].mean(axis=0) - scores["raw"].mean(axis=0)),
        families=tuple(
            FamilyGain(family=family, steps=places, gain=_estimate(scores["engineered"].mean(axis=0) - without[family]))
            for family, places in used.items()
        ),
    )


def to_json(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as plain values."""
    return asdict(certificate)


def _sample(decoded: Frame, options: RunOptions, target: str) -> tuple[Frame, Problem | None]:
    """Return some rows with a known target, and what is to be predicted of them."""
    columns = [target, *(name for name in decoded.names if name != target)][:MAX_COLUMNS]
    narrow = decoded.without_columns([name for name in decoded.names if name not in columns])
    hints = ColumnHints(type=options.types.get(target))
    typed = read_column(narrow[target], infer_column(narrow[target], hints))
    known = np.flatnonzero(typed.present())
    chosen = np.sort(np.random.default_rng(_SEED).permutation(known)[:SAMPLE_ROWS])
    mask = np.zeros(decoded.rows, dtype=np.bool_)
    mask[chosen] = True
    return _renumbered(narrow.keep_rows(mask)), pose_problem(typed, chosen)


def _renumbered(frame: Frame) -> Frame:
    return Frame.from_table(frame.to_table())


@dataclass(frozen=True, eq=False)
class _Folds:
    """The rows of the sample, parted into folds."""

    sample: Frame
    options: RunOptions
    problem: Problem
    hash_key: bytes | None

    def parts(self) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
        """Return the training rows and the test rows of each fold."""
        order = np.random.default_rng(_SEED + 1).permutation(self.sample.rows)
        tests = [np.sort(part) for part in np.array_split(order, FOLDS)]
        return [(np.setdiff1d(order, test), test) for test in tests]

    def frame(self, rows: npt.NDArray[np.intp]) -> Frame:
        """Return some rows as a table of their own."""
        mask = np.zeros(self.sample.rows, dtype=np.bool_)
        mask[rows] = True
        return _renumbered(self.sample.keep_rows(mask))


def _cross_validate(
    folds: _Folds, target: str, families: Sequence[str]
) -> tuple[dict[TableName, Scores], dict[str, Scores]]:
    """Return the scores from each table, shape (models, folds), and the mean ones without each family, one a fold."""
    scores: dict[TableName, Scores] = {table: np.zeros((len(MODELS), FOLDS)) for table in TABLES}
    without: dict[str, Scores] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fold may lack a class, or have a constant column
        for fold, (train, test) in enumerate(folds.parts()):
            judge = _Judge(folds, target, train, test)
            private = hide_personal_data(folds.frame(train), folds.options, hash_key=folds.hash_key)
            outcome = private.apply(propose(private.profile(), private.options, hidden=private.steps))
            unseen = judge.apply(outcome.recipe)
            kept = outcome.engineered.row_numbers, outcome.cleaned.row_numbers
            unread = hide_columns(folds.frame(test), private.steps, hash_key=folds.hash_key)
            scores["raw"][:, fold] = judge.score(read_plain_numbers(private.frame), read_plain_numbers(unread))
            scores["cleaned"][:, fold] = judge.score(outcome.cleaned, unseen.cleaned, kept[1])
            scores["engineered"][:, fold] = judge.score(outcome.engineered, unseen.engineered, kept[0], is_ready=True)
            applied = {result.kind for result in outcome.results if result.state == "applied"}
            for family in families:
                if applied & FAMILIES[family]:
                    part = without.setdefault(family, np.full(FOLDS, np.nan))
                    part[fold] = judge.score_without(family, outcome.recipe, private)
    # A family that was not applied in a fold changed nothing there.
    means = scores["engineered"].mean(axis=0)
    return scores, {family: np.where(np.isnan(part), means, part) for family, part in without.items()}


@dataclass(frozen=True, eq=False)
class _Judge:
    """The scores of the models in one fold."""

    folds: _Folds
    target: str
    train: npt.NDArray[np.intp]
    test: npt.NDArray[np.intp]

    def apply(self, recipe: Recipe) -> "_Unseen":
        """Return the tables that a fitted recipe makes of the test rows, of which it removes none."""
        steps = tuple(step for step in recipe.steps if not _removes_rows(step))
        outcome = replay(
            recipe.model_copy(update={"steps": steps}), self.folds.frame(self.test), hash_key=self.folds.hash_key
        )
        return _Unseen(outcome.cleaned, outcome.engineered)

    def score(
        self, train: Frame, test: Frame, kept: npt.NDArray[np.int64] | None = None, *, is_ready: bool = False
    ) -> Scores:
        """Return the score of each model.

        Args:
            train: the table of the training rows.
            test: that of the test rows.
            kept: the training rows that the preparation kept; None for all.
            is_ready: True if the table is meant for models as it is.
        """
        rows = self.train if kept is None else self.train[kept]
        first, second = (ready_features if is_ready else plain_features)(train, test, self.target)
        truth = Problem(self.folds.problem.values[self.test], self.folds.problem.is_classes)
        return np.array([truth.score(self._predict(model, first, second, rows)) for model in MODELS])

    def _predict(self, model: ModelName, first: Matrix, second: Matrix, rows: npt.NDArray[np.intp]) -> Matrix:
        return predict(model, self.folds.problem, first, second, rows)

    def score_without(self, family: str, recipe: Recipe, private: PrivateTable) -> float:
        """Return the mean score from the engineered table without a family of steps."""
        kinds = FAMILIES[family]
        steps = tuple(step for step in recipe.steps if step.kind not in kinds)
        reduced = recipe.model_copy(update={"steps": steps})
        outcome = settle(apply(reduced, private.decoded, hash_key=private.hash_key), private.decoded)
        unseen = self.apply(outcome.recipe)
        kept = outcome.engineered.row_numbers
        return float(self.score(outcome.engineered, unseen.engineered, kept, is_ready=True).mean())


@dataclass(frozen=True, eq=False)
class _Unseen:
    """The tables of the test rows."""

    cleaned: Frame
    engineered: Frame


def _removes_rows(step: AnyStep) -> bool:
    return step.kind == "drop_duplicates" or (step.kind == "treat_outliers" and step.strategy == "remove")


def _table_scores(scores: Mapping[TableName, Scores]) -> list[TableScore]:
    table_scores = []
    for table in TABLES:
        by_model = zip(MODELS, scores[table], strict=True)
        table_scores += [TableScore(table=table, model=model, score=_estimate(folds)) for model, folds in by_model]
        table_scores.append(TableScore(table=table, model="mean", score=_estimate(scores[table].mean(axis=0))))
    return table_scores


def _estimate(values: Scores) -> Estimate:
    """Return the mean over the folds with its interval, which allows for what the folds share.

    Source:
        Nadeau & Bengio (2003). Inference for the generalization error: the corrected resampled t-test.
    """
    mean = float(values.mean())
    spread = float(np.sqrt((1 / FOLDS + 1 / (FOLDS - 1)) * values.var(ddof=1)))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, FOLDS - 1)) * spread
    return Estimate(mean=_round(mean), low=_round(mean - reach), high=_round(mean + reach))


def _round(value: float) -> float:
    return round(float(value), 4)
