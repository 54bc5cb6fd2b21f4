"""Models that come with a recipe are whole, whoever wrote them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.conformance.steps import BECAUSE
from worker_service.core.imputation.fitted import Array, fit_neighbours, fit_trees
from worker_service.core.recipe.steps import FillByModel

RANDOM = np.random.default_rng(0)
TABLE, VALUES = RANDOM.normal(size=(80, 2)), RANDOM.integers(0, 3, 80)
Changes = Callable[[dict[str, Any]], None]


def step(fit: Any, *, is_class: bool) -> dict[str, Any]:
    fitted = fit(TABLE, VALUES if is_class else VALUES.astype(float), is_class=is_class)
    made = FillByModel(
        kind="fill_by_model",
        column="a",
        model="boosting",
        predictors=("b", "c"),
        decimals=0,
        encodings=({"levels": None}, {"levels": ("x",)}),
        levels=("u", "v", "w") if is_class else (),
        fitted=fitted,
        **BECAUSE,
    )
    return made.model_dump(mode="json")


@pytest.mark.parametrize("fit", [fit_neighbours, fit_trees])
@pytest.mark.parametrize("is_class", [True, False])
def test_a_fitted_step_is_read_again(fit: Any, is_class: bool) -> None:
    document = step(fit, is_class=is_class)
    assert FillByModel.model_validate(document).model_dump(mode="json") == document


def put(name: str, change: Callable[[Any], Any]) -> Changes:
    """Return a change of an array of the model."""

    def apply(document: dict[str, Any]) -> None:
        values = Array.model_validate(document["fitted"][name]).numpy().copy()
        kind = document["fitted"][name]["type"]
        document["fitted"][name] = Array.of(change(values), kind).model_dump(mode="json")

    return apply


@pytest.mark.parametrize(
    ("fit", "change"),
    [
        (fit_trees, put("lefts", np.zeros_like)),  # a path that never ends
        (fit_trees, put("rights", lambda values: values + 10**6)),
        (fit_trees, put("roots", lambda values: values + 10**6)),
        (fit_trees, put("leaves", lambda values: values[:-1])),
        (fit_trees, put("columns", lambda values: np.where(values >= 0, 7, values))),
        (fit_trees, lambda document: document["fitted"].update(baseline=[])),
        (fit_trees, lambda document: document["fitted"].update(classes=[0, 1, 9])),
        (fit_trees, lambda document: document.update(predictors=["b"])),
        (fit_trees, lambda document: document.update(levels=[])),
        (fit_neighbours, put("rows", lambda values: values[:-1])),
        (fit_neighbours, put("rows", lambda values: values * np.nan)),
        (fit_neighbours, put("values", lambda values: values + 5)),
        (fit_neighbours, lambda document: document["fitted"].update(spreads=[1.0])),
    ],
)
def test_a_model_that_does_not_fit_together_is_refused(fit: Any, change: Changes) -> None:
    document = step(fit, is_class=True)
    change(document)
    with pytest.raises(ValidationError):
        FillByModel.model_validate(document)
