"""Detection of the encoding of a file.

The candidates are tried in this order: the encoding of a byte order mark, strict UTF-8 over the whole file, the best
match of a detector, and cp1252. The detector comes after UTF-8 because it takes some valid UTF-8 for a national code
page.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import charset_normalizer

from shared.errors import Unprocessable

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
_WESTERN = "cp1252"
_RARE_PREFIXES = ("mac_", "hp_", "cp4", "cp7", "cp85", "cp86", "iso8859_10", "iso8859_14", "iso8859_16")
_EASTERN_LETTERS = re.compile(r"[^\W\d_][¹³¿][^\W\d_]|õ(?![eo])|Õ(?![eoEO])")
"""Polish and Hungarian letters decoded as cp1252, in positions where no Western language has these characters."""
_TURKISH_LETTERS, _ICELANDIC_LETTERS = re.compile("[ðþýÐÞÝ]"), re.compile("[áíóúæÁÍÓÚÆ]")
_CONTROL_BYTES = bytes(set(range(32)) - {9, 10, 12, 13, 27})


@dataclass(frozen=True)
class Utf8Text:
    """The text of a file as UTF-8 without a byte order mark."""

    path: Path
    head: str
    encoding: str
    notes: tuple[str, ...]


def as_utf8(source: Path, chosen: str | None = None) -> Utf8Text:
    """Return the text of a file, transcoded to UTF-8 in a sibling file if necessary.

    Args:
        source: The file.
        chosen: The encoding that the uploader named; None to detect it.

    Raises:
        Unprocessable: the bytes are not text, or not text in the chosen encoding.
    """
    head = _read_head(source)
    if chosen is None:
        encoding, bom_length, notes = _detect_encoding(source, head)
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


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_BLOCK_BYTES)


def _detect_encoding(source: Path, head: bytes) -> tuple[str, int, tuple[str, ...]]:
    for magic, kind in _KNOWN_BINARY:
        if head.startswith(magic):
            raise Unprocessable(f"The file is {kind}, not a table.", reason="NOT_A_TEXT_FILE")
    bom, encoding = next((entry for entry in _BOMS if head.startswith(entry[0])), (b"", "utf-8"))
    if encoding != "utf-8" or _can_decode(source, "utf-8", skip=len(bom)):
        return encoding, len(bom), ()
    _refuse_binary(source, head)
    encoding, note = _choose_best_fit(source, head, skip=len(bom))
    return encoding, len(bom), (note,)


def _check_chosen_encoding(source: Path, head: bytes, chosen: str) -> tuple[str, int, tuple[str, ...]]:
    encoding = codecs.lookup(chosen).name
    bom_length = next((len(bom) for bom, bom_encoding in _BOMS if head.startswith(bom) and encoding == bom_encoding), 0)
    if not _can_decode(source, encoding, skip=bom_length):
        raise Unprocessable(f"The file can't be read as {encoding}; leave the encoding out.", reason="WRONG_ENCODING")
    return encoding, bom_length, ()


def _choose_best_fit(source: Path, head: bytes, *, skip: int) -> tuple[str, str]:
    """Return the encoding that fits best, and a note about it."""
    encoding = _likeliest_encoding(head[skip:_SAMPLE_BYTES])
    if encoding is not None and _can_decode(source, encoding, skip=skip):
        note = f"The file is not UTF-8; it was read as {encoding}, the best fit. Check accented letters."
        return encoding, note
    note = "The file is not UTF-8 and fits no other encoding well; it was read as cp1252. Check accented letters."
    return "cp1252", note


def _likeliest_encoding(sample: bytes) -> str | None:
    """Return the likeliest encoding of a sample, or None.

    cp1252 is preferred wherever the text allows it, and other encodings are preferred to rare DOS and Mac code pages. A
    few accented letters fit many code pages equally well, and the detector then names any of them.
    """
    matches = list(charset_normalizer.from_bytes(sample))
    western = next((match for match in matches if _WESTERN in match.could_be_from_charset), None)
    text = sample.decode(_WESTERN, "ignore")
    if western is not None and _TURKISH_LETTERS.search(text) and not _ICELANDIC_LETTERS.search(text):
        return "cp1254"
    if western is not None and not _EASTERN_LETTERS.search(text):
        return _WESTERN
    common = [match for match in matches if not match.encoding.startswith(_RARE_PREFIXES) and match is not western]
    return next((match.encoding for match in common or matches), None)


def _can_decode(source: Path, encoding: str, *, skip: int) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
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
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    replaced = 0
    with target.open("wb") as file:
        for block in chain(_read_blocks(source, skip), [b""]):
            text = decoder.decode(block, final=not block)
            replaced += text.count("\ufffd")
            file.write(text.encode())
    return replaced


def _replacement_note(count: int, encoding: str) -> str:
    if count == 1:
        return f"1 character can't be read as {encoding}; “\ufffd” stands in its place."
    return f"{count:,} characters can't be read as {encoding}; “\ufffd” stands in their place."


def _refuse_binary(path: Path, head: bytes) -> None:
    if any(b"\x00" in block for block in _read_blocks(path)):
        line = _find_zero_byte_line(path)
        raise Unprocessable(
            f"The file is binary, not text: it has a zero byte in line {line}.",
            reason="NOT_A_TEXT_FILE",
            metadata={"line": str(line)},
        )
    if len(head) - len(head.translate(None, _CONTROL_BYTES)) > len(head) // 50:
        raise Unprocessable("The file is binary, not text.", reason="NOT_A_TEXT_FILE")


def _find_zero_byte_line(path: Path) -> int:
    line = 1
    for block in _read_blocks(path):
        before, zero, _ = block.partition(b"\x00")
        line += before.count(b"\n")
        if zero:
            break
    return line
