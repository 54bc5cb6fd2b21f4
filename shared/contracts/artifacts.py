"""The keys of a dataset's objects in the object store.

datasets/<dataset>/raw                      the uploaded bytes
datasets/<dataset>/table.arrow              the decoded table
datasets/<dataset>/rejects.parquet          the lines that are no rows of it
datasets/<dataset>/recipe.json              the recipe that is repeated on it
datasets/<dataset>/runs/<run>/<token>/…     what one attempt of a run made
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

DATASETS = "datasets"
"""The folder of all datasets."""

DECODED_METADATA = b"neuralearn.decoded"
"""The key of what rebuilds the decoded table (columns, rows, removed), in the metadata of the list of changes."""

StoredTable = Literal["cleaned", "engineered", "changes"]
TABLES: tuple[StoredTable, ...] = ("cleaned", "engineered", "changes")
PROFILE = "profile.json"
RECIPE = "recipe.json"
MAX_RECIPE_BYTES = 3 * 1024**2
"""The largest recipe that can be sent or kept: it has to fit into a message."""
CHARTS = "charts.json"
DRIFT = "drift.json"
REJECTS = "rejects.parquet"
ARTIFACTS = (*(f"{table}.parquet" for table in TABLES), PROFILE, RECIPE, CHARTS)
"""The files that every completed run has, in the order in which they are stored."""
REPLAY_ARTIFACTS = (REJECTS, DRIFT)
"""The files that a run may have that repeated a recipe: the rejects with the rows that its contract discarded, and the
drift."""


@dataclass(frozen=True)
class DatasetKeys:
    """The keys of one dataset."""

    dataset_id: UUID

    @property
    def prefix(self) -> str:
        """The folder that holds everything of the dataset."""
        return f"{DATASETS}/{self.dataset_id}"

    @property
    def raw(self) -> str:
        """The uploaded bytes."""
        return f"{self.prefix}/raw"

    @property
    def table(self) -> str:
        """The decoded table, Arrow IPC."""
        return f"{self.prefix}/table.arrow"

    @property
    def rejects(self) -> str:
        """The lines that could not be read; there only if there are any."""
        return f"{self.prefix}/{REJECTS}"

    @property
    def recipe(self) -> str:
        """The recipe that is repeated on the table; there only if one is."""
        return f"{self.prefix}/{RECIPE}"

    def attempt(self, run_id: UUID, token: UUID) -> str:
        """Return the folder for the artifacts of one attempt, which nobody else writes."""
        return f"{self.prefix}/runs/{run_id}/{token}"


@dataclass(frozen=True)
class ObjectOwner:
    """The owner of an object."""

    dataset_id: UUID
    attempt: str | None
    """The folder of the attempt that made it; None for what was uploaded."""


def owner_of(key: str) -> ObjectOwner | None:
    """Return the owner of the object with this key; None for keys that no dataset has."""
    parts = key.split("/")
    try:
        dataset_id = UUID(parts[1])
    except (ValueError, IndexError):
        return None
    in_attempt = len(parts) > 5 and parts[2] == "runs"
    return ObjectOwner(dataset_id, "/".join(parts[:5]) if in_attempt else None)


def table_key(artifacts: str, table: str) -> str:
    """Return the key of a table of a run, in Parquet."""
    return f"{artifacts}/{table}.parquet"


def rendition_key(artifacts: str, name: str) -> str:
    """Return the key of something that was rendered on demand from a run's artifacts."""
    return f"{artifacts}/renditions/{name}"
