"""The formats that recipes are exported to."""

from shared.contracts.vocabulary import ExportFormat, SqlDialect
from worker_service.core.export.checks import pandera_module
from worker_service.core.export.documents import data_contract, dataset_metadata, run_event, table_schema
from worker_service.core.export.facts import Export, Facts
from worker_service.core.export.script import pandas_script, sklearn_script
from worker_service.core.export.sql import sql_query
from worker_service.core.recipe.recipe import Recipe

_PROGRAMS = {
    "pandas": ("prepare.py", pandas_script),
    "sklearn": ("preparation.py", sklearn_script),
}
_DOCUMENTS = {
    "table-schema": ("schema.json", table_schema),
    "odcs": ("contract.odcs.json", data_contract),
    "croissant": ("croissant.json", dataset_metadata),
    "openlineage": ("run-event.json", run_event),
}


def export_recipe(recipe: Recipe, form: ExportFormat, facts: Facts, *, dialect: SqlDialect) -> Export:
    """Return a settled recipe in the form of another tool.

    Args:
        recipe: the recipe.
        form: the tool or standard.
        facts: what documents say beside the recipe.
        dialect: the database of a query.

    Raises:
        ContractBroken: the recipe is not settled.
        NotExportable: it can't be written in this form.
    """
    if form == "sql":
        query = sql_query(recipe, dialect)
        return Export(query.text, f"prepare.{dialect}.sql", "application/sql", query.left_out)
    if form == "pandera":
        return Export(pandera_module(recipe, facts.kept_columns), "checks.py", "text/x-python; charset=utf-8")
    if form in _PROGRAMS:
        filename, write_program = _PROGRAMS[form]
        return Export(write_program(recipe), filename, "text/x-python; charset=utf-8")
    filename, write_document = _DOCUMENTS[form]
    return Export(write_document(recipe, facts), filename, "application/json")
