"""A recipe that is repeated on an upload, as far as ingest has to know it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from shared.contracts.column_names import match_names
from shared.contracts.run_options import ReadOptions
from shared.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class RepeatedRecipe:
    """A recipe that is repeated on an upload."""

    content: bytes
    reading: ReadOptions
    """How the file of its own table was read."""
    columns: tuple[str, ...]
    """The columns of its own table."""

    @classmethod
    def of(cls, content: bytes) -> "RepeatedRecipe":
        """Return a recipe from its JSON.

        Raises:
            InvalidInput: it is no settled recipe.
        """
        try:
            contract = json.loads(content)["contract"]
            columns = tuple(str(column["name"]) for column in contract["input"])
            reading = ReadOptions.model_validate(contract.get("reading", {}))
        except (ValueError, TypeError, KeyError, RecursionError, ValidationError):
            raise InvalidInput(
                "The recipe can't be repeated: it has no contract. Prepare its table again for a new one.",
                reason="RECIPE_NOT_SETTLED",
            ) from None
        return cls(content=content, reading=reading, columns=columns)

    def count_missing(self, columns: Sequence[str]) -> int:
        """Return how many columns of the recipe's own table are not among those of another."""
        return sum(match is None for match in match_names(self.columns, columns).values())
