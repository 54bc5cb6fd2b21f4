"""Conversion between values and messages about recipes and their revisions."""

from ingest_service.convert.datasets import invalid_field
from shared.contracts.revision import RevisionRequest, parse_column_choices, step_parameters
from shared.db.recipes import RecipeRecord
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.rpc.messages import struct_values, to_message


def parse_recipe_source(request: pb.CreateStoredRecipeRequest) -> str | bytes:
    """Return the id of the dataset, or the JSON, that a stored recipe comes from.

    Raises:
        InvalidInput: neither is given.
    """
    match request.WhichOneof("source"):
        case "dataset_id":
            return request.dataset_id
        case "content":
            return request.content
    raise invalid_field("dataset_id", "must name a prepared dataset, or a recipe must be sent")


def parse_revision(request: pb.ReviseDatasetRequest) -> RevisionRequest:
    """Return which steps a request switches off or on."""
    return RevisionRequest(
        off=tuple(request.off),
        on=tuple(request.on),
        columns=tuple(request.columns),
        rules=tuple(request.rules),
        everything=request.everything,
        cells=tuple((cell.row, cell.column) for cell in request.cells),
        redo=tuple((cell.row, cell.column) for cell in request.redo),
        parameters=step_parameters(struct_values(request.parameters)),
        added=tuple(struct_values(step) for step in request.added),
        **parse_column_choices(request.types, request.roles, request.target),
        etag=request.etag,
    )


def recipe_message(record: RecipeRecord) -> pb.StoredRecipe:
    """Return the message for a stored recipe."""
    return to_message(record, pb.StoredRecipe, recipe_id=record.id)
