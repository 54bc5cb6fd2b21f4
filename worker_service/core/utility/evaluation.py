"""The accuracy of two small models by leave-one-out, which both have in closed form."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

Matrix = npt.NDArray[np.float64]

FEWEST_ROWS = 50
MOST_CLASSES = 30
FEWEST_NUMBERS = 20
"""A target of fewer different numbers is predicted as classes."""
NEIGHBOURS = 15
PENALTIES = np.logspace(-1, 4, 6)
"""The penalties of the ridge regression that are tried, for columns of variance 1."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be predicted, one column of numbers or one of 0 and 1 for each class."""

    values: Matrix
    """Shape (rows, 1) or (rows, classes)."""
    is_classes: bool

    @classmethod
    def of_numbers(cls, values: npt.NDArray[np.float64]) -> "Problem":
        """Return the problem of predicting numbers."""
        spread = float(values.std()) or 1.0
        return cls(((values - values.mean()) / spread)[:, None], is_classes=False)

    @classmethod
    def of_classes(cls, codes: npt.NDArray[np.integer]) -> "Problem":
        """Return the problem of predicting classes, given as codes from 0."""
        return cls(np.eye(int(codes.max()) + 1)[codes], is_classes=True)

    def score(self, predicted: Matrix) -> float:
        """Return the share of right classes, or R² but at least -1."""
        if self.is_classes:
            return float((predicted.argmax(axis=1) == self.values.argmax(axis=1)).mean())
        error = float(((self.values - predicted) ** 2).mean())
        return max(-1.0, 1 - error / (float(self.values.var()) or 1.0))


def pose_problem(target: Column, rows: npt.NDArray[np.intp]) -> Problem | None:
    """Return the problem of predicting the known cells of a column in some rows; None if there is too little to go by.

    Numbers of many values are predicted as numbers, all others as classes.
    """
    if len(rows) < FEWEST_ROWS:
        return None
    levels = target.derive(distinct)
    if target.is_number and len(levels.values) >= FEWEST_NUMBERS:
        values = target.numbers()[rows]
        return Problem.of_numbers(values) if np.isfinite(values).all() and values.std() > 0 else None
    _, codes = np.unique(levels.codes[rows], return_inverse=True)
    return Problem.of_classes(codes) if 2 <= codes.max() + 1 <= MOST_CLASSES else None


class FamilyEvaluation:
    """Leave-one-out accuracy of a linear and a nearest-neighbour model on any selection of families of columns.

    The products and distances of rows are sums over columns, so those of a family are computed once.
    """

    def __init__(self, families: Mapping[str, Matrix], problem: Problem) -> None:
        self._problem = problem
        matrices = {name: matrix - matrix.mean(axis=0) for name, matrix in families.items()}
        self._matrix = np.hstack(list(matrices.values()))
        self._products = self._matrix.T @ self._matrix
        ends = np.cumsum([matrix.shape[1] for matrix in matrices.values()])
        self._columns = dict(zip(matrices, np.split(np.arange(ends[-1]), ends[:-1]), strict=True))
        self._distances = {name: _squared_distances(matrix) for name, matrix in matrices.items()}

    def score(self, families: Iterable[str]) -> float:
        """Return the mean of the scores of both models on the columns of some families."""
        names = list(families)
        linear = self._predict_by_ridge(np.concatenate([self._columns[name] for name in names]))
        distances = reduce(np.add, (self._distances[name] for name in names))
        by_neighbours = self._problem.score(self._predict_by_neighbours(distances))
        return (max(map(self._problem.score, linear)) + by_neighbours) / 2

    def _predict_by_ridge(self, columns: npt.NDArray[np.intp]) -> list[Matrix]:
        """Return for each penalty the prediction of every row from all others.

        Source:
            Allen (1974). The relationship between variable selection and data augmentation and a method for
            prediction (the PRESS statistic).
        """
        values = self._problem.values
        mean = values.mean(axis=0)
        # The columns have variances near 1, so their products are exact enough beside the penalties.
        variances, directions = np.linalg.eigh(self._products[np.ix_(columns, columns)])
        scores = self._matrix[:, columns] @ directions
        weights = 1 / (np.maximum(variances, 0) + PENALTIES[:, None])
        leverages = np.minimum(scores**2 @ weights.T + 1 / len(values), 1 - 1e-6).T[:, :, None]
        projected = scores.T @ (values - mean)
        predicted = []
        for weight, leverage in zip(weights, leverages, strict=True):
            fitted = scores @ (weight[:, None] * projected) + mean
            predicted.append((fitted - leverage * values) / (1 - leverage))
        return predicted

    def _predict_by_neighbours(self, distances: Matrix) -> Matrix:
        """Return for each row the mean of the nearest other rows."""
        others = distances.copy()
        np.fill_diagonal(others, np.inf)
        count = min(NEIGHBOURS, len(others) - 1)
        nearest = np.argpartition(others, count - 1, axis=1)[:, :count]
        return np.asarray(self._problem.values[nearest].mean(axis=1))


def _squared_distances(matrix: Matrix) -> Matrix:
    squares = (matrix**2).sum(axis=1)
    distances = matrix @ matrix.T
    distances *= -2
    distances += squares[:, None]
    distances += squares
    return np.asarray(np.maximum(distances, 0, out=distances))
