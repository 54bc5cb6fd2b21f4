"""The multipart reader: the same events however the body is cut into pieces."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upload.multipart import Event, MultipartReader, PartBegan, PartData, PartEnded
from shared.errors import InvalidInput

BODY = (
    b'--B\r\nContent-Disposition: form-data; name="mode"\r\n\r\nfast\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
    b"x,y\r\n--\r\n--A\r\n1,2\r\n\r\n--B--\r\n"
)
PARTS = [("mode", None, b"fast"), ("file", "a.csv", b"x,y\r\n--\r\n--A\r\n1,2\r\n")]


def parts(events: list[Event]) -> list[tuple[str, str | None, bytes]]:
    parts: list[tuple[str, str | None, bytes]] = []
    name, filename, content = "", None, b""
    for event in events:
        match event:
            case PartBegan():
                name, filename, content = event.name, event.filename, b""
            case PartData():
                content += event.data
            case PartEnded():
                parts.append((name, filename, content))
    return parts


@given(st.lists(st.integers(0, len(BODY)), max_size=12))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    reader = MultipartReader(b"B")
    edges = [0, *sorted(cuts), len(BODY)]
    events = [event for start, end in itertools.pairwise(edges) for event in reader.feed(BODY[start:end])]
    reader.finish()
    assert parts(events) == PARTS


@given(st.integers(0, len(BODY) - len(b"-\r\n")))
def test_an_early_end_is_noticed(length: int) -> None:
    reader = MultipartReader(b"B")
    reader.feed(BODY[:length])
    with pytest.raises(InvalidInput) as caught:
        reader.finish()
    assert caught.value.reason == "UPLOAD_CUT_OFF"


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_read_but_never_an_accident(body: bytes) -> None:
    reader = MultipartReader(b"B")
    try:
        reader.feed(b"--B\r\n" + body)
        reader.finish()
    except InvalidInput as error:
        assert error.reason in {"MALFORMED_BODY", "UPLOAD_CUT_OFF"}
