"""What the children write appears on the terminal."""

import io
import os

from rich.console import Console

from deploy.local.output import Terminal


def printed(*lines: bytes) -> list[str]:
    file = io.StringIO()
    terminal = Terminal(Console(file=file, width=40))
    with terminal.sink("gateway") as sink:
        os.write(sink.fileno(), b"".join(line + b"\n" for line in lines))
    terminal.close()
    return file.getvalue().splitlines()


def test_a_line_begins_with_the_name_of_its_process() -> None:
    assert printed(b"serving") == ["gateway     \N{BOX DRAWINGS LIGHT VERTICAL} serving"]


def test_a_line_of_json_stays_as_it_is() -> None:
    line = '{"event": "serving", "address": "127.0.0.1:8000", "service": "gateway"}'
    assert printed(line.encode()) == [line]
