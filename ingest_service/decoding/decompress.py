"""Unpacking a compressed file, with an eye on how large it grows."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any

import pyarrow as pa

from shared.errors import LimitExceeded, Unprocessable

MOST_BYTES = 2 << 30
"""No file grows beyond this."""
MOST_TIMES = 200
"""Nor to more than so many times its size, once it is larger than the next."""
SMALL = 64 << 20
_BLOCK = 1 << 20
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"(\xb5/\xfd", "zstd"))
_SUFFIXES = {".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd"}
_TABLE_SUFFIXES = {
    *(".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson"),
    *(".parquet", ".arrow", ".feather", ".xlsx", ".xls", ".ods"),
}


@dataclass(frozen=True)
class Unpacked:
    """A file as it is inside."""

    path: Path
    filename: str
    compression: str
    """`gzip`, `bzip2`, `xz`, `zstd`, `zip`, or empty where it was not compressed."""
    notes: tuple[str, ...] = ()


def unpack(source: Path, filename: str) -> Unpacked:
    """The file inside a compressed one, written beside it; the same file where it is not compressed.

    Raises:
        Unprocessable: it is damaged, encrypted, compressed twice, or an archive without a table.
        LimitExceeded: it grows beyond all measure.
    """
    compression = recognise(source)
    if not compression:
        return Unpacked(source, filename, "")
    target = source.with_name(source.name + ".unpacked")
    if compression == "zip":
        inner, notes = _unzip(source, target)
    else:
        path = PurePath(filename)
        inner, notes = (path.stem if path.suffix.lower() in _SUFFIXES else filename), ()
        _write(_OPENERS[compression](source), target, source.stat().st_size, compression)
    if recognise(target):
        raise Unprocessable("The file is compressed twice; please unpack it once.", reason="NOT_A_TEXT_FILE")
    return Unpacked(target, inner, compression, notes)


def recognise(path: Path) -> str:
    """How a file is compressed, by its first bytes; empty where it is not. Workbooks are no archives."""
    with path.open("rb") as file:
        head = file.read(8)
    found = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
    if head.startswith(b"BZh") and head[4:] == b"1AY&":
        return "bzip2"
    return "zip" if head.startswith(b"PK\x03\x04") and not is_workbook(path) else found


def is_workbook(path: Path) -> bool:
    """Whether a file that begins like a ZIP archive is a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
    return "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= names


def _unzip(source: Path, target: Path) -> tuple[str, tuple[str, ...]]:
    try:
        with zipfile.ZipFile(source) as archive:
            files = [entry for entry in archive.infolist() if _is_file(entry)]
            tables = [entry for entry in files if PurePath(entry.filename).suffix.lower() in _TABLE_SUFFIXES]
            if not files:
                raise Unprocessable("The ZIP archive holds no file.", reason="EMPTY_FILE")
            chosen = (tables or files)[0]
            if chosen.flag_bits & 1:
                raise Unprocessable("The ZIP archive is encrypted; please unpack it.", reason="ENCRYPTED_FILE")
            _write(archive.open(chosen), target, source.stat().st_size, "zip")
    except zipfile.BadZipFile as error:
        raise _damaged("zip") from error
    except NotImplementedError as error:
        raise Unprocessable(f"The ZIP archive can't be unpacked: {error}.", reason="UNREADABLE_FILE") from error
    name = PurePath(chosen.filename).name
    return name, (f"Read {name!r}, the first of {len(files):,} files in the archive.",) if len(files) > 1 else ()


def _is_file(entry: zipfile.ZipInfo) -> bool:
    hidden = entry.filename.startswith("__MACOSX/") or PurePath(entry.filename).name.startswith(".")
    return not entry.is_dir() and not hidden


def _zstd(source: Path) -> AbstractContextManager[Any]:
    stream: AbstractContextManager[Any] = pa.CompressedInputStream(pa.OSFile(str(source)), "zstd")
    return stream


_OPENERS: dict[str, Callable[[Path], AbstractContextManager[Any]]] = {
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
    "zstd": _zstd,
}


def _write(opened: AbstractContextManager[Any], target: Path, size: int, compression: str) -> None:
    limit = min(MOST_BYTES, max(SMALL, MOST_TIMES * size))
    written = 0
    with opened as stream, target.open("wb") as file:
        for block in _blocks(stream, compression):
            written += len(block)
            if written > limit:
                raise LimitExceeded(
                    f"Unpacked, the {compression} file is larger than the {limit:,} bytes accepted for its size.",
                    metadata={"max_bytes": str(limit)},
                )
            file.write(block)


def _blocks(stream: IO[bytes], compression: str) -> Iterator[bytes]:
    """Only reading is guarded: a full disk is no damage of the file."""
    while True:
        try:
            block = stream.read(_BLOCK)
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            raise _damaged(compression) from error
        if not block:
            return
        yield block


def _damaged(compression: str) -> Unprocessable:
    return Unprocessable(f"The {compression} file is damaged or cut off.", reason="UNREADABLE_FILE")
