"""Decompression of a file, with limits on its size."""

import bz2
import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any

import pyarrow as pa

from shared.errors import LimitExceeded, Unprocessable

MAX_BYTES = 2 << 30
"""Largest decompressed file accepted."""
MAX_RATIO = 200
"""Largest ratio of decompressed to compressed size accepted above `RATIO_FREE_BYTES`."""
RATIO_FREE_BYTES = 64 << 20
"""Decompressed size that is accepted whatever the ratio is."""
_BLOCK_BYTES = 1 << 20
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"(\xb5/\xfd", "zstd"))
_SUFFIXES = {".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd"}
_TABLE_SUFFIXES = {
    *(".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson"),
    *(".parquet", ".arrow", ".feather", ".xlsx", ".xls", ".ods"),
}


@dataclass(frozen=True)
class DecompressedFile:
    """A file without its compression."""

    path: Path
    filename: str
    compression: str
    """`gzip`, `bzip2`, `xz`, `zstd` or `zip`; empty if the file was not compressed."""
    notes: tuple[str, ...] = ()


def decompress(source: Path, filename: str) -> DecompressedFile:
    """Decompress a file into one beside it; return the same file if it is not compressed.

    Raises:
        Unprocessable: the file is damaged, encrypted or compressed twice, or the archive is empty.
        LimitExceeded: the decompressed file is too large.
    """
    compression = detect_compression(source)
    if not compression:
        return DecompressedFile(source, filename, "")
    target = source.with_name(source.name + ".unpacked")
    if compression == "zip":
        inner, notes = _unzip(source, target)
    else:
        path = PurePath(filename)
        inner, notes = (path.stem if path.suffix.lower() in _SUFFIXES else filename), ()
        _write_limited(_OPENERS[compression](source), target, source.stat().st_size, compression)
    if detect_compression(target):
        raise Unprocessable("The file is compressed twice; please unpack it once.", reason="NOT_A_TEXT_FILE")
    return DecompressedFile(target, inner, compression, notes)


def detect_compression(path: Path) -> str:
    """Return the compression of a file by its first bytes; empty for none.

    A workbook is a ZIP archive too, but counts as not compressed.
    """
    with path.open("rb") as file:
        head = file.read(8)
    compression = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
    if head.startswith(b"BZh") and head[4:] == b"1AY&":
        return "bzip2"
    return "zip" if head.startswith(b"PK\x03\x04") and not is_workbook(path) else compression


def is_workbook(path: Path) -> bool:
    """Return True if a file that begins like a ZIP archive is a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return False
    return "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= names


def _unzip(source: Path, target: Path) -> tuple[str, tuple[str, ...]]:
    try:
        with zipfile.ZipFile(source) as archive:
            files = [entry for entry in archive.infolist() if _is_visible_file(entry)]
            tables = [entry for entry in files if PurePath(entry.filename).suffix.lower() in _TABLE_SUFFIXES]
            if not files:
                raise Unprocessable("The ZIP archive holds no file.", reason="EMPTY_FILE")
            chosen = (tables or files)[0]
            if chosen.flag_bits & 1:
                raise Unprocessable("The ZIP archive is encrypted; please unpack it.", reason="ENCRYPTED_FILE")
            _write_limited(_open_entry(archive, chosen), target, source.stat().st_size, "zip")
    except (zipfile.BadZipFile, UnicodeDecodeError, struct.error) as error:
        raise _damaged_error("zip") from error
    except NotImplementedError as error:
        raise Unprocessable(f"The ZIP archive can't be unpacked: {error}.", reason="UNREADABLE_FILE") from error
    name = PurePath(chosen.filename).name
    return name, (f"Read {name!r}, the first of {len(files):,} files in the archive.",) if len(files) > 1 else ()


def _open_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(entry)
    except NotImplementedError:  # A method of compression that is not known here, and no damage.
        raise
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise _damaged_error("zip") from error


def _is_visible_file(entry: zipfile.ZipInfo) -> bool:
    hidden = entry.filename.startswith("__MACOSX/") or PurePath(entry.filename).name.startswith(".")
    return not entry.is_dir() and not hidden


def _open_zstd(source: Path) -> AbstractContextManager[Any]:
    stream: AbstractContextManager[Any] = pa.CompressedInputStream(pa.OSFile(str(source)), "zstd")
    return stream


_OPENERS: dict[str, Callable[[Path], AbstractContextManager[Any]]] = {
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
    "zstd": _open_zstd,
}


def _write_limited(opened: AbstractContextManager[Any], target: Path, size: int, compression: str) -> None:
    limit = min(MAX_BYTES, max(RATIO_FREE_BYTES, MAX_RATIO * size))
    written = 0
    with opened as stream, target.open("wb") as file:
        for block in _read_blocks(stream, compression):
            written += len(block)
            if written > limit:
                raise LimitExceeded(
                    f"Unpacked, the {compression} file is larger than the {limit:,} bytes accepted for its size.",
                    metadata={"max_bytes": str(limit)},
                )
            file.write(block)


def _read_blocks(stream: IO[bytes], compression: str) -> Iterator[bytes]:
    """Yield the blocks of a stream.

    Only errors of reading mean a damaged file; an error of writing may mean a full disk.

    Raises:
        Unprocessable: the compressed data is damaged or cut off.
    """
    while True:
        try:
            block = stream.read(_BLOCK_BYTES)
        except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise _damaged_error(compression) from error
        if not block:
            return
        yield block


def _damaged_error(compression: str) -> Unprocessable:
    return Unprocessable(f"The {compression} file is damaged or cut off.", reason="UNREADABLE_FILE")
