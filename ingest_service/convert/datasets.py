"""Conversion between values and messages about datasets and users."""

import codecs
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, get_args
from urllib.parse import urlsplit

from ingest_service.options import OptionDefaults, UploadOptions
from ingest_service.previews import PreviewedFile
from ingest_service.upload_commit import UploadCommit
from shared.contracts.artifacts import MAX_RECIPE_BYTES
from shared.contracts.run_options import ReadOptions, RunOptions
from shared.contracts.split import parse_split
from shared.contracts.vocabulary import (
    DEFAULT_FILL,
    DEFAULT_MODE,
    DEFAULT_OUTLIER_METHOD,
    STAGE_SENTENCES,
    ContractMode,
    OutlierStrategy,
    PrivacyMethod,
    dataset_state,
)
from shared.contracts.words_by_column import parse_roles, parse_types, parse_words
from shared.db.datasets import DatasetRecord
from shared.db.usage import ModeUsage
from shared.errors import FieldError, InvalidInput
from shared.identity.caller import Caller
from shared.outbound import OutboundGuard
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.rpc.messages import parse_enum, to_message

NO_DEFAULTS = OptionDefaults()
_MAX_ID_CHARACTERS = 200
_MAX_ADDRESS_CHARACTERS = 2048
_MAX_UNIT_CHARACTERS = 20
_MAX_SPLIT_CHARACTERS = 1000
_KEPT_IN_REPLAY = ("contract", "recipe_of", "recipe", "reading")
"""The options that go together with a recipe."""
_READ_OPTIONS = ("delimiter", "encoding", "header_row", "sheet")
_FIXED_OPTIONS = ("user_id", "collaboration_id", "webhook_url", "recipe_of", "recipe", *_READ_OPTIONS)
"""What another preparation of a dataset takes over from the upload."""
_NO_ENCODINGS = ("idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined")
"""Codecs of Python from text to text or names, which no file is written in."""
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}


def parse_commit(commit: pb.UploadCommit, *, caller: Caller, defaults: OptionDefaults) -> UploadCommit:
    """Return the size, hash and options stated at the end of an upload."""
    options = parse_options(commit.options, caller=caller, defaults=defaults)
    return UploadCommit(size_bytes=commit.size_bytes, sha256=commit.sha256, options=options)


def parse_options(
    options: common.DatasetOptions, *, caller: Caller, defaults: OptionDefaults = NO_DEFAULTS
) -> UploadOptions:
    """Return the uploader's options, with the defaults of the vocabulary.

    Args:
        options: the message.
        caller: who sent it.
        defaults: what holds where the message has none.

    Raises:
        InvalidInput: a name is too long or holds control characters, or an enum has an unknown number.
        PermissionDenied: the options name another user than the caller.
    """
    recipe_of, recipe, content = _parse_recipe(options)
    parsed = UploadOptions(
        user_id=parse_user(options.user_id, caller),
        collaboration_id=_parse_identifier("collaboration_id", options.collaboration_id),
        recipe_content=content,
        run=RunOptions.model_validate(
            {
                "mode": parse_enum(options, "mode", default=DEFAULT_MODE),
                "outlier_method": parse_enum(options, "outlier_method", default=DEFAULT_OUTLIER_METHOD),
                "outlier_strategy": parse_enum(options, "outlier_strategy", default=defaults.outlier_strategy),
                "fill": parse_enum(options, "fill", default=DEFAULT_FILL),
                "target": options.target.strip() or None,
                "types": parse_types(options.types),
                "roles": parse_roles(options.roles),
                "outlier_strategies": parse_words(
                    "outlier_strategies", options.outlier_strategies, get_args(OutlierStrategy)
                ),
                "units": _parse_units(options.units),
                "privacy": parse_enum(options, "privacy", default=defaults.privacy),
                "column_privacy": parse_words("column_privacy", options.column_privacy, get_args(PrivacyMethod)),
                "contract": parse_words("contract", options.contract, get_args(ContractMode)),
                "split": _parse_split(options.split),
                "review": options.review,
                "recipe_of": recipe_of,
                "recipe": recipe,
                "reading": _parse_read_options(options),
            }
        ),
        webhook_url=_parse_webhook_url(options.webhook_url),
    )
    if parsed.run.is_replay:
        _refuse_steering(parsed.run, defaults)
    return parsed


def _parse_recipe(options: common.DatasetOptions) -> tuple[str | None, str | None, bytes | None]:
    """Return the dataset whose recipe is repeated, the id or hash of another recipe, and its content if it was sent."""
    recipe_of, recipe = options.recipe_of.strip(), options.recipe.strip()
    if recipe_of and recipe:
        raise invalid_field("recipe_of", "can't be given together with recipe")
    if not recipe.startswith("{"):
        return _parse_identifier("recipe_of", recipe_of), _parse_identifier("recipe", recipe), None
    content = recipe.encode()
    if len(content) > MAX_RECIPE_BYTES:
        raise invalid_field("recipe", f"has {len(content):,} bytes, of at most {MAX_RECIPE_BYTES:,}")
    return None, f"sha256:{hashlib.sha256(content).hexdigest()}", content


def _parse_split(text: str) -> str | None:
    if not text.strip():
        return None
    if len(text) > _MAX_SPLIT_CHARACTERS or not text.isprintable():
        raise invalid_field("split", f"must be printable and have at most {_MAX_SPLIT_CHARACTERS} characters")
    try:
        parse_split(text)
    except ValueError as error:
        raise invalid_field("split", str(error)) from None
    return text.strip()


def _refuse_steering(run: RunOptions, defaults: OptionDefaults) -> None:
    """Refuse options that say how to prepare, where a recipe says so.

    Raises:
        InvalidInput: naming the first of them.
    """
    unset = RunOptions(outlier_strategy=defaults.outlier_strategy, privacy=defaults.privacy)
    for name in RunOptions.model_fields:
        if name not in _KEPT_IN_REPLAY and getattr(run, name) != getattr(unset, name):
            raise invalid_field(name, "comes from the recipe; leave it out, or leave the recipe out")


def parse_new_options(options: common.DatasetOptions, *, caller: Caller, defaults: OptionDefaults) -> UploadOptions:
    """Return the options of another preparation of a stored table.

    Raises:
        InvalidInput: an option of the upload is given, which can't change.
    """
    given = {field.name for field, _ in options.ListFields()}
    for field in _FIXED_OPTIONS:
        if field in given:
            raise invalid_field(field, "is the upload's and can't change; upload the file again")
    return parse_options(options, caller=caller, defaults=defaults)


def _parse_units(units: Mapping[str, str]) -> dict[str, str]:
    if any(not unit.strip() or not unit.isprintable() or len(unit) > _MAX_UNIT_CHARACTERS for unit in units.values()):
        raise invalid_field("units", f"must name units of at most {_MAX_UNIT_CHARACTERS} characters, such as kg")
    return {name: unit.strip() for name, unit in units.items()}


def _parse_webhook_url(address: str) -> str | None:
    if len(address) > _MAX_ADDRESS_CHARACTERS:
        raise invalid_field("webhook_url", f"must have at most {_MAX_ADDRESS_CHARACTERS} characters")
    return str(OutboundGuard("webhook_url", allow_private=True).parse(address)) if address else None


def _parse_read_options(options: common.DatasetOptions) -> ReadOptions:
    header_row = options.header_row if options.HasField("header_row") else None
    if header_row is not None and header_row < 0:
        raise invalid_field("header_row", "must be a line number from 1, or 0 for no header")
    return ReadOptions(
        delimiter=_parse_delimiter(options.delimiter),
        encoding=_parse_encoding(options.encoding),
        header_row=header_row,
        sheet=_parse_identifier("sheet", options.sheet),
    )


def _parse_delimiter(text: str) -> str | None:
    delimiter = _DELIMITERS.get(text.strip().lower(), text)
    if not delimiter:
        return None
    if len(delimiter) > 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n\x00':
        raise invalid_field(
            "delimiter", f"must be one character that is no letter or digit, or {_join_words(_DELIMITERS)}"
        )
    return delimiter


def _parse_encoding(text: str) -> str | None:
    name = text.strip()
    if not name:
        return None
    try:
        codec = codecs.lookup(name).name
        "".encode(name)
    except (LookupError, UnicodeError, ValueError):
        codec = ""
    if not codec or codec.replace("-", "_") in _NO_ENCODINGS:
        raise invalid_field("encoding", "must be a character encoding such as utf-8, utf-16 or cp1252")
    return codec


def _join_words(words: Iterable[str]) -> str:
    return ", ".join(words)


def invalid_field(field: str, problem: str) -> InvalidInput:
    """Return the error for a wrong field, from what is wrong with it."""
    return InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, detail=problem)])


def parse_user(user_id: str, caller: Caller) -> str:
    """Return the user that a request of a caller is for.

    Raises:
        PermissionDenied: it is another user.
    """
    return caller.resolve_user(_parse_identifier("user_id", user_id) or "")


def parse_name(field: str, text: str) -> str:
    """Return the name of a user or a collaboration.

    Raises:
        InvalidInput: there is none, it is too long, or it holds control characters.
    """
    name = _parse_identifier(field, text)
    if name is None:
        raise invalid_field(field, "must not be empty")
    return name


def parse_filter(field: str, text: str) -> str:
    """Return the owner or group that a list is filtered by; empty for all."""
    return _parse_identifier(field, text) or ""


def parse_request_id(request_id: str) -> str | None:
    """Return the idempotency key of a request, or None."""
    return _parse_identifier("request_id", request_id)


def dataset_message(record: DatasetRecord) -> common.Dataset:
    """Return the message for a dataset."""
    run = record.run
    return to_message(
        record,
        common.Dataset,
        dataset_id=record.id,
        source_url=record.source_url and without_query(record.source_url),
        run_id=run.id,
        state=dataset_state(run.state, run.attempt),
        stage=run.stage,
        progress=run.progress,
        progress_info=progress_info(record),
        error=_failure_message(record),
        # Plans of earlier versions lack some fields.
        parse_plan=_parse_plan(record.parse_plan),
        updated_at=run.updated_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        outlier_method=run.options.outlier_method,
        outlier_strategy=run.options.outlier_strategy,
        fill=run.options.fill,
        privacy=run.options.privacy,
        recipe_of=run.options.recipe_of,
        recipe=run.options.recipe,
        split=run.options.split,
        review=run.options.review,
        ai_info=((run.summary or {}).get("ai") or {}).get("note", ""),
    )


def preview_message(previewed: PreviewedFile) -> pb.Preview:
    """Return the message for a file as it would be read."""
    preview = previewed.preview
    message = to_message(
        previewed,
        pb.Preview,
        parse_plan=_parse_plan(preview.decoded.parse_plan()),
        rows=preview.decoded.rows,
        sample_rows=None,
        delimiters=[pb.DelimiterCandidate(delimiter=mark, score=score) for mark, score in preview.delimiters],
        header_rows=[pb.HeaderCandidate(header_row=line, score=score) for line, score in preview.header_rows],
        encodings=[pb.EncodingCandidate(encoding=name, score=score) for name, score in preview.encodings],
    )
    for row in preview.sample_rows:
        message.sample_rows.add().extend(row)
    return message


def without_query(address: str) -> str:
    """Return an address as it may be shown: a query often holds a token."""
    return urlsplit(address)._replace(query="", fragment="").geturl()


def usage_message(user_id: str, modes: Iterable[ModeUsage]) -> pb.GetUsageResponse:
    """Return the message for the quota that a user has used."""
    return to_message({"user_id": user_id, "modes": modes}, pb.GetUsageResponse)


def progress_info(record: DatasetRecord) -> str:
    """Return a sentence with the stage and the progress of a dataset."""
    run = record.run
    match run.state:
        case "completed":
            return "Completed: every result can be fetched (100 %)."
        case "proposed":
            return "Proposed: every result can be looked at; apply it, or change the recipe (100 %)."
        case "failed":
            return f"Failed: {run.error_detail}"
        case "cancelled":
            return "Cancelled by its owner."
        case "running":
            return f"{STAGE_SENTENCES[run.stage]} ({run.progress} %)."
    if run.attempt:
        return f"Waiting for attempt {run.attempt + 1}, due {run.due_at:%Y-%m-%d %H:%M:%S} UTC (0 %)."
    return "Uploaded; waiting for a worker (0 %)."


def _failure_message(record: DatasetRecord) -> common.Failure | None:
    if record.run.state != "failed":
        return None
    return common.Failure(reason=record.run.error_reason or "", detail=record.run.error_detail or "")


def _parse_identifier(field: str, text: str) -> str | None:
    if len(text) > _MAX_ID_CHARACTERS or not text.isprintable():
        problem = f"must be printable and have at most {_MAX_ID_CHARACTERS} characters"
        raise invalid_field(field, problem)
    return text.strip() or None


def _parse_plan(stored: Mapping[str, Any]) -> common.ParsePlan:
    """Return the message of a stored plan; one of a newer release may say more than the message can."""
    known = common.ParsePlan.DESCRIPTOR.fields_by_name
    return common.ParsePlan(**{name: value for name, value in stored.items() if name in known})
