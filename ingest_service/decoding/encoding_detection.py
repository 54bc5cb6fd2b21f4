"""Which encoding a file is in: a byte order mark, then strict UTF-8 over all of it, then a detector, then cp1252.

The detector comes late because it reads some valid UTF-8 as a national code page.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import charset_normalizer

from shared.errors import Unprocessable

_BLOCK = 1 << 20
_SAMPLE = 200_000
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
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
)
_WESTERN = "cp1252"
_RARE = ("mac_", "hp_", "cp4", "cp7", "cp85", "cp86", "iso8859_10", "iso8859_14", "iso8859_16")
_EASTERN = re.compile(r"[^\W\d_][¹³¿][^\W\d_]|õ(?![eo])|Õ(?![eoEO])")
"""Read as Western, the letters of Poles and Hungarians stand where no Western language has them."""
_TURKISH, _ICELANDIC = re.compile("[ðþýÐÞÝ]"), re.compile("[áíóúæÁÍÓÚÆ]")
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 27})


@dataclass(frozen=True)
class Utf8Text:
    """A file's text as UTF-8 without a byte order mark."""

    path: Path
    head: str
    encoding: str
    notes: tuple[str, ...]


def as_utf8(source: Path, chosen: str | None = None) -> Utf8Text:
    """The text of `source`; transcoded into a sibling file where it is not UTF-8 already.

    `chosen` is its encoding, where the uploader said so.

    Raises:
        Unprocessable: the bytes are not text.
    """
    head = _head(source)
    encoding, mark, notes = _recognise(source, head) if chosen is None else _obey(source, head, chosen)
    text = source
    if encoding != "utf-8" or mark:
        text = source.with_name(source.name + ".utf8")
        lost = _transcode(source, text, encoding, skip=mark)
        if lost and not _decodes(source, encoding, skip=mark):
            notes = (*notes, _lost_note(lost, encoding))
    head = _head(text)
    _refuse_binary(text, head)
    return Utf8Text(path=text, head=head[:4096].decode("utf-8", "ignore"), encoding=encoding, notes=notes)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_BLOCK)


def _recognise(source: Path, head: bytes) -> tuple[str, int, tuple[str, ...]]:
    for magic, what in _KNOWN_BINARY:
        if head.startswith(magic):
            raise Unprocessable(f"The file is {what}, not a table.", reason="NOT_A_TEXT_FILE")
    bom, encoding = next((known for known in _BOMS if head.startswith(known[0])), (b"", "utf-8"))
    if encoding != "utf-8" or _decodes(source, "utf-8", skip=len(bom)):
        return encoding, len(bom), ()
    _refuse_binary(source, head)
    encoding, note = _detect(source, head, skip=len(bom))
    return encoding, len(bom), (note,)


def _obey(source: Path, head: bytes, chosen: str) -> tuple[str, int, tuple[str, ...]]:
    encoding = codecs.lookup(chosen).name
    mark = next((len(bom) for bom, marked in _BOMS if head.startswith(bom) and encoding == marked), 0)
    if not _decodes(source, encoding, skip=mark):
        raise Unprocessable(f"The file can't be read as {encoding}; leave the encoding out.", reason="WRONG_ENCODING")
    return encoding, mark, ()


def _detect(source: Path, head: bytes, *, skip: int) -> tuple[str, str]:
    """The encoding that fits best, and the note that says so."""
    encoding = _likeliest(head[skip:_SAMPLE])
    if encoding is not None and _decodes(source, encoding, skip=skip):
        note = f"The file is not UTF-8; it was read as {encoding}, the best fit. Check accented letters."
        return encoding, note
    note = "The file is not UTF-8 and fits no other encoding well; it was read as cp1252. Check accented letters."
    return "cp1252", note


def _likeliest(sample: bytes) -> str | None:
    """What the detector finds first, but no DOS or Mac code page, and the Western one wherever the text allows it.

    Few accented letters fit many code pages equally well, and the detector then names any of them.
    """
    found = list(charset_normalizer.from_bytes(sample))
    western = next((match for match in found if _WESTERN in match.could_be_from_charset), None)
    text = sample.decode(_WESTERN, "ignore")
    if western is not None and _TURKISH.search(text) and not _ICELANDIC.search(text):
        return "cp1254"
    if western is not None and not _EASTERN.search(text):
        return _WESTERN
    usual = [match for match in found if not match.encoding.startswith(_RARE) and match is not western]
    return next((match.encoding for match in usual or found), None)


def _decodes(source: Path, encoding: str, *, skip: int) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        for block in _blocks(source, skip):
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


def _transcode(source: Path, target: Path, encoding: str, *, skip: int) -> int:
    """Write the text as UTF-8; how many characters of it are U+FFFD, which stands for what could not be decoded."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    lost = 0
    with target.open("wb") as file:
        for block in chain(_blocks(source, skip), [b""]):
            text = decoder.decode(block, final=not block)
            lost += text.count("\ufffd")
            file.write(text.encode())
    return lost


def _lost_note(count: int, encoding: str) -> str:
    if count == 1:
        return f"1 character can't be read as {encoding}; “\ufffd” stands in its place."
    return f"{count:,} characters can't be read as {encoding}; “\ufffd” stands in their place."


def _refuse_binary(path: Path, head: bytes) -> None:
    if any(b"\x00" in block for block in _blocks(path)):
        line = _line_of_zero_byte(path)
        raise Unprocessable(
            f"The file is binary, not text: it has a zero byte in line {line}.",
            reason="NOT_A_TEXT_FILE",
            metadata={"line": str(line)},
        )
    if len(head) - len(head.translate(None, _CONTROL)) > len(head) // 50:
        raise Unprocessable("The file is binary, not text.", reason="NOT_A_TEXT_FILE")


def _line_of_zero_byte(path: Path) -> int:
    line = 1
    for block in _blocks(path):
        before, zero, _ = block.partition(b"\x00")
        line += before.count(b"\n")
        if zero:
            break
    return line
