"""A query that grows step by step: columns as expressions over a common table expression, which follow one another."""

import sys
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from sqlglot import exp

from shared.contracts.vocabulary import SqlDialect
from worker_service.core.parsing.spec import ISO

Kind = Literal["text", "integer", "decimal", "boolean", "timestamp", "zoned"]
_LONGEST_NAME = 63
SOURCE = "uploaded"
"""The table that the query reads."""
_TYPES = {"text": "TEXT", "integer": "BIGINT", "decimal": "DOUBLE", "boolean": "BOOLEAN", "timestamp": "TIMESTAMP"}


class Untranslatable(Exception):
    """A step can't be written in SQL; the message says why."""


class _Cell(NamedTuple):
    expression: exp.Expr
    kind: Kind
    is_plain: bool
    """True if it is a column of the table before, and nothing else."""


class Query:
    """The query while steps are added."""

    def __init__(self, dialect: SqlDialect, columns: Iterable[tuple[str, Kind]]) -> None:
        """Begin with the columns of the table that is read.

        Raises:
            Untranslatable: the database can't tell two of them apart.
        """
        self.dialect = dialect
        self._cells: dict[str, _Cell] = {}
        for name, kind in columns:
            self._require_own_name(name)
            self._cells[name] = _Cell(identifier(name), kind, is_plain=True)
        self._before = SOURCE
        self._layers: list[tuple[str, exp.Select]] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The columns by now."""
        return tuple(self._cells)

    def has_layer(self, name: str) -> bool:
        """Return True if there is a table of this name."""
        return any(name == layer for layer, _ in self._layers)

    def kind(self, name: str) -> Kind:
        """Return what a column holds.

        Raises:
            Untranslatable: there is no such column.
        """
        if name not in self._cells:
            raise Untranslatable(f"it needs {name}, which a step that is left out makes")
        return self._cells[name].kind

    def column(self, name: str) -> exp.Expr:
        """Return a column for use in an expression; what changed it before becomes a table of its own."""
        self.kind(name)
        if not self._cells[name].is_plain:
            self.end_layer()
        return identifier(name)

    def put(self, name: str, expression: exp.Expr, kind: Kind) -> None:
        """Change a column, or add one behind the others.

        Raises:
            Untranslatable: the database can't tell its name from another one.
        """
        if name not in self._cells:
            self._require_own_name(name)
        self._cells[name] = _Cell(expression, kind, is_plain=False)

    def _require_own_name(self, name: str) -> None:
        if self.dialect == "duckdb" and name.casefold() in {other.casefold() for other in self._cells}:
            raise Untranslatable(f"DuckDB can't tell {name} from a column that differs in letter case alone")
        if self.dialect == "postgres" and len(name.encode()) > _LONGEST_NAME:
            raise Untranslatable(f"PostgreSQL cuts names after {_LONGEST_NAME} bytes, as that of {name[:40]}…")

    def drop(self, name: str) -> None:
        """Leave a column out."""
        self._cells.pop(name, None)

    def where(self, condition: exp.Expr) -> None:
        """Keep the rows for which a condition over the columns holds."""
        self.end_layer()
        filtered = exp.select("*").from_(table(self._before)).where(condition)
        self._before = f"step_{len(self._layers) + 1}"
        self._layers.append((self._before, filtered))

    def end_layer(self, name: str | None = None, columns: Sequence[str] | None = None) -> None:
        """Make a table of the columns as they are, all or some of them."""
        chosen = self.names if columns is None else columns
        cells = [exp.alias_(self._cells[each].expression, exp.to_identifier(each, quoted=True)) for each in chosen]
        named = name or f"step_{len(self._layers) + 1}"
        self._layers.append((named, exp.select(*cells, copy=False).from_(table(self._before), copy=False)))
        if columns is None:
            self._before = named
            self._cells = {
                each: _Cell(identifier(each), cell.kind, is_plain=True) for each, cell in self._cells.items()
            }

    def sql(self, result: str) -> str:
        """Return the text of the query."""
        query = exp.select("*").from_(table(result))
        for name, select in self._layers:
            query = query.with_(table(name), as_=select, copy=False)
        return query.sql(dialect=self.dialect, pretty=True)


def identifier(name: str) -> exp.Column:
    """Return a column by its exact name."""
    return exp.Column(this=exp.to_identifier(name, quoted=True))


def table(name: str) -> exp.Table:
    """Return a table by its exact name."""
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def text(value: str) -> exp.Expr:
    """Return a text."""
    return exp.Literal.string(value)


def number(value: float) -> exp.Expr:
    """Return a number."""
    literal = exp.Literal.number(repr(abs(value)))
    return exp.Neg(this=literal) if value < 0 else literal


def value_of(written: str, kind: Kind) -> exp.Expr:
    """Return a value of a kind by its canonical text.

    Raises:
        ValueError: the text is no such value.
    """
    if kind == "text":
        return text(written)
    if kind in ("integer", "decimal"):
        return number(int(written) if kind == "integer" else float(written))
    if kind == "boolean" and written in ("true", "false"):
        return exp.Boolean(this=written == "true")
    if kind == "timestamp":
        return cast(text(written), "timestamp")
    raise ValueError(written)


def cast(expression: exp.Expr, kind: Kind) -> exp.Expr:
    """Return an expression in the type of a kind."""
    return exp.Cast(this=expression, to=exp.DataType.build(_TYPES[kind]))


def read_as(expression: exp.Expr, kind: Kind) -> exp.Expr:
    """Return a text as a kind; missing where it can't be, if the database has a way to try."""
    return exp.TryCast(this=expression, to=exp.DataType.build(_TYPES[kind]))


def call(function: str, *arguments: exp.Expr) -> exp.Expr:
    """Return a call of a function that all dialects have under one name."""
    return exp.Anonymous(this=function, expressions=list(arguments))


def case(branches: Iterable[tuple[exp.Expr, exp.Expr]], otherwise: exp.Expr) -> exp.Expr:
    """Return the value of the first condition that holds; the other one alone where there are no conditions."""
    # Built at once, as every change of a built one copies it.
    ifs = [exp.If(this=condition, true=value) for condition, value in branches]
    return exp.Case(ifs=ifs, default=otherwise) if ifs else otherwise


def any_of(expression: exp.Expr, values: Sequence[exp.Expr]) -> exp.Expr:
    """Return true where an expression has one of the values; false where there are none."""
    return exp.In(this=expression, expressions=list(values)) if values else exp.false()


def matches(expression: exp.Expr, pattern: str) -> exp.Expr:
    """Return true where a text matches a pattern somewhere."""
    return exp.RegexpLike(this=expression, expression=text(pattern))


def replace_pattern(expression: exp.Expr, pattern: str, by: str) -> exp.Expr:
    """Return a text with all matches of a pattern replaced."""
    return call("REGEXP_REPLACE", expression, text(pattern), text(by), text("g"))


def trimmed(expression: exp.Expr) -> exp.Expr:
    """Return a text without the white space around it."""
    space = "[\\s\x0b\x1c-\x1f\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
    return replace_pattern(expression, f"^{space}|{space}$", "")


def is_finite(expression: exp.Expr) -> exp.Expr:
    """Return true where a number is neither infinite nor not a number."""
    return exp.Between(this=expression, low=number(-sys.float_info.max), high=number(sys.float_info.max))


def is_null(expression: exp.Expr) -> exp.Expr:
    """Return true where a value is missing."""
    return exp.Is(this=expression, expression=exp.null())


def parenthesised(expression: exp.Expr) -> exp.Expr:
    """Return an expression that can stand within others."""
    return exp.paren(expression)


def moment(expression: exp.Expr, form: str, dialect: SqlDialect) -> exp.Expr:
    """Return a text as a moment in a format of strptime.

    Raises:
        Untranslatable: the format has a zone or names of months.
    """
    if form == ISO:
        shaped = matches(expression, rf"^{_YEAR}-\d\d-\d\d([T ]{_HOUR}:\d\d(:\d\d(\.\d{{1,9}})?)?)?$")
        return case([(shaped, read_as(expression, "timestamp"))], exp.null())
    if "%b" in form or form.startswith(ISO):
        raise Untranslatable(f"moments written as {form} are read differently by each database")
    pattern, written = form.replace(".", r"\."), form
    for directive, (digits, name) in _DIRECTIVES.items():
        pattern, written = pattern.replace(directive, digits), written.replace(directive, name)
    if dialect == "duckdb":
        read = call("TRY_STRPTIME", expression, text(form))
    else:
        read = cast(call("TO_TIMESTAMP", expression, text(written)), "timestamp")
    return case([(matches(expression, f"^{pattern}$"), read)], exp.null())


_HOUR = r"([01]\d|2[0-3])"
_YEAR = r"([1-9]\d{3}|0[1-9]\d\d|00[1-9]\d|000[1-9])"
_DIRECTIVES = {
    "%d": (r"\d{1,2}", "DD"),
    "%m": (r"\d{1,2}", "MM"),
    "%Y": (_YEAR, "YYYY"),
    "%y": (r"\d{2}", "YY"),
    "%H": (r"([01]?\d|2[0-3])", "HH24"),
    "%M": (r"\d{1,2}", "MI"),
    "%S": (r"\d{1,2}", "SS"),
}
