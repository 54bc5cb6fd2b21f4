"""Conversion between values and messages about recipes and their revisions."""

import json
from typing import Any

from google.protobuf.json_format import MessageToJson
from google.protobuf.struct_pb2 import Struct

from ingest_service.convert.datasets import invalid_field
from ingest_service.revision import RevisionRequest
from shared.db.recipes import RecipeRecord
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.rpc.messages import to_message

_MAX_STEP_DIGITS = 7
_LARGEST_EXACT = 2**53


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
        parameters=_parse_parameters(request.parameters),
        etag=request.etag,
    )


def recipe_message(record: RecipeRecord) -> pb.StoredRecipe:
    """Return the message for a stored recipe."""
    return to_message(record, pb.StoredRecipe, recipe_id=record.id)


def _parse_parameters(parameters: Struct) -> dict[int, dict[str, Any] | None]:
    """Return the parameters of each step; whole numbers are whole again, as a Struct holds doubles alone."""
    by_step = json.loads(MessageToJson(parameters), parse_float=_exact_number)
    if not all(step.isdecimal() and len(step) < _MAX_STEP_DIGITS for step in by_step):
        raise invalid_field("parameters", "must be named by the numbers of their steps")
    if not all(isinstance(values, dict | None) for values in by_step.values()):
        raise invalid_field("parameters", "must be objects, or null for those that a step had")
    return {int(step): values for step, values in by_step.items()}


def _exact_number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < _LARGEST_EXACT else value
