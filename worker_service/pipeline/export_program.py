"""Writing exports in a child process, apart from what its parent imports."""

from shared.contracts.vocabulary import ExportFormat, SqlDialect
from shared.errors import Conflict
from worker_service.core.export.calls import NotExportable
from worker_service.core.export.facts import Export, Facts
from worker_service.core.export.formats import export_recipe
from worker_service.core.recipe.contract import ContractBroken
from worker_service.core.recipe.recipe import Recipe


def write_export(document: bytes, form: ExportFormat, dialect: SqlDialect, facts: Facts) -> Export:
    """Return a recipe in the form of another tool.

    Raises:
        Conflict: it can't be written in this form.
    """
    try:
        return export_recipe(Recipe.model_validate_json(document), form, facts, dialect=dialect)
    except (NotExportable, ContractBroken) as error:
        raise Conflict(str(error), reason="NOT_EXPORTABLE") from None
