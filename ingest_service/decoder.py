"""Decoding of files in child processes that can be killed, a few at a time."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ingest_service.decoding import Decoded, Limits, Preview, decode_file, preview_file
from ingest_service.repeated_recipe import RepeatedRecipe
from shared.contracts.run_options import ReadOptions
from shared.errors import LimitExceeded, Unavailable, Unprocessable
from shared.fair_slots import FairSlots
from shared.isolation.children import Children
from shared.isolation.outcomes import ChildDied, DeadlineExceeded, OutOfMemory
from shared.isolation.recycled_children import SMALL_BYTES

T = TypeVar("T")

DECODE_SECONDS = 60.0
WAIT_SECONDS = 10.0
"""Whoever waits longer for a free slot is asked to come again."""
_CONTROL_CHARACTERS = bytes({*range(32), 127} - set(b"\t\n\v\f\r\x1a\x1b"))
"""Without any of them, a file is neither compressed by any means but bzip2, nor of a binary format."""


@dataclass(frozen=True, kw_only=True)
class DecoderLimits:
    """The limits of decoding."""

    table: Limits
    """The largest table accepted."""
    memory_bytes: int
    """Memory limit of each child process, in bytes."""
    concurrency: int
    """Number of files decoded at the same time; the others wait a little."""


class Decoder:
    """The decoder of uploaded files."""

    def __init__(self, *, large: Children, small: Children, limits: DecoderLimits) -> None:
        """Read small text files in the children of `small`, and all others in those of `large`."""
        self._large = large
        self._small = small
        self._limits = limits
        self._slots = FairSlots(limits.concurrency, work="files are being read just now", wait_seconds=WAIT_SECONDS)

    def slot(self, owner: str) -> AbstractAsyncContextManager[None]:
        """Hold the right to decode a file, which owners share fairly.

        Raises:
            Unavailable: too many files are being read.
        """
        return self._slots.hold(owner)

    async def decode(self, path: Path, filename: str, target: Path, options: ReadOptions) -> Decoded:
        """Read the file at `path` as a table and write it to `target` as Arrow IPC; to be called with a slot.

        Raises:
            Unprocessable, LimitExceeded: the file is not a table that the service takes.
            Unavailable: the child was killed, though it exceeded no limit.
        """
        return await self._run(decode_file, path, filename, target, options)

    async def decode_for(
        self, recipe: RepeatedRecipe | None, source: Path, filename: str, options: ReadOptions
    ) -> tuple[Decoded, Path]:
        """Read a file beside which its table is written; to be called with a slot.

        A file that a recipe is repeated on is read as the recipe's own was, unless more of its columns come out when
        it is read by itself: another month may have another delimiter, or two lines more above its header.

        Returns:
            How it was read, and the path of its table.

        Raises:
            Unprocessable, LimitExceeded, Unavailable: as `decode`.
        """
        detected = source.with_name("table.arrow")
        if recipe is None:
            return await self.decode(source, filename, detected, options), detected
        alike = source.with_name("alike") / "table.arrow"
        alike.parent.mkdir()
        try:
            decoded = await self.decode(source, filename, alike, options.or_like(recipe.reading))
        except (Unprocessable, LimitExceeded):  # with a wrong delimiter, a table may have any size
            return await self.decode(source, filename, detected, options), detected
        lacking = recipe.count_missing(decoded.columns)
        if lacking:
            with suppress(Unprocessable, LimitExceeded):
                other = await self.decode(source, filename, detected, options)
                if recipe.count_missing(other.columns) < lacking:
                    return other, detected
        return decoded, alike

    async def preview(self, path: Path, filename: str, target: Path, options: ReadOptions) -> Preview:
        """Read the file as `decode` does, and return what a person wants to see of it; to be called with a slot.

        Raises:
            Unprocessable, LimitExceeded, Unavailable: as `decode`.
        """
        return await self._run(preview_file, path, filename, target, options)

    async def _run(
        self,
        task: Callable[[Path, str, Path, Limits, ReadOptions], T],
        path: Path,
        filename: str,
        target: Path,
        options: ReadOptions,
    ) -> T:
        children = self._small if await asyncio.to_thread(_is_small_text, path) else self._large
        try:
            return await children.run(
                task,
                path,
                filename,
                target,
                self._limits.table,
                options,
                deadline=DECODE_SECONDS,
                memory_bytes=self._limits.memory_bytes,
            )
        except DeadlineExceeded:
            raise Unprocessable(
                f"The file could not be read within {DECODE_SECONDS:.0f} seconds.", reason="DECODING_TIMED_OUT"
            ) from None
        except OutOfMemory:
            raise Unprocessable(
                "The file needs more memory to be read than is allowed.", reason="DECODING_TOO_LARGE"
            ) from None
        except ChildDied as error:
            if error.by_others:
                raise Unavailable(
                    "The process that read the file was killed; please try again.",
                    reason="PROCESS_DIED",
                    retry_after=1,
                ) from None
            raise Unprocessable("The file broke its reader; please check that it is a table.") from None


def _is_small_text(path: Path) -> bool:
    """Return True for a file that no reader of a binary format sees: those are attacked through memory."""
    if path.stat().st_size > SMALL_BYTES:
        return False
    content = path.read_bytes()
    return not content.startswith(b"BZh") and len(content.translate(None, _CONTROL_CHARACTERS)) == len(content)
