"""Benchmark of models: cross-validation on the engineered table and on the preparations by other packages.

The engineered table is made from all rows with the target known, as users get it, and the models are fitted inside the
folds. Of the optional features those are chosen by all rows too; what that choice is worth shows in no fold.
"""

import io
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from tests.bench.curated import CuratedTable, curated_tables
from tests.bench.curated_targets import CURATED_TARGETS
from tests.bench.harm import PROCESSES
from tests.bench.other_preparations import OTHERS
from tests.bench.preparation import prepare_csv
from tests.planted.faults import plant

TARGET = "target"
MOST_ROWS = 3_000
FEWEST_NUMBERS = 10
NEIGHBOURS = 15
SEEDS = range(5)
"""Seeds of the folds; every score is the mean over them."""
LEAST_SCORE = -0.5
"""R² can be far below zero on a small fold; it is cut here."""
_BOOST: dict[str, Any] = {"max_iter": 40, "max_leaf_nodes": 15, "random_state": 0}


@dataclass(frozen=True, eq=False)
class Problem:
    """A table with a target column."""

    name: str
    table: pd.DataFrame
    regression: bool


@dataclass(frozen=True)
class Score:
    """The mean result of cross-validations with 5 folds, one for each seed."""

    mean: float
    """R² for regression, at least -0.5, accuracy for classification."""
    converged: bool
    """True if every fit converged."""


@dataclass(frozen=True)
class Comparison:
    """One model on two preparations of one table; the engineered one is made from all rows, as users get it."""

    problem: str
    model: str
    engineered: Score
    others: Mapping[str, Score]
    """The scores on the preparations by other packages, by their names."""
    missing: int
    """Missing cells of the engineered table, which the comparison fills with medians."""


def problems() -> Iterator[Problem]:
    """Yield four public tables and two generated dirty ones."""
    loaders: tuple[tuple[str, Callable[..., Any], bool], ...] = (
        ("iris", load_iris, False),
        ("wine", load_wine, False),
        ("breast_cancer", load_breast_cancer, False),
        ("diabetes", load_diabetes, True),
    )
    for name, load, regression in loaders:
        yield Problem(name, load(as_frame=True).frame, regression)
    dirty = _dirty_features(seed=5)
    random = np.random.default_rng(6)
    signal = _signal(dirty.attrs["truth"])
    noisy = signal + random.normal(0, 0.5, len(signal))
    yield Problem("dirty_regression", dirty.assign(**{TARGET: noisy.round(4)}), True)
    yield Problem("dirty_classes", dirty.assign(**{TARGET: np.where(noisy > np.median(noisy), "high", "low")}), False)


def _dirty_features(seed: int) -> pd.DataFrame:
    """Return the planted table without its leak, its target and its repeated rows."""
    planted = plant(seed, rows=1200)
    kept = [row for row in range(planted.decoded.num_rows) if row not in planted.repeated]
    table: pd.DataFrame = planted.decoded.take(kept).drop_columns(["closing_fee", planted.target]).to_pandas()
    truth = pd.DataFrame(planted.truth).iloc[kept].reset_index(drop=True)
    table.attrs["truth"] = truth
    return table


def _signal(truth: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the signal to predict, from the true price, discount, age, weight, membership and state."""
    numbers = {name: pd.to_numeric(truth[name]).to_numpy(dtype=float) for name in ("price", "discount", "age")}
    numbers["price"] = np.log(numbers["price"])
    scaled = sum(np.nan_to_num((values - np.nanmean(values)) / np.nanstd(values)) for values in numbers.values())
    weight = truth["weight_kg"].to_numpy(dtype=float)
    state = truth["state"].astype("category").cat.codes.to_numpy()
    state_effect = np.array([-1.0, 0.5, 1.5, -0.5, 0.0])[state]
    member = truth["member"].to_numpy(dtype=bool)
    return np.asarray(scaled + (weight - weight.mean()) / weight.std() + state_effect + member, dtype=np.float64)


def compare(problem: Problem, folder: Path) -> Iterator[Comparison]:
    """Yield the comparison of each model on both preparations of a problem's CSV file."""
    csv = problem.table.to_csv(index=False).encode()
    preparation = prepare_csv(csv, folder, target=TARGET)
    raw = pd.read_csv(io.BytesIO(csv)).iloc[list(preparation.rows)]
    target = raw[TARGET]
    engineered = preparation.engineered.drop_columns([TARGET]).to_pandas().astype(float)
    missing = int(engineered.isna().to_numpy().sum())
    for name, model in _models(regression=problem.regression):
        yield Comparison(
            problem=problem.name,
            model=name,
            engineered=_score(
                make_pipeline(SimpleImputer(strategy="median"), model) if missing else model,
                engineered,
                target,
                regression=problem.regression,
            ),
            missing=missing,
            others={
                other: _score(
                    make_pipeline(prepare(raw.drop(columns=TARGET)), model),
                    raw.drop(columns=TARGET),
                    target,
                    regression=problem.regression,
                )
                for other, prepare in OTHERS.items()
            },
        )


MODELS = ("linear", "nearest neighbours", "gradient boosting")


def _models(*, regression: bool) -> Iterator[tuple[str, Any]]:
    if regression:
        yield "linear", RidgeCV(np.logspace(-2, 3, 8))
        yield "nearest neighbours", KNeighborsRegressor(NEIGHBOURS)
        yield "gradient boosting", HistGradientBoostingRegressor(**_BOOST)
    else:
        yield "linear", LogisticRegression(max_iter=2000)
        yield "nearest neighbours", KNeighborsClassifier(NEIGHBOURS)
        yield "gradient boosting", HistGradientBoostingClassifier(**_BOOST)


def _score(model: Any, table: pd.DataFrame, target: "pd.Series[Any]", *, regression: bool) -> Score:
    folds = KFold if regression else StratifiedKFold
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        scores = np.concatenate(
            [
                cross_val_score(model, table, target, cv=folds(5, shuffle=True, random_state=seed), error_score="raise")
                for seed in SEEDS
            ]
        )
    mean = float(np.maximum(scores, LEAST_SCORE).mean())
    return Score(mean, converged=not any(issubclass(warning.category, ConvergenceWarning) for warning in caught))


def print_models(folder: Path) -> None:
    """Print one line for each problem and model."""
    others = "".join(f"{other:>19}" for other in OTHERS)
    print(f"{'table':18}{'model':20}{'engineered':>11}{others}   (R² or accuracy)")
    for problem in problems():
        for comparison in compare(problem, folder):
            scores = "".join(f"{comparison.others[other].mean:19.3f}" for other in OTHERS)
            line = f"{comparison.problem:18}{comparison.model:20}{comparison.engineered.mean:11.3f}{scores}"
            print(f"{line}   {', '.join(_notes(comparison))}".rstrip())


def print_curated_models() -> None:
    """Print the scores of three models on curated tables, and their mean differences with intervals."""
    started = time.perf_counter()
    tables = [table for table in curated_tables() if table.name in CURATED_TARGETS]
    with ProcessPoolExecutor(PROCESSES, initializer=threadpool_limits, initargs=(1,)) as pool:
        comparisons = [comparison for part in pool.map(_compare_curated, tables) for comparison in part]
    by_table: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        by_table.setdefault(comparison.problem, []).append(comparison)
    columns = "".join(f"{name:>32}" for name in MODELS)
    print(f"{'table':34}{columns}   (engineered, {', '.join(OTHERS)})")
    for name, parts in by_table.items():
        scores = "".join(
            f"{part.engineered.mean:11.3f}" + "".join(f"{part.others[other].mean:7.3f}" for other in OTHERS)
            for part in parts
        )
        print(
            f"{name:34}{scores}   {', '.join(dict.fromkeys(note for part in parts for note in _notes(part)))}".rstrip()
        )
    for position, model in enumerate(MODELS):
        _print_mean(model, [parts[position] for parts in by_table.values()])
    _print_mean("all", comparisons)
    print(f"curated models: {time.perf_counter() - started:.0f} s")


def _compare_curated(table: CuratedTable) -> list[Comparison]:
    frame, target = table.read(), CURATED_TARGETS[table.name]
    if frame is None or target not in frame:
        return []
    frame = frame[frame[target].notna()]
    frame = (
        frame.sample(min(len(frame), MOST_ROWS), random_state=0).reset_index(drop=True).rename(columns={target: TARGET})
    )
    is_number = pd.api.types.is_numeric_dtype(frame[TARGET]) and frame[TARGET].nunique() > FEWEST_NUMBERS
    with TemporaryDirectory(prefix="neuralearn-models-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(compare(Problem(table.name, frame, is_number), Path(folder)))


def _print_mean(model: str, comparisons: Sequence[Comparison]) -> None:
    """Print the mean scores of a model, and the mean differences with their 95 % intervals by the bootstrap."""
    engineered = np.array([part.engineered.mean for part in comparisons])
    print(f"{model:20} engineered {engineered.mean():.3f}")
    for other in OTHERS:
        scores = np.array([part.others[other].mean for part in comparisons])
        differences = engineered - scores
        resampled = np.random.default_rng(0).choice(differences, (2_000, len(differences))).mean(axis=1)
        low, high = np.quantile(resampled, (0.025, 0.975))
        print(f"    {other:17}{scores.mean():.3f}, difference {differences.mean():+.3f} ({low:+.3f} to {high:+.3f})")


def _notes(comparison: Comparison) -> Iterator[str]:
    if not comparison.engineered.converged:
        yield "engineered: not converged"
    for other, score in comparison.others.items():
        if not score.converged:
            yield f"{other}: not converged"
    if comparison.missing:
        yield f"{comparison.missing:,} engineered cells missing"
