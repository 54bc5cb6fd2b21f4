"""Requests to the services, from what REST was given; pure."""

import hashlib
from collections.abc import Iterable

from gateway.schemas.versions import CellPlace, RecipeChange
from gateway.upload.fields import PrepareOptions, UploadOptions, column_roles, words_by_column
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as ingest
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pipeline
from shared.rpc.messages import to_message

UploadPart = ingest.UploadDatasetRequest


def upload_header(*, filename: str, request_id: str) -> UploadPart:
    """The message that opens an upload."""
    return UploadPart(header=ingest.UploadHeader(filename=filename, request_id=request_id))


def upload_chunk(data: bytes) -> UploadPart:
    """A piece of the file."""
    return UploadPart(chunk=data)


def upload_commit(*, size_bytes: int, sha256: str, options: UploadOptions) -> UploadPart:
    """The message that closes an upload and makes it count."""
    return UploadPart(commit=ingest.UploadCommit(size_bytes=size_bytes, sha256=sha256, options=_options(options)))


def preview_part(part: UploadPart) -> ingest.PreviewDatasetRequest:
    """The part of a preview that says the same as one of an upload."""
    match part.WhichOneof("part"):
        case "header":
            return ingest.PreviewDatasetRequest(header=part.header)
        case "commit":
            return ingest.PreviewDatasetRequest(commit=part.commit)
        case _:
            return ingest.PreviewDatasetRequest(chunk=part.chunk)


def preview_address(options: UploadOptions) -> tuple[ingest.PreviewDatasetRequest, ingest.PreviewDatasetRequest]:
    """The parts of a preview of `options.dataset_url`."""
    commit = ingest.UploadCommit(sha256=hashlib.sha256().hexdigest(), options=_options(options))
    return ingest.PreviewDatasetRequest(dataset_url=options.dataset_url), ingest.PreviewDatasetRequest(commit=commit)


def import_request(*, options: UploadOptions, request_id: str) -> ingest.ImportDatasetRequest:
    """Asks ingest to fetch `options.dataset_url`."""
    return ingest.ImportDatasetRequest(
        dataset_url=options.dataset_url, request_id=request_id, options=_options(options)
    )


def prepare_request(dataset_id: str, options: PrepareOptions) -> ingest.PrepareDatasetRequest:
    """Asks ingest to prepare a stored table again."""
    fields = common.DatasetOptions.DESCRIPTOR.fields
    of_upload = {field.name: None for field in fields if field.name not in PrepareOptions.model_fields}
    message = to_message(options, common.DatasetOptions, **of_upload, **_by_column(options))
    return ingest.PrepareDatasetRequest(dataset_id=dataset_id, options=message)


def _options(options: UploadOptions) -> common.DatasetOptions:
    return to_message(options, common.DatasetOptions, **_by_column(options))


def _by_column(options: PrepareOptions) -> dict[str, dict[str, str]]:
    return {
        "types": words_by_column(options.types),
        "roles": column_roles(options),
        "outlier_strategies": words_by_column(options.outlier_strategies),
        "units": words_by_column(options.units),
        "column_privacy": words_by_column(options.column_privacy),
        "contract": words_by_column(options.contract),
    }


def fill_change(request: ingest.ReviseDatasetRequest | pipeline.TryRecipeRequest, change: RecipeChange) -> None:
    """Write into a request what is changed of a recipe."""
    request.off.extend(change.off)
    request.on.extend(change.on)
    request.parameters.update(change.parameters)
    for step in change.add:
        request.added.add().update(step)
    request.types.update({name: kind or "" for name, kind in change.types.items()})
    request.roles.update({name: role or "" for name, role in change.roles.items()})
    request.target = change.target
    request.redo.extend(cell_places(change.redo))


def cell_places(cells: Iterable[CellPlace]) -> list[common.CellPlace]:
    """Return where cells are."""
    return [common.CellPlace(row=cell.row, column=cell.column) for cell in cells]
