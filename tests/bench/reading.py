"""Generated delimited files with one fault each, and the table that a careful person would read from them.

The kinds of faults are those of Pollock (Vitagliano et al., VLDB 2023), and others that spreadsheets and programs make;
files, values and places are drawn anew for each seed.
"""

import csv
import io
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ingest_service.decoding import Limits, decode_file
from shared.errors import ServiceError
from tests.bench.curated import curated_tables

SEEDS = range(10)
_LIMITS = Limits(max_rows=10_000, max_columns=100)
_REFUSED = "refused"
_CURATED_ROWS = 120
_CURATED_FAULTS = (
    "as_it_should_be",
    "no_header",
    "row_names_without_a_header",
    "header_of_two_rows",
    "title_as_wide_as_the_table",
    "narrow_preamble",
    "wide_preamble",
    "short_row",
    "surplus_separator_at_the_end",
    "surplus_separator_inside",
    "missing_separator",
    "row_with_another_separator",
    "stray_quote_at_the_start",
)
Rows = list[list[str]]


@dataclass(frozen=True)
class Source:
    """A true table, and how it is written."""

    names: list[str]
    rows: Rows
    delimiter: str = ","

    def text(self) -> str:
        """Return the file as it should be."""
        return write([self.names, *self.rows], self.delimiter)


@dataclass(frozen=True)
class Case:
    """A file, and what a person reads from it."""

    kind: str
    content: bytes
    names: list[str] | None
    """The columns; None where the file has no names, so that any are right."""
    rows: Rows
    may_reject: frozenset[int] = frozenset()
    """Rows that may be left out, if that is said."""


@dataclass(frozen=True)
class Reading:
    """What was read of a file."""

    names: list[str]
    rows: Rows
    notes: str
    """All notes."""


def write(rows: Sequence[Sequence[str]], delimiter: str = ",", *, quote_all: bool = False) -> str:
    """Return rows as CSV."""
    file = io.StringIO()
    if quote_all:
        csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    else:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return file.getvalue()


def sources(dice: random.Random) -> list[Source]:
    """Return true tables of several kinds."""
    rows = dice.randint(25, 90)
    days = [f"2024-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}" for _ in range(rows)]
    clock = [f"{dice.randint(0, 23):02}:{dice.randint(0, 59):02}:00" for _ in range(rows)]
    towns = ["Oslo", "Porto", "Brno", "Ghent", "Turin", "Malmö", "New York", "La Paz"]
    goods = ["desk lamp", "chair, oak", "shelf", "table, round", "mirror", "rug 2 x 3 m", "hook"]
    people = ["Ann Lee", "Ben Ode", "Cy Young", "Dora Marr", "Eve Moneypenny", "Flo Rida"]
    orders = [
        [
            *(days[i], clock[i], str(dice.randint(1, 40)), f"P{dice.randint(100, 999)}", f"{dice.uniform(1, 99):.2f}"),
            *(dice.choice(goods), f"https://shop.example/{dice.randint(1, 999)}", dice.choice(["", "late", "wrap"])),
        ]
        for i in range(rows)
    ]
    sensor = [
        [f"{days[i]} {clock[i]}", f"{dice.gauss(20, 4):.1f}", f"{dice.gauss(1010, 9):.0f}", dice.choice(["ok", "low"])]
        for i in range(rows)
    ]
    staff = [
        [str(1000 + i), dice.choice(people), f"u{i}@mail.example", dice.choice(towns), dice.choice(["yes", "no"])]
        for i in range(rows)
    ]
    german = [
        [dice.choice(towns), f"{dice.uniform(1, 900):.2f}".replace(".", ","), str(dice.randint(1, 9)), days[i]]
        for i in range(rows)
    ]
    survey = [[dice.choice(["agree", "neutral", "disagree"]) for _ in range(5)] + [str(i + 1)] for i in range(rows)]
    panel = [
        [str(2000 + i % 20), towns[i // 20 % 8], str(dice.randint(10, 999)), f"{i * 1.5:.1f}"] for i in range(rows)
    ]
    return [
        Source(["date", "time", "qty", "product", "price", "description", "url", "comment"], orders),
        Source(["measured_at", "temperature", "pressure", "state"], sensor),
        Source(["id", "name", "email", "city", "member"], staff),
        Source(["Stadt", "Betrag", "Anzahl", "Datum"], german, ";"),
        Source(["clear", "useful", "fair", "fast", "again", "respondent"], survey, dice.choice([",", "\t", "|"])),
        Source(["year", "region", "sales", "index"], panel, dice.choice([",", ";"])),
    ]


Fault = Callable[[Source, random.Random], Case | None]
_FAULTS: dict[str, Fault] = {}


def fault(make: Fault) -> Fault:
    """Register a kind of fault under the name of its function."""
    _FAULTS[make.__name__] = make
    return make


def case(
    source: Source, text: str, *, rows: Rows | None = None, names: list[str] | None = None, **others: object
) -> Case:
    """Return a case whose truth is the source's, where nothing else is given."""
    truth = Case("", text.encode(), names or source.names, source.rows if rows is None else rows)
    return replace(truth, **others)  # type: ignore[arg-type]


def edit_line(source: Source, dice: random.Random, edit: Callable[[str], str]) -> tuple[str, int]:
    """Return the file with one of its rows edited, and the row's index."""
    lines = source.text().splitlines()
    index = dice.randrange(len(source.rows))
    lines[index + 1] = edit(lines[index + 1])
    return "\n".join(lines) + "\n", index


# Rows of another width.


@fault
def short_row(source: Source, dice: random.Random) -> Case | None:
    """The last cells of a row are not there."""
    lost = dice.randint(1, 2) if len(source.names) > 3 else 1
    row = dice.randrange(len(source.rows))
    rows = [list(cells) for cells in source.rows]
    rows[row] = [*rows[row][:-lost], *[""] * lost]
    lines = source.text().splitlines()
    lines[row + 1] = write([rows[row][:-lost]], source.delimiter).rstrip("\n")
    return case(source, "\n".join(lines) + "\n", rows=rows)


@fault
def surplus_separator_at_the_end(source: Source, dice: random.Random) -> Case:
    """A row ends with a separator too many."""
    text, _ = edit_line(source, dice, lambda line: line + source.delimiter)
    return case(source, text)


@fault
def surplus_separators_everywhere(source: Source, dice: random.Random) -> Case:
    """All rows, but not the header, end with a separator."""
    head, *lines = source.text().splitlines()
    return case(source, "\n".join([head, *(line + source.delimiter for line in lines)]) + "\n")


@fault
def surplus_separator_inside(source: Source, dice: random.Random) -> Case:
    """An empty cell too many stands in the middle of a row."""
    row, column = dice.randrange(len(source.rows)), dice.randrange(1, len(source.names))
    written = [list(cells) for cells in source.rows]
    written[row].insert(column, "")
    return case(source, write([source.names, *written], source.delimiter), may_reject=frozenset((row,)))


@fault
def unquoted_separator(source: Source, dice: random.Random) -> Case | None:
    """A separator in a text is not quoted."""
    texts = [column for column, name in enumerate(source.names) if name in ("description", "name", "Stadt", "comment")]
    if not texts:
        return None
    row, column = dice.randrange(len(source.rows)), dice.choice(texts)
    rows = [list(cells) for cells in source.rows]
    rows[row][column] = f"Smith{source.delimiter} John"
    lines = write([source.names, *rows], source.delimiter).splitlines()
    lines[row + 1] = lines[row + 1].replace(f'"Smith{source.delimiter} John"', f"Smith{source.delimiter} John")
    return case(source, "\n".join(lines) + "\n", rows=rows, may_reject=frozenset((row,)))


@fault
def missing_separator(source: Source, dice: random.Random) -> Case:
    """Two cells of a row run together."""
    column = dice.randrange(len(source.names) - 1)
    row = dice.randrange(len(source.rows))
    lines = source.text().splitlines()
    cells = source.rows[row]
    merged = [*cells[:column], cells[column] + cells[column + 1], *cells[column + 2 :]]
    lines[row + 1] = write([merged], source.delimiter).rstrip("\n")
    return case(source, "\n".join(lines) + "\n", may_reject=frozenset((row,)))


@fault
def row_with_another_separator(source: Source, dice: random.Random) -> Case | None:
    """One row is parted by another character than the others."""
    other = dice.choice([mark for mark in (",", ";", "\t", "|", " ") if mark != source.delimiter])
    row = dice.randrange(len(source.rows))
    if any(other in cell or source.delimiter in cell for cell in source.rows[row]) or "" in source.rows[row]:
        return None
    lines = source.text().splitlines()
    lines[row + 1] = other.join(source.rows[row])
    return case(source, "\n".join(lines) + "\n", may_reject=frozenset((row,)))


@fault
def stray_quote_at_the_start(source: Source, dice: random.Random) -> Case:
    """A quote opens a cell and is never closed."""
    row, column = dice.randrange(len(source.rows)), dice.randrange(len(source.names))
    if source.delimiter in "".join(source.rows[row]) or not source.rows[row][column]:
        column = 0
    rows = [list(cells) for cells in source.rows]
    lines = source.text().splitlines()
    cells = [*rows[row]]
    if any(source.delimiter in cell for cell in cells):
        cells = [cell.replace(source.delimiter, "") for cell in cells]
        rows[row] = [*cells]
    cells[column] = '"' + cells[column]
    lines[row + 1] = source.delimiter.join(cells)
    return case(source, "\n".join(lines) + "\n", rows=rows, may_reject=frozenset((row,)))


@fault
def stray_quote_inside(source: Source, dice: random.Random) -> Case | None:
    """A quote stands within an unquoted cell, such as for inches."""
    row, column = dice.randrange(len(source.rows)), dice.randrange(len(source.names))
    rows = [list(cells) for cells in source.rows]
    if any(source.delimiter in cell for cell in rows[row]) or len(rows[row][column]) < 2:
        return None
    rows[row][column] = rows[row][column][:-1] + '"' + rows[row][column][-1:]
    lines = source.text().splitlines()
    lines[row + 1] = source.delimiter.join(rows[row])
    return case(source, "\n".join(lines) + "\n", rows=rows)


# Titles and headers.


@fault
def title_as_wide_as_the_table(source: Source, dice: random.Random) -> Case:
    """A titled sheet that a spreadsheet saved as CSV."""
    blank = source.delimiter * (len(source.names) - 1)
    lines = [dice.choice(["Customer list", "Umsatz 2024", "Report of May"]) + blank]
    lines += [f"as of 3 May{blank}"] * dice.randint(0, 1) + [blank] * dice.randint(0, 2)
    return case(source, "\n".join(lines) + "\n" + source.text())


@fault
def narrow_preamble(source: Source, dice: random.Random) -> Case:
    """Some lines of text above the table."""
    lines = ["Exported by Tool 3.1", "Contact: somebody", ""][: dice.randint(1, 3)]
    return case(source, "\n".join(lines) + "\n" + source.text())


@fault
def wide_preamble(source: Source, dice: random.Random) -> Case:
    """A line above the table has more separators than the table."""
    words = [f"word{number}" for number in range(len(source.names) + dice.randint(1, 3))]
    return case(source, source.delimiter.join(words) + "\n\n" * dice.randint(0, 1) + "\n" + source.text())


@fault
def preamble_of_pairs(source: Source, dice: random.Random) -> Case:
    """Lines of a name and a value stand above the table."""
    pairs = [["Station", "Oslo 4"], ["Height", "94"], ["Owner", "Met"]][: dice.randint(2, 3)]
    return case(source, write(pairs, source.delimiter) + "\n" * dice.randint(0, 1) + source.text())


@fault
def comment_lines(source: Source, dice: random.Random) -> Case:
    """Comments stand above the table."""
    lines = [f"# made by a program{source.delimiter} version 2", "# do not edit", "#"][: dice.randint(1, 3)]
    return case(source, "\n".join(lines) + "\n" + source.text())


@fault
def excel_separator_line(source: Source, dice: random.Random) -> Case:
    """The first line names the separator, for Excel."""
    return case(source, f"sep={source.delimiter}\n{source.text()}")


@fault
def header_of_two_rows(source: Source, dice: random.Random) -> Case | None:
    """A row of groups stands above the names."""
    middle = len(source.names) // 2
    if middle < 2:
        return None
    groups = ["First", *[""] * (middle - 1), "Second", *[""] * (len(source.names) - middle - 1)]
    names = [f"{'First' if position < middle else 'Second'} {name}" for position, name in enumerate(source.names)]
    return case(source, write([groups, source.names, *source.rows], source.delimiter), names=names)


@fault
def row_of_units(source: Source, dice: random.Random) -> Case | None:
    """A row of units stands below the names."""
    if source.names[0] != "measured_at":
        return None
    names = ["measured_at", "temperature °C", "pressure hPa", "state"]
    return case(source, write([source.names, ["", "°C", "hPa", ""], *source.rows]), names=names)


@fault
def no_header(source: Source, dice: random.Random) -> Case:
    """The first row is data."""
    truth = case(source, write(source.rows, source.delimiter))
    return replace(truth, names=None)


@fault
def row_names_without_a_header(source: Source, dice: random.Random) -> Case:
    """Rows have names, and the header has none for them, as R writes it."""
    rows = [[str(number), *cells] for number, cells in enumerate(source.rows, start=1)]
    text = write([source.names], source.delimiter) + write(rows, source.delimiter)
    return replace(case(source, text, rows=rows), names=None)


@fault
def repeated_header(source: Source, dice: random.Random) -> Case:
    """Files were put one behind the other, each with its header."""
    middle = len(source.rows) // 2
    rows = [source.names, *source.rows[:middle], source.names, *source.rows[middle:]]
    return case(source, write(rows, source.delimiter))


@fault
def names_that_are_years(source: Source, dice: random.Random) -> Case:
    """The names of columns are numbers."""
    names = ["region", *[str(year) for year in range(2015, 2023)]]
    rows = [[f"r{row}", *[str(dice.randint(100, 9999)) for _ in names[1:]]] for row in range(len(source.rows))]
    return case(source, write([names, *rows], source.delimiter), names=names, rows=rows)


@fault
def second_table_below(source: Source, dice: random.Random) -> Case:
    """A smaller table of another width stands below the first."""
    other = [["unit", "factor"], ["kg", "1"], ["lb", "0.45"]]
    return case(source, source.text() + "\n" + write(other, source.delimiter))


# Dialects.


@fault
def everything_quoted(source: Source, dice: random.Random) -> Case:
    """All cells are quoted, and texts hold other separators."""
    rows = [[cell + (";x;y" if column == 0 else "") for column, cell in enumerate(cells)] for cells in source.rows]
    return case(source, write([source.names, *rows], ",", quote_all=True), rows=rows)


@fault
def single_quotes(source: Source, dice: random.Random) -> Case:
    """Cells are quoted with apostrophes."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=source.delimiter, quotechar="'", lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([source.names, *source.rows])
    return case(source, file.getvalue())


@fault
def backslash_escapes(source: Source, dice: random.Random) -> Case:
    """Quotes within cells are marked by a backslash."""
    rows = [[f'5" {cell}' if column == 1 else cell for column, cell in enumerate(cells)] for cells in source.rows]
    file = io.StringIO()
    csv.writer(
        file, delimiter=source.delimiter, escapechar="\\", doublequote=False, lineterminator="\n", quoting=csv.QUOTE_ALL
    ).writerows([source.names, *rows])
    return case(source, file.getvalue(), rows=rows)


@fault
def carriage_returns(source: Source, dice: random.Random) -> Case:
    """Rows end with CR alone."""
    return case(source, source.text().replace("\n", "\r"))


@fault
def backslash_escapes_and_carriage_returns(source: Source, dice: random.Random) -> Case:
    """Both at once."""
    made = backslash_escapes(source, dice)
    assert made is not None
    return replace(made, content=made.content.replace(b"\n", b"\r"))


@fault
def comma_and_space(source: Source, dice: random.Random) -> Case:
    """A space follows each separator."""
    lines = [", ".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in [source.names, *source.rows]]
    return case(source, "\n".join(lines) + "\n")


@fault
def runs_of_spaces(source: Source, dice: random.Random) -> Case | None:
    """Columns are aligned by spaces."""
    table = [source.names, *source.rows]
    if any(" " in cell or not cell for row in table for cell in row):
        return None
    widths = [max(len(row[column]) for row in table) + 2 for column in range(len(source.names))]
    lines = ["".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return case(source, "\n".join(lines) + "\n")


@fault
def other_separators(source: Source, dice: random.Random) -> Case:
    """Separators that are rare."""
    return case(source, write([source.names, *source.rows], dice.choice(["^", "~", ":", "\x1f", "\x01"])))


@fault
def nul_bytes(source: Source, dice: random.Random) -> Case:
    """A NUL stands before quotes within cells."""
    rows = [[f'5" {cell}' if column == 1 else cell for column, cell in enumerate(cells)] for cells in source.rows]
    lines = [
        source.delimiter.join('"' + cell.replace('"', '\x00"') + '"' for cell in row) for row in [source.names, *rows]
    ]
    return case(source, "\n".join(lines) + "\n", rows=rows)


@fault
def form_feeds(source: Source, dice: random.Random) -> Case:
    """A form feed stands in a cell."""
    rows = [list(cells) for cells in source.rows]
    rows[3][0] = rows[3][0] + "\x0c"
    return case(source, write([source.names, *rows], source.delimiter), rows=rows)


@fault
def windows_encoding(source: Source, dice: random.Random) -> Case:
    """The file is in the encoding of Windows."""
    return replace(case(source, ""), content=source.text().encode("cp1252"))


@fault
def utf_16(source: Source, dice: random.Random) -> Case:
    """The file is in UTF-16."""
    return replace(case(source, ""), content=source.text().encode("utf-16"))


@fault
def empty_lines(source: Source, dice: random.Random) -> Case:
    """Blank lines stand between rows and at the end."""
    lines = source.text().splitlines()
    lines.insert(len(lines) // 2, "")
    return case(source, "\n".join(lines) + "\n\n\n")


@fault
def one_row(source: Source, dice: random.Random) -> Case:
    """The table has a single row."""
    return case(source, write([source.names, source.rows[0]], source.delimiter), rows=source.rows[:1])


@fault
def as_it_should_be(source: Source, dice: random.Random) -> Case:
    """No fault."""
    return case(source, source.text())


def cases(seed: int) -> Iterator[Case]:
    """Yield each kind of fault in each table that can have it."""
    dice = random.Random(seed)
    for source in sources(dice):
        for name, make in _FAULTS.items():
            made = make(source, dice)
            if made is not None:
                yield replace(made, kind=name)


def read(content: bytes, folder: Path) -> Reading | None:
    """Return what is read of a file; None where it is refused."""
    path, target = folder / "raw", folder / "table.arrow"
    path.write_bytes(content)
    try:
        decoded = decode_file(path, "file.csv", target, _LIMITS)
    except ServiceError:
        return None
    with pa.OSFile(str(target)) as file:
        table = pa.ipc.open_file(file).read_all()
    columns = [["" if cell is None else cell for cell in column.to_pylist()] for column in table.columns]
    return Reading(table.column_names, [list(row) for row in zip(*columns, strict=True)], " ".join(decoded.notes))


def judge(case: Case, reading: Reading | None) -> str:
    """Return `right`, `refused`, or `wrong`; `wrong, told` where a note says that something was left out or mended."""
    if reading is None:
        return _REFUSED
    without = [row for index, row in enumerate(case.rows) if index not in case.may_reject]
    has_names = case.names is None or [name.casefold() for name in reading.names] == [
        name.casefold() for name in case.names
    ]
    has_rows = _tidy(reading.rows) in (_tidy(case.rows), _tidy(without))
    if has_names and has_rows:
        return "right"
    return "wrong, told" if reading.notes else "wrong"


def _tidy(rows: Rows) -> Rows:
    return [[cell.strip() for cell in row] for row in rows]


def curated_sources() -> Iterator[Source]:
    """Yield the curated tables as text, each with a delimiter; those with odd names or cells are left out."""
    for position, table in enumerate(curated_tables()):
        frame = table.read()
        if frame is None:
            continue
        frame = frame.head(_CURATED_ROWS).astype(object)
        names = [str(name) for name in frame.columns]
        rows = [["" if pd.isna(cell) else str(cell) for cell in row] for row in frame.itertuples(index=False)]
        cells = [*names, *(cell for row in rows for cell in row)]
        if all(cell == cell.strip() and cell.isprintable() for cell in cells) and all(map(any, rows)):
            yield Source(names, rows, (",", ";", "\t")[position % 3])


def curated_cases() -> Iterator[Case]:
    """Yield some kinds of faults, and none, in each curated table."""
    for position, source in enumerate(curated_sources()):
        dice = random.Random(position)
        for name in _CURATED_FAULTS:
            made = _FAULTS[name](source, dice)
            if made is not None:
                yield replace(made, kind=name)


def print_reading() -> None:
    """Print for each kind of fault how many files were read right, were refused, or were read wrong."""
    print("generated tables, ten seeds:")
    _print_verdicts(each for seed in SEEDS for each in cases(seed))
    print("curated tables:")
    _print_verdicts(curated_cases())


def _print_verdicts(made: Iterable[Case]) -> None:
    kinds: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="neuralearn-reading-") as folder:
        for each in made:
            kinds.setdefault(each.kind, Counter())[judge(each, read(each.content, Path(folder)))] += 1
    total: Counter[str] = Counter()
    for kind, counts in sorted(kinds.items(), key=lambda item: item[1]["right"] / item[1].total()):
        print(f"  {kind:40} {counts['right']:4} of {counts.total():4} right  {_others(counts)}")
        total += counts
    share = total["right"] / total.total()
    print(f"  {'all':40} {total['right']:4} of {total.total():4} right ({share:.3f})  {_others(total)}")


def _others(counts: Counter[str]) -> str:
    return ", ".join(f"{verdict} {count}" for verdict, count in counts.most_common() if verdict != "right")
