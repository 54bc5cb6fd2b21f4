"""Comments between messages and values."""

import unicodedata

from shared.db.comments import CommentRecord, Subject
from shared.errors import FieldError, InvalidInput
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.rpc.messages import to_message

MAX_TEXT = 4_000
_MAX_NAME = 10_000


def parse_subject(request: pb.CreateCommentRequest | pb.ListCommentsRequest) -> Subject:
    """Return what a request says that comments are about.

    Raises:
        InvalidInput: a number is negative, or a row comes without a column.
    """
    errors = [
        FieldError(field=name, detail="must be 1 or more")
        for name, value in (("step", request.step), ("row", request.row))
        if value < 0
    ]
    if request.row and not request.column:
        errors.append(FieldError(field="row", detail="is that of a cell, so a column must be given, too"))
    if "\0" in request.column or len(request.column) > _MAX_NAME:
        errors.append(FieldError(field="column", detail="is no name of a column"))
    _require(errors)
    return Subject(step=request.step or None, column=request.column or None, row=request.row or None)


def parse_text(request: pb.CreateCommentRequest) -> str:
    """Return the text of a new comment.

    Raises:
        InvalidInput: it is empty, too long, or holds a character that can't be stored.
    """
    text = request.text.strip()
    errors = []
    if not any(unicodedata.category(character)[0] not in "CZ" for character in text):
        errors.append(FieldError(field="text", detail="must not be empty"))
    if len(text) > MAX_TEXT:
        errors.append(FieldError(field="text", detail=f"has {len(text):,} characters; at most {MAX_TEXT:,} are kept"))
    if any(unicodedata.category(character) == "Cc" and character not in "\n\r\t" for character in text):
        errors.append(FieldError(field="text", detail="must not hold control characters"))
    _require(errors)
    return text


def _require(errors: list[FieldError]) -> None:
    if errors:
        sentence = "; ".join(f"{error.field} {error.detail}" for error in errors)
        raise InvalidInput(f"{sentence}.", reason="INVALID_COMMENT", fields=errors)


def comment_message(record: CommentRecord) -> pb.Comment:
    """Return a comment as a message."""
    return to_message(record, pb.Comment, comment_id=record.id)
