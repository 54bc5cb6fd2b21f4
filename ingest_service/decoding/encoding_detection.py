"""Detection of the encoding of a file.

The candidates are tried in this order: the encoding of a byte order mark, strict UTF-8 over the whole file, UTF-8 with
a few bytes of another code page in it, the code page that reads the words best, the best match of a general detector,
and cp1252. The detector comes after UTF-8 because it takes some valid UTF-8 for a national code page.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

import charset_normalizer

from ingest_service.decoding.code_pages import likeliest_code_page, rank_code_pages, words_with_high_bytes
from shared.errors import Unprocessable

MIXED_UTF8 = "utf-8 with cp1252"
"""The name for UTF-8 in which single bytes are cp1252; no codec of Python has it."""
_BLOCK_BYTES = 1 << 20
_SAMPLE_BYTES = 200_000
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
_FALLBACK = "cp1252"
_CLEAR_LEAD = 0.3
"""A code page is sure from this lead over the next reading on."""
_MIN_UTF8_SHARE = 0.9
_EXCERPT_WORDS = 3
_MAX_EXCERPT_CHARACTERS = 40
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_UTF8_SEQUENCES = re.compile(rb"(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+")
_CONTROL_BYTES = bytes(set(range(32)) - {0, 1, 9, 10, 12, 13, 27, 31})


@dataclass(frozen=True)
class Utf8Text:
    """The text of a file as UTF-8 without a byte order mark."""

    path: Path
    head: str
    encoding: str
    notes: tuple[str, ...]


def as_utf8(source: Path, chosen: str | None = None, *, likely: str | None = None) -> Utf8Text:
    """Return the text of a file, transcoded to UTF-8 in a sibling file if necessary.

    Args:
        source: The file.
        chosen: The encoding that the uploader named; None to detect it.
        likely: The encoding of a similar file, for one that is not UTF-8.

    Raises:
        Unprocessable: the bytes are not text, or not text in the chosen encoding.
    """
    head = _read_head(source)
    if chosen is None:
        encoding, bom_length, notes = _detect_encoding(source, head, likely)
    else:
        encoding, bom_length, notes = _check_chosen_encoding(source, head, chosen)
    text = source
    if encoding != "utf-8" or bom_length:
        text = source.with_name(source.name + ".utf8")
        replaced = _transcode(source, text, encoding, skip=bom_length)
        if replaced and not _can_decode(source, encoding, skip=bom_length):
            notes = (*notes, _replacement_note(replaced, encoding))
    head = _read_head(text)
    _refuse_binary(text, head)
    return Utf8Text(path=text, head=head[:4096].decode("utf-8", "ignore"), encoding=encoding, notes=notes)


def rank_encodings(source: Path) -> list[tuple[str, float]]:
    """Return the code pages that a file may be in, each with how well its words read in it; the best is first."""
    return rank_code_pages(words_with_high_bytes(_read_non_ascii_lines(source, 0)))


def open_text(source: Path, encoding: str) -> TextIO:
    """Open a file in an encoding that `as_utf8` found; what can't be decoded is replaced."""
    if encoding == MIXED_UTF8:
        return source.open(encoding="utf-8", errors="cp1252", newline="")
    return source.open(encoding=encoding, errors="replace", newline="")


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_BLOCK_BYTES)


def _detect_encoding(source: Path, head: bytes, likely: str | None) -> tuple[str, int, tuple[str, ...]]:
    for magic, kind in _KNOWN_BINARY:
        if head.startswith(magic):
            raise Unprocessable(f"The file is {kind}, not a table.", reason="NOT_A_TEXT_FILE")
    bom, encoding = next((entry for entry in _BOMS if head.startswith(entry[0])), (b"", "utf-8"))
    if encoding != "utf-8" or _can_decode(source, "utf-8", skip=len(bom)):
        return encoding, len(bom), ()
    _refuse_binary(source, head)
    if likely not in (None, "utf-8", MIXED_UTF8) and _can_decode(source, likely, skip=len(bom)):
        note = f"The file is not UTF-8; it was read as {likely}, like that of the recipe."
        return likely, len(bom), (note,)
    encoding, note = _choose_best_fit(source, skip=len(bom))
    return encoding, len(bom), (note,)


def _check_chosen_encoding(source: Path, head: bytes, chosen: str) -> tuple[str, int, tuple[str, ...]]:
    encoding = codecs.lookup(chosen).name
    bom_length = next((len(bom) for bom, bom_encoding in _BOMS if head.startswith(bom) and encoding == bom_encoding), 0)
    if not _can_decode(source, encoding, skip=bom_length):
        raise Unprocessable(f"The file can't be read as {encoding}; leave the encoding out.", reason="WRONG_ENCODING")
    return encoding, bom_length, ()


def _choose_best_fit(source: Path, *, skip: int) -> tuple[str, str]:
    """Return the encoding that fits best, and a note about it with some of the words."""
    lines = _read_non_ascii_lines(source, skip)
    words = words_with_high_bytes(lines)
    if _is_damaged_utf8(lines):
        damaged = [word for word in words if not _is_utf8(word)]
        excerpt = _excerpt(damaged, "utf-8", errors="cp1252")
        return MIXED_UTF8, f"The file is UTF-8 with some bytes that are not; these were read as cp1252: {excerpt}."
    chosen = likeliest_code_page(words)
    if chosen is not None:
        encoding, lead = chosen
        doubt = "" if lead >= _CLEAR_LEAD else " Other code pages fit nearly as well."
        return encoding, f"The file is not UTF-8; it was read as {encoding}: {_excerpt(words, encoding)}.{doubt}"
    match = charset_normalizer.from_bytes(lines).best()
    is_single_byte = match is not None and len(str(match)) == len(lines)
    encoding = (
        match.encoding if match and is_single_byte and _can_decode(source, match.encoding, skip=skip) else _FALLBACK
    )
    excerpt = _excerpt(words, encoding)
    return encoding, f"The file is not UTF-8 and fits no code page well; it was read as {encoding}: {excerpt}."


def _read_non_ascii_lines(source: Path, skip: int) -> bytes:
    """Return the first lines that have a byte above 127."""
    sample: list[bytes] = []
    size = 0
    with source.open("rb") as file:
        file.seek(skip)
        while size < _SAMPLE_BYTES and (line := file.readline(_SAMPLE_BYTES)):
            if not line.isascii():
                sample.append(line)
                size += len(line)
    return b"".join(sample)


def _is_damaged_utf8(lines: bytes) -> bool:
    """Return True if nearly all bytes above 127 belong to valid UTF-8 sequences."""
    high = sum(map(len, _HIGH_RUN.findall(lines)))
    valid = sum(map(len, _UTF8_SEQUENCES.findall(lines)))
    return valid >= _MIN_UTF8_SHARE * high


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return False
    return True


def _excerpt(words: Sequence[bytes], encoding: str, errors: str = "replace") -> str:
    """Return a few of the words as they are read, in quotes."""
    texts = [word.decode(encoding, errors)[:_MAX_EXCERPT_CHARACTERS] for word in words[:_EXCERPT_WORDS]]
    return ", ".join(f"“{text}”" for text in texts)


def _decode_as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Replace the bytes that are not UTF-8 by what they are in cp1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("cp1252", _decode_as_cp1252)


def _open_decoder(encoding: str, errors: str) -> codecs.IncrementalDecoder:
    if encoding == MIXED_UTF8:
        return codecs.getincrementaldecoder("utf-8")("cp1252")
    return codecs.getincrementaldecoder(encoding)(errors)


def _can_decode(source: Path, encoding: str, *, skip: int) -> bool:
    decoder = _open_decoder(encoding, "strict")
    try:
        for block in _read_blocks(source, skip):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _read_blocks(source: Path, skip: int = 0) -> Iterator[bytes]:
    with source.open("rb") as file:
        file.seek(skip)
        while block := file.read(_BLOCK_BYTES):
            yield block


def _transcode(source: Path, target: Path, encoding: str, *, skip: int) -> int:
    """Write the text as UTF-8 and return its number of U+FFFD characters.

    This character replaces bytes that can't be decoded.
    """
    decoder = _open_decoder(encoding, "replace")
    replaced = 0
    with target.open("wb") as file:
        for block in chain(_read_blocks(source, skip), [b""]):
            text = decoder.decode(block, final=not block)
            replaced += text.count("\ufffd")
            file.write(text.encode("utf-8", "replace"))
    return replaced


def _replacement_note(count: int, encoding: str) -> str:
    if count == 1:
        return f"1 character can't be read as {encoding}; “\ufffd” stands in its place."
    return f"{count:,} characters can't be read as {encoding}; “\ufffd” stands in their place."


def _refuse_binary(path: Path, head: bytes) -> None:
    if _has_zero_bytes(path):
        line = _find_zero_byte_line(path)
        raise Unprocessable(
            f"The file is binary, not text: it has a zero byte in line {line}.",
            reason="NOT_A_TEXT_FILE",
            metadata={"line": str(line)},
        )
    if len(head) - len(head.translate(None, _CONTROL_BYTES)) > len(head) // 50:
        raise Unprocessable("The file is binary, not text.", reason="NOT_A_TEXT_FILE")


def _has_zero_bytes(path: Path) -> bool:
    """Return True if there are zero bytes; some programs put one before a quote within a cell, which is no such."""
    last = b""
    for block in _read_blocks(path):
        if not last and b"\x00" not in block:
            continue
        text = last + block
        if text[:-1].count(b"\x00") > text.count(b'\x00"'):
            return True
        last = text[-1:] if text.endswith(b"\x00") else b""
    return bool(last)


def _find_zero_byte_line(path: Path) -> int:
    line = 1
    for block in _read_blocks(path):
        zero = re.search(rb'\x00(?!")', block)
        line += block.count(b"\n", 0, zero.start() if zero else None)
        if zero:
            break
    return line
