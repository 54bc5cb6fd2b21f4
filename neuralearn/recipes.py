"""Recipes carried out here, in this process, without any service.

    from neuralearn import Client, load_recipe

    with Client("http://127.0.0.1:8000") as client:
        recipe = load_recipe(client.document(dataset_id, "recipe"))
    features = recipe.transform(february)

It needs the libraries of the core: `pip install "neuralearn[core]"`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from neuralearn.errors import NeuraLearnError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from worker_service.core.recipe.recipe import Recipe

    Table = TypeVar("Table", pd.DataFrame, pa.Table)


_EXPORTS, _DIALECTS = ("pandas", "sklearn", "pandera", "sql"), ("duckdb", "postgres")


class RecipeError(NeuraLearnError):
    """A recipe can't be read, or a table is not what it expects."""


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """What a recipe made of a table; tables are of the kind that was given, a pandas DataFrame or an Arrow table."""

    cleaned: Any
    """The table for people."""
    engineered: Any
    """The table for models, with the columns, in the order and of the types of the recipe's own."""
    changes: Any
    """The ledger: every changed cell of the cleaned table, with the step and its rule."""
    log: tuple[str, ...]
    """What each step did to this table, a sentence or two each."""


class LocalRecipe:
    """A settled recipe: `transform` gives the engineered table of any table with its columns, `clean` the cleaned one.

    Nothing is measured on the table it is given, so that no row's result depends on the other rows, apart from steps
    whose meaning that is: duplicates, the value before, interpolation in time.
    """

    def __init__(self, recipe: "Recipe") -> None:
        self._recipe = recipe

    @property
    def target(self) -> str | None:
        """The column to predict; it need not be in the tables that are transformed."""
        return self._recipe.target.column

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns that a table needs, in any order, apart from the target."""
        contract = self._recipe.contract
        names = () if contract is None else tuple(column.name for column in contract.input)
        return tuple(name for name in names if name != self.target)

    @property
    def output_columns(self) -> tuple[str, ...]:
        """The columns of the engineered table, in order; the target, too, where it is given."""
        contract = self._recipe.contract
        return () if contract is None else tuple(column.name for column in contract.engineered)

    def export(self, file_format: str, *, dialect: str = "duckdb") -> str:
        """Return the recipe as a program that needs neither this package nor a service.

        Args:
            file_format: `pandas`, `sklearn`, `pandera`, or `sql`; documents need a service, which knows the dataset.
            dialect: the database of `sql`: `duckdb` or `postgres`.

        Raises:
            RecipeError: there is no such form, or the recipe hides personal data in a way that needs the service.
        """
        if file_format not in _EXPORTS or dialect not in _DIALECTS:
            raise RecipeError(f"A recipe is exported as {', '.join(_EXPORTS)}; sql for {' or '.join(_DIALECTS)}.")
        return _write(self._recipe, file_format, dialect)

    def transform(self, table: "Table") -> "Table":
        """Return the engineered table.

        Args:
            table: a pandas DataFrame or an Arrow table. As in an upload, text is read by the recipe, so `read_csv` with
                `dtype=str` and `keep_default_na=False` loses nothing, such as leading zeros; empty texts of a DataFrame
                are missing.

        Raises:
            RecipeError: a column is missing or of another type, or a step needs the service.
        """
        return self.repeat(table).engineered  # type: ignore[no-any-return]

    def clean(self, table: "Table") -> "Table":
        """Return the cleaned table; the arguments and errors are those of `transform`."""
        return self.repeat(table).cleaned  # type: ignore[no-any-return]

    def repeat(self, table: "pd.DataFrame | pa.Table") -> Repetition:
        """Return both tables, the changed cells and the log; the arguments and errors are those of `transform`."""
        import pyarrow as pa

        from worker_service.core.recipe.contract import ContractBroken
        from worker_service.core.recipe.replay import replay

        is_arrow = isinstance(table, pa.Table)
        try:
            outcome = replay(self._recipe, _to_frame(table if is_arrow else _to_arrow(table)))
        except ContractBroken as error:
            raise RecipeError(str(error)) from None
        tables = (outcome.cleaned.to_table(), outcome.engineered.to_table(), outcome.changes)
        cleaned, engineered, changes = (part if is_arrow else part.to_pandas() for part in tables)
        return Repetition(
            cleaned=cleaned,
            engineered=engineered,
            changes=changes,
            log=tuple(result.why for result in outcome.results),
        )


def _write(recipe: "Recipe", file_format: str, dialect: str) -> str:
    from worker_service.core.export.calls import NotExportable
    from worker_service.core.export.checks import pandera_module
    from worker_service.core.export.script import pandas_script, sklearn_script
    from worker_service.core.export.sql import sql_query

    try:
        if file_format == "sql":
            return sql_query(recipe, "postgres" if dialect == "postgres" else "duckdb").text
        return {"pandas": pandas_script, "sklearn": sklearn_script, "pandera": pandera_module}[file_format](recipe)
    except NotExportable as error:
        raise RecipeError(str(error)) from None


def load_recipe(source: "str | PathLike[str] | Mapping[str, Any]") -> LocalRecipe:
    """Return a recipe to be carried out here.

    Args:
        source: the path of a file with the JSON of `GET /dataset/{id}/recipe`, or what it holds as a dictionary.

    Raises:
        RecipeError: there is no such file, it is no recipe, or the recipe can't be repeated.
    """
    try:
        from pydantic import ValidationError

        from worker_service.core.recipe.contract import ContractBroken, require_contract
        from worker_service.core.recipe.recipe import Recipe, describe_invalid
    except ImportError as error:
        raise RecipeError(f'{error.name} is missing; install with pip install "neuralearn[core]".') from None
    try:
        text = json.dumps(source) if isinstance(source, Mapping) else Path(source).read_text(encoding="utf-8")
        recipe = Recipe.model_validate_json(text)
        require_contract(recipe)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"The recipe can't be read: {error}.") from None
    except ValidationError as error:
        raise RecipeError(f"This is no recipe: {describe_invalid(error)}.") from None
    except ContractBroken as error:
        raise RecipeError(str(error)) from None
    return LocalRecipe(recipe)


def _to_arrow(table: "pd.DataFrame") -> "pa.Table":
    import pandas as pd
    import pyarrow as pa

    if not isinstance(table, pd.DataFrame):
        raise RecipeError(f"A table is a pandas DataFrame or an Arrow table, not {type(table).__name__}.")
    named = table.set_axis([str(name) for name in table.columns], axis=1)
    try:
        arrow = pa.Table.from_pandas(named, preserve_index=False)
    except (ValueError, TypeError) as error:
        raise RecipeError(f"The table can't be read: {error}.") from None
    return pa.table([_without_empty(column) for column in arrow.columns], names=arrow.column_names)


def _without_empty(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return a column with null for empty texts, as empty cells of a text file are read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)


def _to_frame(table: "pa.Table") -> Any:
    from worker_service.core.table.frame import Frame

    if len(set(table.column_names)) < table.num_columns:
        raise RecipeError("Two columns have the same name.")
    try:
        return Frame.from_table(table.replace_schema_metadata(None))
    except (ValueError, TypeError) as error:
        raise RecipeError(f"The table can't be read: {error}.") from None
