"""A recipe, the plan of a preparation, as a value that survives a round trip through JSON."""

import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from shared.contracts.run_options import ReadOptions
from shared.contracts.vocabulary import DEFAULT_CONTRACT, ContractMode
from worker_service.core.drift.baseline import ColumnBaseline
from worker_service.core.recipe.steps import AnyStep
from worker_service.core.relations.target import Target
from worker_service.core.value import Value

Discriminated = Annotated[AnyStep, Field(discriminator="kind")]
VERSION: Literal[2] = 2


class InputColumn(Value):
    """A column of the decoded table."""

    name: str
    type: str
    """The Arrow type of its cells, such as `string` or `timestamp[us]`."""
    baseline: ColumnBaseline | None = None
    """What it held, as the recipe read it; None where it was dropped as personal data."""
    mode: ContractMode = DEFAULT_CONTRACT
    """What happens with cells of another table that disagree with the baseline."""


class OutputColumn(Value):
    """A column of a prepared table."""

    name: str
    type: str
    """The Arrow type of its cells."""
    fill: int | float | None = None
    """What stands in the engineered table where a number can't be computed; None where it may be missing."""


class Contract(Value):
    """What a settled recipe is applied to, and what it returns."""

    input: tuple[InputColumn, ...]
    unknown_columns: ContractMode = DEFAULT_CONTRACT
    """What happens where another table has more columns: with `freeze` it is refused, else they are left out."""
    reading: ReadOptions = ReadOptions()
    """How the file of the table was read."""
    cleaned: tuple[OutputColumn, ...]
    engineered: tuple[OutputColumn, ...]
    code_version: str
    """The version of the code that settled the recipe."""


class Recipe(Value):
    """The steps in the order in which they were proposed, and the target, which they must not change."""

    version: Literal[1, 2]
    """2 since steps hold the models that they fit; a recipe of version 1 can be read, but not repeated."""
    target: Target
    steps: tuple[Discriminated, ...]
    contract: Contract | None = None
    """None until the recipe is settled: carried out on the table that it was proposed for."""

    def content_hash(self) -> str:
        """Return the SHA-256 of the recipe as canonical JSON: equal recipes have equal hashes."""
        document = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(document.encode()).hexdigest()


def describe_invalid(error: ValidationError) -> str:
    """Return the first field that is wrong, and what is wrong with it."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the document'}: {first['msg']}"
