"""Facts about a sheet of an Excel file that its cells do not show: hidden rows and columns, errors, and formulas.

They are read from the XML of the sheet, in one pass that keeps no more than a block of it. Source: ECMA-376, part 1,
18.3.1. Other formats, and files with other prefixes of names, have none of these facts.
"""

import html
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_BLOCK_BYTES = 1 << 20
_MAX_INDEX_BYTES = 1 << 22
_INDEX = "xl/workbook.xml"
_ATTRIBUTE = re.compile(rb'([\w:]+)="([^"]*)"')
_SHEET = re.compile(rb"<sheet\s[^<>]*>")
_RELATION = re.compile(rb"<Relationship\s[^<>]*>")
_FIRST_COLUMN, _LAST_COLUMN = (re.compile(rb'\b%s="(\d{1,5})"' % name) for name in (b"min", b"max"))
_FACT = re.compile(
    rb'<row\s[^<>]*?\bhidden="(?:1|true)"[^<>]*>|<col\s[^<>]*?\bhidden="(?:1|true)"[^<>]*>'
    rb'|<c\s[^<>]*?\bt="e"[^<>]*>.{0,4096}?<v>([^<]*)</v>|</f>(?:<v></v>|<v\s*/>)?</c>',
    re.DOTALL,
)


@dataclass
class SheetFacts:
    """What the cells of a sheet do not show."""

    hidden_rows: int = 0
    hidden_columns: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """The number of cells with each error, such as `#DIV/0!`."""
    formulas_without_result: int = 0
    """Formulas whose result is not in the file, because no program computed it."""
    unreadable: bool = False
    """True if the XML of the sheet, or a part that leads to it, is damaged or not under its name."""

    def notes(self) -> Iterator[str]:
        """Yield what a person should know of them."""
        if self.unreadable:
            yield "Hidden rows and columns, and cells with errors, could not all be looked up in the workbook."
        if self.hidden_rows:
            rows = "1 row is" if self.hidden_rows == 1 else f"{self.hidden_rows:,} rows are"
            yield f"{rows} hidden in the sheet, and read like the others."
        if self.hidden_columns:
            columns = "1 column is" if self.hidden_columns == 1 else f"{self.hidden_columns:,} columns are"
            yield f"{columns} hidden in the sheet, and read like the others."
        if self.errors:
            listed = ", ".join(f"{code} ({count:,})" for code, count in self.errors.most_common(5))
            yield f"Cells with errors are read as missing: {listed}."
        if self.formulas_without_result:
            count = self.formulas_without_result
            formulas = "1 formula without" if count == 1 else f"{count:,} formulas without"
            yield f"{formulas} a stored result read as missing; save the workbook in Excel to have it computed."


def read_sheet_facts(path: Path, sheet: str, *, columns: int) -> SheetFacts:
    """Return the facts about a sheet of an xlsx or xlsm file; none of other formats.

    Args:
        path: the file.
        sheet: the name of the sheet.
        columns: the number of columns from the first of the sheet to the last with data.
    """
    facts = SheetFacts()
    if not zipfile.is_zipfile(path):
        return facts
    try:
        with zipfile.ZipFile(path) as archive:
            if _INDEX in archive.namelist():
                part = _find_part(archive, sheet)
                if part is not None:
                    _scan(archive, part, facts, columns)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError):
        # The reader of the cells is more lenient, so there may be a table.
        facts.unreadable = True
    return facts


def _find_part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """Return the name of the file of a sheet."""
    relation = next(
        (
            attributes.get("r:id")
            for attributes in _elements(archive, _INDEX, _SHEET)
            if attributes.get("name") == sheet
        ),
        None,
    )
    for attributes in _elements(archive, "xl/_rels/workbook.xml.rels", _RELATION):
        if attributes.get("Id") == relation:
            target = attributes.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
    return None


def _elements(archive: zipfile.ZipFile, name: str, pattern: re.Pattern[bytes]) -> Iterator[dict[str, str]]:
    with archive.open(name) as file:
        text = file.read(_MAX_INDEX_BYTES)
    for element in pattern.findall(text):
        yield {
            key.decode(): html.unescape(value.decode("utf-8", "replace")) for key, value in _ATTRIBUTE.findall(element)
        }


def _scan(archive: zipfile.ZipFile, part: str, facts: SheetFacts, columns: int) -> None:
    with archive.open(part) as file:
        rest = b""
        while block := file.read(_BLOCK_BYTES):
            text = rest + block
            # What the end of the block may cut off is looked at with the next one.
            end = max(text.rfind(b"</c>") + 4, text.rfind(b"<row"))
            end = end if len(block) == _BLOCK_BYTES and end > len(b"</c>") else len(text)
            _count(text[:end], facts, columns)
            rest = text[end:]


def _count(text: bytes, facts: SheetFacts, columns: int) -> None:
    for match in _FACT.finditer(text):
        element = match[0]
        if element.startswith(b"<row"):
            facts.hidden_rows += 1
        elif element.startswith(b"<col"):
            first, last = _FIRST_COLUMN.search(element), _LAST_COLUMN.search(element)
            if first and last:
                facts.hidden_columns += max(0, min(int(last[1]), columns) - int(first[1]) + 1)
        elif match[1] is not None:
            facts.errors[html.unescape(match[1].decode("utf-8", "replace"))[:20]] += 1
        else:
            facts.formulas_without_result += 1
