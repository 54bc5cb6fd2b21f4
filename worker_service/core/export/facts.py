"""What goes into an export beside the recipe, and what comes out."""

from collections.abc import Mapping
from typing import NamedTuple


class Facts(NamedTuple):
    """What a document says beside the recipe."""

    dataset_id: str
    run_id: str
    version: int
    """The version of the results."""
    filename: str
    """The name of the uploaded file."""
    source_sha256: str
    """The hash of its bytes."""
    created_at: str
    """When the results were published, ISO 8601."""
    kept_columns: frozenset[str]
    """The columns of the cleaned table in which a user has undone single cells, which the recipe does not hold."""
    table_sha256: Mapping[str, str]
    """The hashes of the cleaned and the engineered table in Parquet; empty where no document needs them."""


class LeftOut(NamedTuple):
    """A step that an export does not have."""

    step: int
    """Its place in the recipe, from 1."""
    kind: str
    why: str


class Export(NamedTuple):
    """A recipe in the form of another tool."""

    text: str
    filename: str
    """What the file is called; programs import it by this name."""
    media_type: str
    left_out: tuple[LeftOut, ...] = ()
    """The steps that it does not have."""
