"""Our values as messages of IngestService, and back; pure."""

import codecs
from collections.abc import Iterable, Mapping
from typing import get_args

from ingest_service.options import UploadClaim, UploadOptions
from shared.contracts.run_options import ReadOptions, RunOptions
from shared.contracts.vocabulary import (
    DEFAULT_MODE,
    DEFAULT_OUTLIER_METHOD,
    DEFAULT_OUTLIER_STRATEGY,
    DEFAULT_USER,
    STAGE_SENTENCES,
    ChosenType,
    dataset_state,
)
from shared.db.datasets import DatasetRecord
from shared.db.usage import ModeUsage
from shared.errors import FieldError, InvalidInput
from shared.outbound import OutboundGuard
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.rpc.messages import parse_enum, to_message

_MAX_ID_CHARACTERS = 200
_MAX_ADDRESS_CHARACTERS = 2048
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}


def parse_commit(commit: pb.UploadCommit) -> UploadClaim:
    """Return what an upload claims about itself."""
    return UploadClaim(size_bytes=commit.size_bytes, sha256=commit.sha256, options=parse_options(commit.options))


def parse_options(options: common.DatasetOptions) -> UploadOptions:
    """Return the uploader's choices, with the defaults of the vocabulary.

    Raises:
        InvalidInput: a name is too long or holds control characters, or an enum has an unknown number.
    """
    return UploadOptions(
        user_id=_identifier("user_id", options.user_id) or DEFAULT_USER,
        collaboration_id=_identifier("collaboration_id", options.collaboration_id),
        run=RunOptions.model_validate(
            {
                "mode": parse_enum(options, "mode", default=DEFAULT_MODE),
                "outlier_method": parse_enum(options, "outlier_method", default=DEFAULT_OUTLIER_METHOD),
                "outlier_strategy": parse_enum(options, "outlier_strategy", default=DEFAULT_OUTLIER_STRATEGY),
                "target": options.target.strip() or None,
                "types": _types(options.types),
                "reading": _reading(options),
            }
        ),
        webhook_url=_webhook_url(options.webhook_url),
    )


def _types(types: Mapping[str, str]) -> dict[str, str]:
    wrong = next((kind for kind in types.values() if kind not in get_args(ChosenType)), None)
    if wrong is not None:
        raise _refused("types", f"knows {_listed(get_args(ChosenType))}, not {wrong[:100]!r}")
    return dict(types)


def _webhook_url(address: str) -> str | None:
    if len(address) > _MAX_ADDRESS_CHARACTERS:
        raise _refused("webhook_url", f"must have at most {_MAX_ADDRESS_CHARACTERS} characters")
    return str(OutboundGuard("webhook_url", allow_private=True).parse(address)) if address else None


def _reading(options: common.DatasetOptions) -> ReadOptions:
    header_row = options.header_row if options.HasField("header_row") else None
    if header_row is not None and header_row < 0:
        raise _refused("header_row", "must be a line number from 1, or 0 for no header")
    return ReadOptions(
        delimiter=_delimiter(options.delimiter),
        encoding=_encoding(options.encoding),
        header_row=header_row,
        sheet=_identifier("sheet", options.sheet),
    )


def _delimiter(text: str) -> str | None:
    chosen = _DELIMITERS.get(text.strip().lower(), text)
    if not chosen:
        return None
    if len(chosen) > 1 or not chosen.isascii() or chosen.isalnum() or chosen in '"\r\n\x00':
        raise _refused("delimiter", f"must be one character that is no letter or digit, or {_listed(_DELIMITERS)}")
    return chosen


def _encoding(text: str) -> str | None:
    name = text.strip()
    if not name:
        return None
    try:
        known = codecs.lookup(name)
        "".encode(name)
    except (LookupError, UnicodeError, ValueError):
        raise _refused("encoding", "must be a character encoding such as utf-8, utf-16 or cp1252") from None
    return known.name


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _refused(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, detail=problem)])


def parse_filter(field: str, text: str) -> str:
    """The owner or group a list is narrowed to; empty for all."""
    return _identifier(field, text) or ""


def parse_request_id(request_id: str) -> str | None:
    """The uploader's key for harmless repeats."""
    return _identifier("request_id", request_id)


def dataset_message(record: DatasetRecord) -> common.Dataset:
    """Return the dataset as the contract shows it."""
    run = record.run
    return to_message(
        record,
        common.Dataset,
        dataset_id=record.id,
        run_id=run.id,
        state=dataset_state(run.state, run.attempt),
        stage=run.stage,
        progress=run.progress,
        progress_info=progress_info(record),
        error=_failure(record),
        # Plans of earlier versions lack some fields.
        parse_plan=common.ParsePlan(**record.parse_plan),
        updated_at=run.updated_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        outlier_method=run.options.outlier_method,
        outlier_strategy=run.options.outlier_strategy,
        ai_info=((run.summary or {}).get("ai") or {}).get("note", ""),
    )


def usage_message(user_id: str, modes: Iterable[ModeUsage]) -> pb.GetUsageResponse:
    """Return what a user has used."""
    return to_message({"user_id": user_id, "modes": modes}, pb.GetUsageResponse)


def progress_info(record: DatasetRecord) -> str:
    """Return where the dataset stands, as a sentence with the stage and the progress."""
    run = record.run
    match run.state:
        case "completed":
            return "Completed: every result can be fetched (100 %)."
        case "failed":
            return f"Failed: {run.error_detail}"
        case "cancelled":
            return "Cancelled by its owner."
        case "running":
            return f"{STAGE_SENTENCES[run.stage]} ({run.progress} %)."
    if run.attempt:
        return f"Waiting for attempt {run.attempt + 1}, due {run.due_at:%Y-%m-%d %H:%M:%S} UTC (0 %)."
    return "Uploaded; waiting for a worker (0 %)."


def _failure(record: DatasetRecord) -> common.Failure | None:
    if record.run.state != "failed":
        return None
    return common.Failure(reason=record.run.error_reason or "", detail=record.run.error_detail or "")


def _identifier(field: str, text: str) -> str | None:
    if len(text) > _MAX_ID_CHARACTERS or not text.isprintable():
        problem = f"must be printable and have at most {_MAX_ID_CHARACTERS} characters"
        raise _refused(field, problem)
    return text.strip() or None
