"""Three small models of different kinds, by which the use of a table is judged."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor

from worker_service.core.utility.evaluation import NEIGHBOURS, PENALTIES, Matrix, Problem

ModelName = Literal["linear", "boosting", "neighbours"]
MODELS: tuple[ModelName, ...] = ("linear", "boosting", "neighbours")
TREES = 40
LEAVES = 15
_SEED = 20_240_105


def predict(model: ModelName, problem: Problem, train: Matrix, test: Matrix, rows: npt.NDArray[np.intp]) -> Matrix:
    """Return what a model predicts for the rows of `test`, in the form of the problem's values.

    Args:
        model: a ridge regression (of each class, for classes), gradient boosting, or the mean of 15 nearest neighbours.
        problem: what is to be predicted.
        train: the features of the rows to learn from.
        test: those of other rows.
        rows: the rows of the problem that `train` has.
    """
    values = problem.values[rows]
    if model == "boosting":
        return _boost(problem, values, train, test)
    if model == "linear":
        fitted = RidgeCV(alphas=PENALTIES).fit(train, values)
    else:
        fitted = KNeighborsRegressor(n_neighbors=min(NEIGHBOURS, len(train))).fit(train, values)
    return np.asarray(fitted.predict(test)).reshape(len(test), -1)


def _boost(problem: Problem, values: Matrix, train: Matrix, test: Matrix) -> Matrix:
    options = {"max_iter": TREES, "max_leaf_nodes": LEAVES, "early_stopping": False, "random_state": _SEED}
    if not problem.is_classes:
        regressor = HistGradientBoostingRegressor(**options).fit(train, values[:, 0])
        return np.asarray(regressor.predict(test))[:, None]
    codes = values.argmax(axis=1)
    predicted = np.zeros((len(test), values.shape[1]))
    if len(set(codes.tolist())) == 1:
        predicted[:, codes[0]] = 1
        return predicted
    classifier = HistGradientBoostingClassifier(**options).fit(train, codes)
    predicted[:, classifier.classes_] = classifier.predict_proba(test)
    return predicted
