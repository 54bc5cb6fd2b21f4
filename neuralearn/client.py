"""The client for programs that do one thing after another; `async_client` has the same for asyncio."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar, Unpack, cast

import httpx

from neuralearn import requests
from neuralearn.answers import (
    POLL_SECONDS,
    check_result,
    check_success,
    complete_file,
    connection_failed,
    content_length,
    read_answer,
    still_preparing,
)
from neuralearn.event_stream import EventStream
from neuralearn.models import (
    Compared,
    Dataset,
    Event,
    Format,
    Log,
    PrepareOptions,
    Queues,
    RecipeChange,
    RowsTable,
    Table,
    TableForm,
    Undo,
    UploadOptions,
    Worker,
)
from neuralearn.requests import Json, Page, Request
from neuralearn.retries import pause_before
from neuralearn.settings import ClientSettings
from neuralearn.upload_source import OnProgress, Source, is_address, open_source

T = TypeVar("T")


class Client:
    """A connection to the service; a context manager that closes it.

    Every method raises `ApiError` where the service refuses a request, and `ConnectionFailed` where it can't be
    reached. What does no harm when repeated is tried again for some seconds before.
    """

    def __init__(self, base_url: str | None = None, *, token: str | None = None, timeout: float = 60.0) -> None:
        """Create a client; nothing is connected before the first call.

        Args:
            base_url: where the gateway is; NEURALEARN_URL, or this machine, if None.
            token: a token or an API key; NEURALEARN_TOKEN if None.
            timeout: the longest silence of the service, in seconds.
        """
        settings = ClientSettings.of(base_url, token)
        self.base_url = settings.base_url
        self._http = httpx.Client(base_url=settings.base_url, headers=settings.headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def upload(
        self,
        source: Source,
        *,
        filename: str = "",
        idempotency_key: str = "",
        on_progress: OnProgress | None = None,
        **options: Unpack[UploadOptions],
    ) -> str:
        """Upload a table and return the id of its dataset; the preparation is queued.

        Args:
            source: a path, a binary file, or an address that the service fetches.
            filename: the name that the service shows; that of the file if empty.
            idempotency_key: makes repeats by the caller harmless; a new one for each call if empty.
            on_progress: called with the bytes that were sent and their total.
            **options: the choices of the uploader.
        """
        key = idempotency_key or uuid.uuid4().hex
        if is_address(source):
            return self._send(requests.import_dataset(str(source), options, key))
        with open_source(source, filename, on_progress) as (name, file):

            def post() -> httpx.Response:
                return self._http.post(
                    "/dataset/upload",
                    files={"file": (name, cast(BinaryIO, file))},
                    data=requests.form_fields(options),
                    headers={"idempotency-key": key},
                )

            return requests.read_dataset_id(read_answer(self._repeat(post, file.rewind)))

    def preview(self, source: Source, *, filename: str = "", **options: Unpack[UploadOptions]) -> Json:
        """Return how a table would be read: its first rows, what the columns are, and what else came into question.

        Nothing is stored.

        Args:
            source: a path, a binary file, or an address that the service fetches.
            filename: the name of the file; that of the source if empty.
            **options: the choices of the uploader.
        """
        if is_address(source):
            return self._send(requests.preview_import(str(source), options))
        with open_source(source, filename, None) as (name, file):

            def post() -> httpx.Response:
                files = {"file": (name, cast(BinaryIO, file))}
                return self._http.post("/dataset/preview", files=files, data=requests.form_fields(options))

            return dict(read_answer(self._repeat(post, file.rewind)))

    def prepare(
        self, source: Source, *, timeout: float | None = None, filename: str = "", **options: Unpack[UploadOptions]
    ) -> Dataset:
        """Upload a table, wait until it is prepared, and return the dataset.

        Raises:
            PreparationFailed: it ended without a result.
            TimedOut: it did not end in time; it goes on.
        """
        return self.wait(self.upload(source, filename=filename, **options), timeout=timeout)

    def prepare_again(self, dataset_id: str, **options: Unpack[PrepareOptions]) -> Dataset:
        """Prepare a stored table again with other options; wait for it with `wait`."""
        return self._send(requests.prepare_again(dataset_id, options))

    def wait(self, dataset_id: str, *, timeout: float | None = None) -> Dataset:
        """Wait until a preparation has ended, and return the dataset.

        Args:
            dataset_id: the dataset.
            timeout: the longest wait in seconds; None for no limit.

        Raises:
            PreparationFailed: it ended without a result.
            TimedOut: it did not end in time; it goes on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pauses = chain(POLL_SECONDS, repeat(POLL_SECONDS[-1]))
        dataset = self.status(dataset_id)
        while not dataset.has_ended:
            if deadline is not None and time.monotonic() >= deadline:
                raise still_preparing(dataset)
            time.sleep(next(pauses))
            dataset = self.status(dataset_id)
        return check_result(dataset)

    def status(self, dataset_id: str) -> Dataset:
        """Return a dataset and where its preparation stands."""
        return self._send(requests.status(dataset_id))

    def watch(self, dataset_id: str) -> Iterator[Event]:
        """Yield every change of status, stage and percentage, from the first to the last.

        A connection that breaks is made again, and goes on behind the last event.
        """
        stream = EventStream()
        while not stream.is_removed:
            is_silent = True
            for event in self._events(dataset_id, stream):
                is_silent = False
                yield event
                # A dataset that is prepared again has the events of the preparation before, too.
                if event.has_ended and self.status(dataset_id).has_ended:
                    return
            if is_silent and self.status(dataset_id).has_ended:
                return

    def datasets(self, *, user_id: str = "", collaboration_id: str = "") -> Iterator[Dataset]:
        """Yield the datasets of an owner or a group, or all that the caller may see, newest first."""
        return self._pages(
            lambda token: requests.datasets(user_id=user_id, collaboration_id=collaboration_id, page_token=token)
        )

    def cancel(self, dataset_id: str) -> Dataset:
        """Call a preparation off."""
        return self._send(requests.change(dataset_id, "cancel"))

    def retry(self, dataset_id: str) -> Dataset:
        """Try a preparation that failed once more."""
        return self._send(requests.change(dataset_id, "retry"))

    def apply(self, dataset_id: str) -> Dataset:
        """Complete a preparation that is proposed."""
        return self._send(requests.change(dataset_id, "apply"))

    def delete(self, dataset_id: str) -> None:
        """Remove a dataset with everything that was made of it."""
        self._send(requests.delete(dataset_id))

    def document(self, dataset_id: str, name: str, *, version: int = 0) -> Json:
        """Return a document of a dataset: `profile`, `recipe`, `drift`, `features` or `report`; 0 for the newest."""
        return self._send(requests.document(dataset_id, name, {"version": version} if version else None))

    def undo(self, dataset_id: str, **undone: Unpack[Undo]) -> Dataset:
        """Undo steps, or all of columns or rules, or everything: a new version, which `wait` waits for."""
        return self._send(requests.undo(dataset_id, undone))

    def change_recipe(self, dataset_id: str, **change: Unpack[RecipeChange]) -> Dataset:
        """Switch steps off or on, set parameters, or add steps; with an `etag` only if it is still the recipe's."""
        return self._send(requests.change_recipe(dataset_id, change))

    def dry_run(self, dataset_id: str, **change: Unpack[RecipeChange]) -> Json:
        """Return what each step of a recipe would do, changed as `change_recipe` does; nothing is stored."""
        return self._send(requests.dry_run(dataset_id, change))

    def versions(self, dataset_id: str) -> Iterator[Json]:
        """Yield the versions of the results of a dataset, newest first."""
        return self._pages(lambda token: requests.versions(dataset_id, page_token=token))

    def create_recipe(
        self, name: str, *, dataset_id: str = "", recipe: Mapping[str, Any] | None = None, user_id: str = ""
    ) -> Json:
        """Store a recipe under a name, that of a prepared dataset or one that is given; return what is known of it."""
        return self._send(requests.create_recipe(name, dataset_id, recipe, user_id))

    def recipes(self, *, name: str = "", user_id: str = "") -> Iterator[Json]:
        """Yield the stored recipes of a user, newest first."""
        return self._pages(lambda token: requests.recipes(name=name, user_id=user_id, page_token=token))

    def stored_recipe(self, recipe_id: str) -> Json:
        """Return a stored recipe; `recipe` in it is the recipe."""
        return self._send(requests.stored_recipe(recipe_id))

    def delete_recipe(self, recipe_id: str) -> None:
        """Remove a stored recipe; datasets that were prepared by it stay as they are."""
        self._send(requests.delete_recipe(recipe_id))

    def diff(self, dataset_id: str, before: int, after: int = 0, **compared: Unpack[Compared]) -> Iterator[Json]:
        """Yield the cells in which two versions of the cleaned table differ; 0 for the newest."""
        return self._pages(lambda token: requests.differences(dataset_id, before, after, compared, page_token=token))

    def log(self, dataset_id: str, name: Log, *, version: int = 0) -> Iterator[Json]:
        """Yield the steps of a log in the order of the recipe, each with its reason."""
        return self._pages(lambda token: requests.log(dataset_id, name, version=version, page_token=token))

    def rows(
        self,
        dataset_id: str,
        table: RowsTable = "cleaned",
        *,
        offset: int = 0,
        limit: int = 100,
        **selection: Sequence[str],
    ) -> Json:
        """Return rows of a table as values, with the names and types of the columns and the number of all that match.

        Args:
            dataset_id: the dataset.
            table: `cleaned`, `engineered`, or `raw`, the uploaded file as it was read.
            offset: how many matching rows to skip.
            limit: most rows, up to 1,000; fewer come where they are very long.
            selection: `columns` to return, columns to `sort` by (`-` in front for the largest first), and conditions to
                `filter` by, as `price:ge:10`; lists of texts.
        """
        return self._send(requests.rows(dataset_id, table, offset, limit, selection))

    def graphs(self, dataset_id: str, *, version: int = 0) -> Iterator[Json]:
        """Yield the charts of a dataset; `download` takes `graph/` and their `graph_id`."""
        return self._pages(lambda token: requests.graphs(dataset_id, version=version, page_token=token))

    def read(self, dataset_id: str, name: Table | str, *, file_format: str = "", **form: Unpack[TableForm]) -> bytes:
        """Return a table (or `raw`, or a chart such as `graph/histogram-1`) as bytes."""
        with self._download(dataset_id, name, file_format, form) as answer:
            return answer.read()

    def download(
        self,
        dataset_id: str,
        name: Table | str,
        to: str | Path,
        *,
        file_format: Format | str = "",
        on_progress: OnProgress | None = None,
        **form: Unpack[TableForm],
    ) -> Path:
        """Write a table (or `raw`, or a chart) to a file, which appears once it is complete.

        Args:
            dataset_id: the dataset.
            name: `cleaned`, `engineered`, `changes`, `raw`, a chart such as `graph/histogram-1`,
                `graphs.zip` or `report.html`.
            to: the path of the file.
            file_format: `csv`, `parquet`, `xlsx`, `arrow` or `jsonl`, CSV if empty; of a chart `png`, `svg` or `json`,
                PNG if empty.
            on_progress: called with the bytes that were received and their total.
            **form: how it is written: `style` of the cleaned table and `charset` as CSV, and `row_id`.
        """
        target = Path(to)
        with self._download(dataset_id, name, file_format, form) as answer, complete_file(target) as file:
            for data in answer.iter_bytes():
                file.write(data)
                if on_progress is not None:
                    on_progress(file.tell(), content_length(answer))
        return target

    def queues(self) -> Queues:
        """Return how much work waits in each queue; for operators."""
        return self._send(requests.queues())

    def workers(self) -> list[Worker]:
        """Return the workers that gave a sign of life lately; for operators."""
        return self._send(requests.workers())

    def health(self) -> Json:
        """Return the health of everything behind the gateway, whether it is well or not."""
        with connection_failed(self.base_url):
            answer = self._http.get("/health")
        return dict(answer.json()) if answer.status_code == 503 else dict(read_answer(answer))

    def _send(self, request: Request[T]) -> T:
        def send() -> httpx.Response:
            return self._http.request(
                request.method, request.path, params=request.params, json=request.json, headers=request.headers
            )

        result = request.read(read_answer(self._repeat(send, lambda: request.is_repeatable)))
        if isinstance(result, Dataset):
            object.__setattr__(result, "_read_report", partial(self._read_report, result.dataset_id))
        return result

    def _read_report(self, dataset_id: str) -> str:
        """Return the report for a notebook; how it gets there is no part of the value of a dataset."""
        with self._download(dataset_id, "report.html", "", {}) as answer:
            return answer.read().decode()

    def _repeat(self, send: Callable[[], httpx.Response], can_repeat: Callable[[], bool]) -> httpx.Response:
        """Send until there is an answer that another attempt would not change."""
        attempt = 0
        while True:
            attempt += 1
            answer, error = None, None
            try:
                answer = send()
            except httpx.TransportError as failure:
                error = failure
            pause = pause_before(attempt, answer)
            if pause is None or not can_repeat():
                if error is not None:
                    with connection_failed(self.base_url):
                        raise error
                assert answer is not None
                return answer
            time.sleep(pause)

    def _pages(self, request: Callable[[str], Request[Page[T]]]) -> Iterator[T]:
        token = ""
        while True:
            page = self._send(request(token))
            yield from page.items
            token = page.next_page_token
            if not token:
                return

    @contextmanager
    def _download(self, dataset_id: str, name: str, file_format: str, form: TableForm) -> Iterator[httpx.Response]:
        path, params = requests.dataset_path(dataset_id, name), requests.table_params(name, file_format, form)
        with connection_failed(self.base_url), self._http.stream("GET", path, params=params) as answer:
            if answer.is_error:
                answer.read()
            check_success(answer)
            yield answer

    def _events(self, dataset_id: str, stream: EventStream) -> Iterator[Event]:
        """Yield events until the answer or the connection ends."""
        path = requests.dataset_path(dataset_id, "events")
        try:
            with self._http.stream("GET", path, headers=stream.headers) as answer:
                if answer.is_error:
                    answer.read()
                check_success(answer)
                for line in answer.iter_lines():
                    event = stream.feed(line)
                    if event is not None:
                        yield event
        except httpx.TransportError:
            time.sleep(1)
