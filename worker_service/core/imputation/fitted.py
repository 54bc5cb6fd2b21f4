"""Fitted models as plain arrays, which are written as JSON and predict the same wherever they are read again."""

import base64
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from worker_service.core.imputation.prediction import predict_by_nearest_rows, predict_by_trees
from worker_service.core.stats.fences import Numbers
from worker_service.core.value import Value

MOST_TREES = 120
"""A classifier needs one tree for each level in each iteration."""
_LARGEST_FLOAT = float(np.finfo(np.float64).max)
_LEAST_SPREAD = 1e-12
_BOOSTING: dict[str, Any] = {
    "max_iter": 50,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 10,
    "early_stopping": False,
    "random_state": 0,
}
Codes = npt.NDArray[np.integer]


class Array(Value):
    """An array of numbers, little-endian in base64."""

    type: Literal["<f8", "<f4", "<i4", "|i1"]
    shape: tuple[int, ...]
    data: str

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if len(base64.b64decode(self.data, validate=True)) != np.dtype(self.type).itemsize * int(np.prod(self.shape)):
            raise ValueError("the data does not have the shape")
        return self

    @classmethod
    def of(cls, values: npt.ArrayLike, kind: Literal["<f8", "<f4", "<i4", "|i1"]) -> Self:
        """Return an array with these values."""
        array = np.ascontiguousarray(values, dtype=kind)
        return cls(type=kind, shape=array.shape, data=base64.b64encode(array.tobytes()).decode())

    def numpy(self) -> npt.NDArray[Any]:
        """Return the values."""
        return np.frombuffer(base64.b64decode(self.data), dtype=self.type).reshape(self.shape)


class NearestRows(Value):
    """The mean or the vote of the nearest rows, weighted by inverse distance; columns are standardised first."""

    kind: Literal["nearest_rows"]
    is_class: bool
    """True if the values are indices of levels."""
    medians: tuple[float, ...]
    """What is subtracted from each column, and stands for what is missing in it."""
    spreads: tuple[float, ...]
    rows: Array
    """The standardised rows, of shape (rows, columns)."""
    values: Array
    """The value of each row."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        rows, columns = self.rows.shape if len(self.rows.shape) == 2 else (0, 0)
        sizes = {len(self.medians), len(self.spreads), columns}
        if not rows or len(sizes) > 1 or self.values.shape != (rows,):
            raise ValueError("rows, values, medians and spreads do not fit together")
        if not np.isfinite(self.rows.numpy()).all() or not np.isfinite(self.values.numpy()).all():
            raise ValueError("rows and values must be finite")
        return self

    @property
    def features(self) -> int:
        """The columns that it goes by."""
        return len(self.medians)

    @property
    def codes(self) -> frozenset[int]:
        """The indices of levels that it can predict; none if it predicts numbers."""
        return frozenset(self.values.numpy().tolist()) if self.is_class else frozenset()

    def predict(self, table: Numbers) -> Numbers:
        """Return the prediction for each row of a table of shape (rows, columns), NaN where a cell is missing.

        It does not depend on the other rows of the table, as it would by the last bit with matrix products.
        """
        return predict_by_nearest_rows(
            table,
            is_class=self.is_class,
            medians=self.medians,
            spreads=self.spreads,
            rows=self.rows.numpy(),
            values=self.values.numpy(),
        )


class Trees(Value):
    """Gradient-boosted trees: their leaves add up to a number, or to the evidence for each level.

    Source:
        Friedman (2001). Greedy function approximation: a gradient boosting machine.
    """

    kind: Literal["trees"]
    classes: tuple[int, ...]
    """The indices of the levels; empty if numbers are predicted."""
    baseline: tuple[float, ...]
    """What the leaves are added to, one number for each sum."""
    offset: float
    scale: float
    """A predicted number is multiplied by the scale, and the offset is added."""
    roots: Array
    """The node at which each tree begins; the trees belong to the sums in turn."""
    columns: Array
    """The column that each node compares, -1 for a leaf."""
    thresholds: Array
    """A cell up to the threshold goes left."""
    lefts: Array
    rights: Array
    missing_left: Array
    """1 where a missing cell goes left."""
    leaves: Array
    """What each leaf adds."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        nodes = self.columns.shape
        parts = (self.thresholds, self.lefts, self.rights, self.missing_left, self.leaves)
        if len(nodes) != 1 or any(part.shape != nodes for part in parts) or len(self.roots.shape) != 1:
            raise ValueError("the arrays of nodes must be of one length")
        if len(self.baseline) not in ({1, len(self.classes)} if self.classes else {1}):
            raise ValueError("there must be one sum, or one for each class")
        inner = np.flatnonzero(self.columns.numpy() >= 0)
        children = [part.numpy()[inner] for part in (self.lefts, self.rights)]
        # Children come later, so that no path runs in a circle.
        if not all(((child > inner) & (child < nodes[0])).all() for child in children):
            raise ValueError("the children of a node must come behind it")
        roots = self.roots.numpy()
        if ((roots < 0) | (roots >= nodes[0])).any():
            raise ValueError("the roots must be nodes")
        return self

    @property
    def features(self) -> int:
        """The columns that it goes by, as far as it looks at them."""
        return int(self.columns.numpy().max(initial=-1)) + 1

    @property
    def codes(self) -> frozenset[int]:
        """The indices of levels that it can predict; none if it predicts numbers."""
        return frozenset(self.classes)

    def predict(self, table: Numbers) -> Numbers:
        """Return the prediction for each row of a table of shape (rows, columns), NaN where a cell is missing."""
        return predict_by_trees(
            table,
            classes=self.classes,
            baseline=self.baseline,
            offset=self.offset,
            scale=self.scale,
            **{name: value.numpy() for name, value in self if isinstance(value, Array)},
        )


def fit_neighbours(table: Numbers, values: Numbers | Codes, *, is_class: bool) -> NearestRows:
    """Fit the nearest rows.

    Args:
        table: the columns to go by, of shape (rows, columns); NaN for missing.
        values: the value of each row, or the index of its level.
        is_class: True if the values are indices of levels.
    """
    known = np.where(np.isnan(table).all(axis=0), 0.0, table)
    medians, spreads = np.nanmedian(known, axis=0), np.nanstd(known, axis=0)
    # Dividing by a spread that is tiny compared with the values would make the quotients overflow.
    spreads[~(spreads > _LEAST_SPREAD * np.maximum(1.0, np.abs(medians)))] = 1.0
    scaled = (np.where(np.isnan(table), medians, table) - medians) / spreads
    return NearestRows(
        kind="nearest_rows",
        is_class=is_class,
        medians=tuple(medians.tolist()),
        spreads=tuple(spreads.tolist()),
        rows=Array.of(scaled, "<f4"),
        values=Array.of(values, "<i4" if is_class else "<f8"),
    )


def fit_trees(table: Numbers, values: Numbers | Codes, *, is_class: bool) -> Trees:
    """Fit gradient-boosted trees, without chance; the arguments are those of `fit_neighbours`."""
    # Few processes that know recipes ever fit one.
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    # The trees could not bin a column that no row knows.
    table = np.where(np.isnan(table).all(axis=0), 0.0, table)
    if is_class:
        levels = len(np.unique(values))
        if levels < 2:
            return _to_trees([], np.zeros(1), classes=(int(values[0]),))
        iterations = min(_BOOSTING["max_iter"], max(3, MOST_TREES // levels))
        classifier = HistGradientBoostingClassifier(**{**_BOOSTING, "max_iter": iterations}).fit(table, values)
        return _to_trees(classifier._predictors, classifier._baseline_prediction, classes=tuple(classifier.classes_))
    mean, spread = float(values.mean()), float(values.std())
    # The values are scaled because the trees add up gradients in single precision.
    scale = spread if spread > _LEAST_SPREAD * max(1.0, abs(mean)) else 1.0
    regressor = HistGradientBoostingRegressor(**_BOOSTING).fit(table, (values - mean) / scale)
    return _to_trees(regressor._predictors, regressor._baseline_prediction, offset=mean, scale=scale)


def _to_trees(
    iterations: Any, baseline: Numbers, *, classes: tuple[int, ...] = (), offset: float = 0.0, scale: float = 1.0
) -> Trees:
    nodes = [tree.nodes for iteration in iterations for tree in iteration]
    starts = np.cumsum([0, *map(len, nodes)])
    joined = np.concatenate(nodes) if nodes else None
    shift = np.repeat(starts[:-1], [len(part) for part in nodes])

    def part(name: str) -> npt.NDArray[Any]:
        return np.zeros(0) if joined is None else joined[name]

    is_leaf = part("is_leaf") == 1
    return Trees(
        kind="trees",
        classes=tuple(int(code) for code in classes),
        baseline=tuple(np.asarray(baseline, dtype=np.float64).ravel().tolist()),
        offset=offset,
        scale=scale,
        roots=Array.of(starts[:-1], "<i4"),
        columns=Array.of(np.where(is_leaf, -1, part("feature_idx")), "<i4"),
        thresholds=Array.of(np.minimum(part("num_threshold"), _LARGEST_FLOAT), "<f8"),
        lefts=Array.of(part("left") + shift, "<i4"),
        rights=Array.of(part("right") + shift, "<i4"),
        missing_left=Array.of(part("missing_go_to_left"), "|i1"),
        leaves=Array.of(part("value"), "<f8"),
    )
