"""The list of lines and rows that are not in a table, as it is stored."""

import pyarrow as pa

MAX_LISTED_ROWS = 10_000
MAX_TEXT_CHARACTERS = 2000
REJECTS_SCHEMA = pa.schema(
    [("line", pa.int64()), ("why", pa.string()), ("text", pa.string()), ("is_mended", pa.bool_())]
)


def shorten(text: str) -> str:
    """Return the text of a row as it is listed."""
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - 1] + "…"
