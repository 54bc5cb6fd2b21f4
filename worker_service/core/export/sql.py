"""Recipes as one query for DuckDB or PostgreSQL, with the steps that read one row at a time."""

import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from shared.contracts.vocabulary import SqlDialect
from worker_service.core.export.calls import NotExportable, changes_tables, require_plain_names
from worker_service.core.export.facts import LeftOut
from worker_service.core.export.sql_query import Kind, Query, Untranslatable, call, number
from worker_service.core.export.sql_reading import UNFIT, begin_reading
from worker_service.core.export.sql_steps import GAPS, add_step
from worker_service.core.recipe.apply import execution_rank, in_order
from worker_service.core.recipe.contract import require_contract
from worker_service.core.recipe.recipe import OutputColumn, Recipe
from worker_service.core.recipe.steps import HidePersonalData

_KINDS: dict[str, Kind] = {"string": "text", "double": "decimal", "bool": "boolean"}
_WIDTH = 110


class SqlQuery(NamedTuple):
    """A query, and what it lacks."""

    text: str
    left_out: tuple[LeftOut, ...]


def sql_query(recipe: Recipe, dialect: SqlDialect) -> SqlQuery:
    """Return a recipe as a query of a table `uploaded`, whose columns are text as in the file.

    Raises:
        ContractBroken: the recipe is not settled.
        NotExportable: personal data would be shown.
    """
    contract = require_contract(recipe)
    require_plain_names(recipe)
    left_out: list[LeftOut] = []
    steps = [(position, step) for position, step in in_order(recipe) if changes_tables(step)]
    try:
        query = Query(dialect, [(column.name, _kind(column.type)) for column in contract.input])
        begin_reading([step for _, step in steps], query)
    except Untranslatable as reason:
        raise NotExportable(f"{reason}.") from None
    for index, (position, step) in enumerate(steps):
        if execution_rank(step) >= 3 and not _has_cleaned(query):
            _end_cleaned(query)
        try:
            add_step(step, query, [later for _, later in steps[index + 1 :]])
        except Untranslatable as reason:
            if isinstance(step, HidePersonalData):
                raise NotExportable(f"{step.column!r} holds personal data that is hidden, and {reason}.") from None
            left_out.append(LeftOut(position, step.kind, str(reason)))
    if any(column.mode != "evolve" for column in contract.input):
        left_out.append(LeftOut(len(recipe.steps) + 1, "contract", "a query can't refuse a table"))
    if not _has_cleaned(query):
        _end_cleaned(query)
    if not _engineered(query, recipe):
        raise NotExportable("No column is left that SQL can make.")
    _end_engineered(query, recipe)
    there = {column.name for column in _engineered(query, recipe)}
    names = [column.name for column in contract.engineered if column.name not in there]
    head = "\n".join(_head(recipe, left_out, names))
    return SqlQuery(f"{head}\n{query.sql('engineered')};\n", tuple(left_out))


def _kind(arrow_type: str) -> Kind:
    if arrow_type.startswith("timestamp"):
        return "zoned" if "tz=" in arrow_type else "timestamp"
    return _KINDS.get(arrow_type, "integer")


def _has_cleaned(query: Query) -> bool:
    return query.has_layer("cleaned")


def _end_cleaned(query: Query) -> None:
    """Make a table of the cleaned columns, beside the one with notes that features are made of."""
    query.end_layer()
    query.end_layer("cleaned", [name for name in query.names if not name.startswith((GAPS, UNFIT))])


def _engineered(query: Query, recipe: Recipe) -> list[OutputColumn]:
    """Return the columns of the engineered table that there are; not those that a left-out step should have read."""
    return [
        column
        for column in require_contract(recipe).engineered
        if column.name in query.names and (column.fill is None or query.kind(column.name) in ("integer", "decimal"))
    ]


def _end_engineered(query: Query, recipe: Recipe) -> None:
    columns = _engineered(query, recipe)
    for column in columns:
        if column.fill is not None:
            query.put(
                column.name, call("COALESCE", query.column(column.name), number(column.fill)), query.kind(column.name)
            )
    query.end_layer("engineered", [column.name for column in columns])


def _head(recipe: Recipe, left_out: list[LeftOut], names: list[str]) -> Iterator[str]:
    yield f"-- Prepare a table by the recipe {recipe.content_hash()[:12]} of NeuraLearn."
    yield '-- It reads "uploaded", with columns of text as in the file. The result is the table for models; with'
    yield '-- "cleaned" in the last line it is the one for people.'
    if left_out:
        yield "-- These steps are left out. Their gaps get a number from the middle of the recipe's own table:"
    for each in left_out:
        line = f"{each.step}. {each.kind}: {each.why}."
        yield from (f"--   {part}" for part in textwrap.wrap(_plain(line), _WIDTH))
    if names:
        yield from (
            f"-- {part}" for part in textwrap.wrap(_plain(f"Columns that are missing: {', '.join(names)}."), _WIDTH)
        )


def _plain(line: str) -> str:
    """Return a line that ends no comment, whatever a name holds."""
    return " ".join("".join(character if character.isprintable() else " " for character in line).split())
