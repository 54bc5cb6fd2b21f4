"""Benchmark of models: cross-validation on the engineered table and on scikit-learn's own preparation."""

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.bench.preparation import prepare_csv
from tests.planted.faults import plant

TARGET = "target"
_BOOST: dict[str, Any] = {"max_iter": 40, "max_leaf_nodes": 15, "random_state": 0}


@dataclass(frozen=True, eq=False)
class Problem:
    """A table with a target column."""

    name: str
    table: pd.DataFrame
    regression: bool


@dataclass(frozen=True)
class Score:
    """The result of a cross-validation with 5 folds."""

    mean: float
    """R² for regression, accuracy for classification."""
    converged: bool
    """True if every fit converged."""


@dataclass(frozen=True)
class Comparison:
    """One model on two preparations of one table; the engineered one is made from all rows, as users get it."""

    problem: str
    model: str
    engineered: Score
    transformer: Score
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
            transformer=_score(
                make_pipeline(_transformer(raw.drop(columns=TARGET)), model),
                raw.drop(columns=TARGET),
                target,
                regression=problem.regression,
            ),
        )


def _models(*, regression: bool) -> Iterator[tuple[str, Any]]:
    if regression:
        yield "ridge", Ridge()
        yield "nearest neighbours", KNeighborsRegressor()
        yield "gradient boosting", HistGradientBoostingRegressor(**_BOOST)
    else:
        yield "logistic", LogisticRegression(max_iter=2000)
        yield "nearest neighbours", KNeighborsClassifier()
        yield "gradient boosting", HistGradientBoostingClassifier(**_BOOST)


def _transformer(table: pd.DataFrame) -> ColumnTransformer:
    numbers = [name for name in table if pd.api.types.is_numeric_dtype(table[name])]
    categories = [name for name in table if name not in numbers]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, max_categories=50)
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("categories", make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot), categories),
        ]
    )


def _score(model: Any, table: pd.DataFrame, target: "pd.Series[Any]", *, regression: bool) -> Score:
    folds = (KFold if regression else StratifiedKFold)(5, shuffle=True, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        mean = float(cross_val_score(model, table, target, cv=folds, error_score="raise").mean())
    return Score(mean, converged=not any(issubclass(warning.category, ConvergenceWarning) for warning in caught))


def print_models(folder: Path) -> None:
    """Print one line for each problem and model."""
    print(f"{'table':18}{'model':20}{'engineered':>11}{'ColumnTransformer':>19}{'difference':>12}   (R² or accuracy)")
    for problem in problems():
        for comparison in compare(problem, folder):
            difference = comparison.engineered.mean - comparison.transformer.mean
            scores = f"{comparison.engineered.mean:11.3f}{comparison.transformer.mean:19.3f}{difference:+12.3f}"
            print(f"{comparison.problem:18}{comparison.model:20}{scores}   {', '.join(_notes(comparison))}".rstrip())


def _notes(comparison: Comparison) -> Iterator[str]:
    if not comparison.engineered.converged:
        yield "engineered: not converged"
    if not comparison.transformer.converged:
        yield "ColumnTransformer: not converged"
    if comparison.missing:
        yield f"{comparison.missing:,} engineered cells missing"
