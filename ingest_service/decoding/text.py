"""Which encoding a file is in: a byte order mark, then strict UTF-8 over all of it, then a detector, then cp1252.

The detector comes late because it reads some valid UTF-8 as a national code page.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import charset_normalizer

from shared.errors import Unprocessable

_BLOCK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_KNOWN_BINARY = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x7fELF", "a program"),
)
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 27})


@dataclass(frozen=True)
class Utf8Text:
    """A file's text as UTF-8 without a byte order mark."""

    path: Path
    head: str
    encoding: str
    notes: tuple[str, ...]


def as_utf8(source: Path) -> Utf8Text:
    """The text of `source`; transcoded into a sibling file where it is not UTF-8 already.

    Raises:
        Unprocessable: the bytes are not text.
    """
    head = _head(source)
    encoding, mark, notes = _recognise(source, head)
    if encoding != "utf-8" or mark:
        path = source.with_name(source.name + ".utf8")
        _transcode(source, path, encoding, skip=mark)
        text = path
    else:
        text = source
    _refuse_binary(_head(text))
    return Utf8Text(path=text, head=_head(text)[:4096].decode("utf-8", "ignore"), encoding=encoding, notes=notes)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_BLOCK)


def _recognise(source: Path, head: bytes) -> tuple[str, int, tuple[str, ...]]:
    for magic, what in _KNOWN_BINARY:
        if head.startswith(magic):
            raise Unprocessable(f"The file is {what}, not CSV or JSON.", reason="NOT_A_TEXT_FILE")
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding, len(bom), ()
    if _is_utf8(source):
        return "utf-8", 0, ()
    _refuse_binary(head)
    best = charset_normalizer.from_bytes(head[:200_000]).best()
    if best is not None and _decodes(source, best.encoding):
        note = f"The file is not UTF-8; it was read as {best.encoding}, the best fit. Check accented letters."
        return best.encoding, 0, (note,)
    note = "The file is not UTF-8 and fits no other encoding well; it was read as cp1252. Check accented letters."
    return "cp1252", 0, (note,)


def _is_utf8(source: Path) -> bool:
    return _decodes(source, "utf-8")


def _decodes(source: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        for block in _blocks(source):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _blocks(source: Path, skip: int = 0) -> Iterator[bytes]:
    with source.open("rb") as file:
        file.seek(skip)
        while block := file.read(_BLOCK):
            yield block


def _transcode(source: Path, target: Path, encoding: str, *, skip: int) -> None:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    with target.open("wb") as file:
        for block in _blocks(source, skip):
            file.write(decoder.decode(block).encode())
        file.write(decoder.decode(b"", final=True).encode())


def _refuse_binary(head: bytes) -> None:
    if b"\x00" in head:
        line = head[: head.index(b"\x00")].count(b"\n") + 1
        raise Unprocessable(
            f"The file is binary, not text: it has a zero byte in line {line}.",
            reason="NOT_A_TEXT_FILE",
            metadata={"line": str(line)},
        )
    if len(head) - len(head.translate(None, _CONTROL)) > len(head) // 50:
        raise Unprocessable("The file is binary, not text.", reason="NOT_A_TEXT_FILE")
