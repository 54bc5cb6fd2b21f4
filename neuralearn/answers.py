"""What is made of answers: values, or errors whose message is a sentence."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from neuralearn.errors import ConnectionFailed, PreparationFailed, TimedOut, api_error
from neuralearn.models import Dataset

POLL_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.5)
"""The pauses between looks at a preparation; the last one repeats."""


def read_answer(answer: httpx.Response) -> Any:
    """Return the JSON of an answer; None if it has none.

    Raises:
        ApiError: the service refused the request.
    """
    check_success(answer)
    return answer.json() if answer.content else None


def check_success(answer: httpx.Response) -> None:
    """Make sure that an answer, whose body has been read if it is an error, is one of success.

    Raises:
        ApiError: it is not.
    """
    if answer.is_success:
        return
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    raise api_error(answer.status_code, problem, answer.headers)


@contextmanager
def connection_failed(base_url: str) -> Iterator[None]:
    """Turn the failure of a connection into an error that names the address.

    Raises:
        ConnectionFailed: the service could not be reached, or the connection broke.
    """
    try:
        yield
    except httpx.TimeoutException as error:
        raise ConnectionFailed(f"{base_url} did not answer in time.") from error
    except httpx.TransportError as error:
        reason = re.sub(r"^\[[^]]*\] ?", "", str(error)) or type(error).__name__
        raise ConnectionFailed(f"{base_url} can't be reached: {reason.rstrip('.')}.") from error


def check_result(dataset: Dataset) -> Dataset:
    """Return a dataset whose preparation has ended.

    Raises:
        PreparationFailed: it ended without a result.
    """
    if dataset.status in ("completed", "proposed"):
        return dataset
    failure = dataset.error
    reason = failure.reason if failure else "CANCELLED"
    detail = failure.detail if failure else "The preparation was called off."
    raise PreparationFailed(detail, dataset_id=dataset.dataset_id, reason=reason)


def still_preparing(dataset: Dataset) -> TimedOut:
    """Return the error for a preparation that is not waited for any longer."""
    return TimedOut(f"Dataset {dataset.dataset_id} is still being prepared: {dataset.progress_info}")


@contextmanager
def complete_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be written, which appears in its place when the block ends without an error.

    A link is followed, and what is no plain file (a pipe, a device) is written to as it is.

    Raises:
        FileNotFoundError: its folder does not exist.
        IsADirectoryError: it is a folder.
    """
    path = path.resolve()
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    # Beside its place, so that it can be moved at once.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def content_length(answer: httpx.Response) -> int | None:
    """Return how many bytes an answer has; None if it does not say."""
    length = answer.headers.get("content-length", "")
    return int(length) if length.isdigit() else None
