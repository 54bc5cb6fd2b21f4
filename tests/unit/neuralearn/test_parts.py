"""Events, retries, what is uploaded, and errors."""

import io
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from neuralearn.answers import check_success, complete_file
from neuralearn.errors import ApiError, NeuraLearnError, NotReadyError
from neuralearn.event_stream import EventStream
from neuralearn.requests import form_fields
from neuralearn.retries import ATTEMPTS, pause_before
from neuralearn.settings import DEFAULT_URL, ClientSettings
from neuralearn.upload_source import is_address, open_source

EVENT = '{"status": "processing", "stage": "profiling", "progress": 40, "created_at": "2026-11-29T10:00:00Z"}'


def test_events_are_made_of_lines() -> None:
    stream = EventStream()
    lines = [": alive", "", "id: 7", "event: progress", f"data: {EVENT}", "", "event: removed", "data: {}", ""]
    events = [event for line in lines if (event := stream.feed(line))]
    assert [(event.stage, event.progress, event.has_ended) for event in events] == [("profiling", 40, False)]
    assert stream.headers["last-event-id"] == "7"
    assert stream.is_removed


@pytest.mark.parametrize(
    ("status", "retry_after", "is_repeated"),
    [(None, "", True), (503, "", True), (429, "2", True), (429, "3600", False), (500, "", False), (404, "", False)],
)
def test_only_what_may_pass_is_tried_again(status: int | None, retry_after: str, is_repeated: bool) -> None:
    answer = None if status is None else httpx.Response(status, headers={"retry-after": retry_after})
    pause = pause_before(1, answer)
    assert (pause is not None) == is_repeated
    assert pause is None or pause >= float(retry_after or 0)
    assert pause_before(ATTEMPTS, answer) is None


def test_what_is_uploaded_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    counted: list[Any] = []
    with open_source(path, "", lambda done, total: counted.append((done, total))) as (name, file):
        assert (name, file.read(4), file.read()) == ("a.csv", b"a,b\n", b"1,2\n")
        assert file.rewind()
        assert file.read() == b"a,b\n1,2\n"
    assert counted == [(4, 8), (8, 8), (8, 8)]


def test_a_pipe_has_a_name_and_no_second_attempt() -> None:
    class Pipe(io.BytesIO):
        name = "<stdin>"

        def seekable(self) -> bool:
            return False

    with open_source(Pipe(b"x"), "", None) as (name, file):
        assert (name, file.size, file.rewind()) == ("upload.csv", None, False)


def test_addresses_are_fetched_by_the_service() -> None:
    assert is_address("https://example.org/a.csv")
    assert not is_address("httpdata.csv")


def test_options_become_fields_of_a_form() -> None:
    options = {"types": {"zip": "text"}, "keep": ["a"], "header_row": 1, "target": "x", "fill": None}
    assert form_fields(options) == {"types": '{"zip": "text"}', "keep": '["a"]', "header_row": "1", "target": "x"}


def test_an_error_is_the_sentence_of_the_problem() -> None:
    problem = {"detail": "There is no dataset.", "reason": "DATASET_NOT_FOUND"}
    with pytest.raises(ApiError, match=r"There is no dataset\.") as error:
        check_success(httpx.Response(404, json=problem, headers={"x-request-id": "r1"}))
    assert (error.value.status, error.value.reason, error.value.request_id) == (404, "DATASET_NOT_FOUND", "r1")
    with pytest.raises(NotReadyError) as waiting:
        check_success(httpx.Response(409, json={"detail": "Not yet."}, headers={"retry-after": "2"}))
    assert waiting.value.retry_after == 2
    with pytest.raises(ApiError, match="The server answered 502"):
        check_success(httpx.Response(502, text="<html>bad gateway</html>"))


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    with pytest.raises(ValueError, match="broken"), complete_file(target) as file:
        file.write(b"half")
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []
    with complete_file(target) as file:
        file.write(b"all")
        assert not target.exists()
    assert target.read_bytes() == b"all"
    with pytest.raises(FileNotFoundError, match="absent"), complete_file(tmp_path / "absent" / "a.csv"):
        pass
    with pytest.raises(IsADirectoryError), complete_file(tmp_path):
        pass


def test_links_are_followed_and_devices_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "a.csv", tmp_path / "link.csv"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with complete_file(link) as file:
        file.write(b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with complete_file(pipe) as file:
            file.write(b"through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://here", "http://", "http://here?x=1", "http://[::1"])
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(NeuraLearnError, match="is no address of a gateway"):
        ClientSettings.of(address, "")


def test_the_environment_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ClientSettings.of(None, None).base_url == DEFAULT_URL
    monkeypatch.setenv("NEURALEARN_URL", "https://prepare.example/")
    monkeypatch.setenv("NEURALEARN_TOKEN", "nl_secret")
    settings = ClientSettings.of(None, None)
    assert (settings.base_url, settings.headers) == ("https://prepare.example", {"authorization": "Bearer nl_secret"})
    assert "nl_secret" not in repr(settings)
    assert ClientSettings.of("http://here", "").headers == {}
