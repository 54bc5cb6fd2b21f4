"""Preparations of a table by other packages, as transformers of scikit-learn that are fitted inside the folds."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def column_transformer(table: pd.DataFrame) -> Any:
    """Return scikit-learn's own: medians and scaling for numbers, one column a level for all others."""
    numbers = [name for name in table if pd.api.types.is_numeric_dtype(table[name])]
    categories = [name for name in table if name not in numbers]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, max_categories=50)
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("categories", make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot), categories),
        ]
    )


def table_vectorizer(table: pd.DataFrame) -> Any:
    """Return skrub's TableVectorizer, with medians and scaling behind it, which the models need."""
    from skrub import TableVectorizer

    return make_pipeline(TableVectorizer(), SimpleImputer(strategy="median"), StandardScaler())


OTHERS: Mapping[str, Callable[[pd.DataFrame], Any]] = {
    "ColumnTransformer": column_transformer,
    "skrub": table_vectorizer,
}
"""The preparations by their names."""
