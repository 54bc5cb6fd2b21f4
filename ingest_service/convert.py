"""Between the contract of IngestService and our values."""

import codecs
from collections.abc import Iterable, Mapping

from ingest_service.decoding import Choices
from ingest_service.options import Commit, Options
from shared.db.datasets import DatasetRecord
from shared.db.usage import ModeUsage
from shared.errors import FieldError, InvalidInput
from shared.outbound import Outside
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.rpc.values import enum_name, enum_value, timestamp

_MAX_ID_CHARACTERS = 200
_MAX_ADDRESS_CHARACTERS = 2048
COLUMN_TYPES = ("integer", "decimal", "boolean", "timestamp", "category", "text", "identifier")
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
_STAGES = {
    "loading": "Loading the table",
    "profiling": "Profiling the columns",
    "consulting": "Asking the language model",
    "proposing": "Deciding what to do",
    "applying": "Cleaning and engineering",
    "charting": "Computing the charts",
    "writing": "Writing the tables",
    "publishing": "Publishing the results",
}


def parse_commit(commit: pb.UploadCommit) -> Commit:
    """What an upload claims about itself."""
    return Commit(size_bytes=commit.size_bytes, sha256=commit.sha256, options=parse_options(commit.options))


def parse_options(options: common.DatasetOptions) -> Options:
    """The uploader's choices, with defaults for what was not said.

    Raises:
        InvalidInput: a name is too long or holds control characters, or an enum has an unknown number.
    """
    return Options(
        user_id=_identifier("user_id", options.user_id) or "anonymous",
        collaboration_id=_identifier("collaboration_id", options.collaboration_id),
        mode=enum_name(common.Mode, options.mode, field="mode", default="fast"),
        outlier_method=enum_name(common.OutlierMethod, options.outlier_method, field="outlier_method", default="iqr"),
        outlier_strategy=enum_name(
            common.OutlierStrategy, options.outlier_strategy, field="outlier_strategy", default="cap"
        ),
        target=options.target.strip() or None,
        reading=_reading(options),
        types=_types(options.types),
        webhook_url=_webhook_url(options.webhook_url),
    )


def _types(types: Mapping[str, str]) -> dict[str, str]:
    wrong = next((kind for kind in types.values() if kind not in COLUMN_TYPES), None)
    if wrong is not None:
        raise _refused("types", f"knows {_listed(COLUMN_TYPES)}, not {wrong[:100]!r}")
    return dict(types)


def _webhook_url(address: str) -> str | None:
    if len(address) > _MAX_ADDRESS_CHARACTERS:
        raise _refused("webhook_url", f"must have at most {_MAX_ADDRESS_CHARACTERS} characters")
    return str(Outside("webhook_url", allow_private=True).parse(address)) if address else None


def _reading(options: common.DatasetOptions) -> Choices:
    header_row = options.header_row if options.HasField("header_row") else None
    if header_row is not None and header_row < 0:
        raise _refused("header_row", "must be a line number from 1, or 0 for no header")
    return Choices(
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
    return InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, description=problem)])


def parse_filter(field: str, text: str) -> str:
    """The owner or group a list is narrowed to; empty for all."""
    return _identifier(field, text) or ""


def parse_request_id(request_id: str) -> str | None:
    """The uploader's key for harmless repeats."""
    return _identifier("request_id", request_id)


def dataset_message(record: DatasetRecord) -> common.Dataset:
    """The dataset as the contract shows it."""
    run = record.run
    return common.Dataset(
        dataset_id=str(record.id),
        run_id=str(run.id),
        user_id=record.user_id,
        collaboration_id=record.collaboration_id or "",
        database_name=record.database_name,
        filename=record.filename,
        source_url=record.source_url or "",
        mode=enum_value(common.Mode, record.mode),
        state=enum_value(common.DatasetState, _state(record)),
        rows=record.rows,
        columns=record.columns,
        size_bytes=record.size_bytes,
        sha256=record.sha256,
        stage=run.stage,
        percent=run.percent,
        progress_info=progress_info(record),
        error=_failure(record),
        parse_plan=common.ParsePlan(**record.parse_plan),
        create_time=timestamp(record.created_at),
        update_time=timestamp(run.updated_at),
        start_time=timestamp(run.started_at),
        finish_time=timestamp(run.finished_at),
        outlier_method=enum_value(common.OutlierMethod, run.options["outlier_method"]),
        outlier_strategy=enum_value(common.OutlierStrategy, run.options["outlier_strategy"]),
        ai_info=((run.summary or {}).get("ai") or {}).get("note", ""),
    )


def usage_message(user_id: str, modes: Iterable[ModeUsage]) -> pb.GetUsageResponse:
    """What a user has used."""
    return pb.GetUsageResponse(
        user_id=user_id,
        modes=[
            pb.ModeUsage(
                mode=enum_value(common.Mode, one.mode),
                limit=one.limit,
                used=one.used,
                remaining=one.remaining,
                reset_time=timestamp(one.resets_at),
            )
            for one in modes
        ],
    )


def progress_info(record: DatasetRecord) -> str:
    """Where the dataset stands, as a sentence with the real stage and percentage."""
    run = record.run
    match run.state:
        case "completed":
            return "Completed: every result can be fetched (100 %)."
        case "failed":
            return f"Failed: {run.error_detail}"
        case "cancelled":
            return "Cancelled by its owner."
        case "running":
            return f"{_STAGES.get(run.stage, run.stage.capitalize())} ({run.percent} %)."
    if run.attempt:
        return f"Waiting for attempt {run.attempt + 1}, due {run.due_at:%Y-%m-%d %H:%M:%S} UTC (0 %)."
    return "Uploaded; waiting for a worker (0 %)."


def _state(record: DatasetRecord) -> str:
    if record.run.state == "queued":
        return "processing" if record.run.attempt else "uploaded"
    return "processing" if record.run.state == "running" else record.run.state


def _failure(record: DatasetRecord) -> common.Failure | None:
    if record.run.state != "failed":
        return None
    return common.Failure(reason=record.run.error_reason or "", detail=record.run.error_detail or "")


def _identifier(field: str, text: str) -> str | None:
    if len(text) > _MAX_ID_CHARACTERS or not text.isprintable():
        problem = f"must be printable and have at most {_MAX_ID_CHARACTERS} characters"
        raise _refused(field, problem)
    return text.strip() or None
