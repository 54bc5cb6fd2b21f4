"""Reading multipart/form-data as it arrives: bytes in, events out, nothing kept."""

from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from shared.errors import InvalidInput


@dataclass(frozen=True)
class PartBegan:
    """A part's headers are complete."""

    name: str
    filename: str | None


@dataclass(frozen=True)
class PartData:
    """The next bytes of the part."""

    data: bytes


@dataclass(frozen=True)
class PartEnded:
    """The part is complete."""


Event = PartBegan | PartData | PartEnded


class MultipartReader:
    """One multipart body."""

    def __init__(self, boundary: bytes) -> None:
        """Raises InvalidInput where the boundary can't be one."""
        self._events: list[Event] = []
        self._header_name = b""
        self._header_value = b""
        self._disposition: bytes | None = None
        self._complete = False
        if not boundary:
            raise _malformed("the Content-Type names no boundary")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _malformed(str(error)) from error

    def feed(self, data: bytes) -> list[Event]:
        """What the next bytes of the body hold.

        Raises:
            InvalidInput: with reason MALFORMED_BODY.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed(str(error)) from error
        events, self._events = self._events, []
        return events

    def finish(self) -> None:
        """The body has ended.

        Raises:
            InvalidInput: with reason UPLOAD_CUT_OFF where it ended too early.
        """
        if not self._complete:
            raise InvalidInput(
                "The upload was cut off: the body ended before its closing boundary.", reason="UPLOAD_CUT_OFF"
            )

    def _on_part_begin(self) -> None:
        self._disposition = None
        self._header_name = self._header_value = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name, filename = options.get(b"name"), options.get(b"filename")
        if name is None:
            raise _malformed("a part has no name")
        self._events.append(PartBegan(_text(name), None if filename is None else _text(filename)))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(PartData(data[start:end]))

    def _on_part_end(self) -> None:
        self._events.append(PartEnded())

    def _on_end(self) -> None:
        self._complete = True


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")


def _malformed(why: str) -> InvalidInput:
    return InvalidInput(f"The multipart body can't be read: {why}.", reason="MALFORMED_BODY")
