"""How tables are written, apart from the writers, which load what no parent needs."""

from dataclasses import dataclass

from shared.contracts.vocabulary import DEFAULT_CHARSET, Charset, TableFormat, TableStyle


@dataclass(frozen=True, kw_only=True)
class TableForm:
    """How a table is written."""

    format: TableFormat
    style: TableStyle = "typed"
    """How the values of CSV are written."""
    charset: Charset = DEFAULT_CHARSET
    """The encoding of CSV."""
    is_safe: bool = False
    """True if CSV holds nothing that spreadsheets take for a formula."""
    has_row_ids: bool = False
    """True if the first column is the row of the uploaded table."""

    def suffix(self) -> str:
        """Return the end of the name of a file in this form."""
        parts: list[str] = [self.style] if self.style != "typed" else []
        parts += ["safe"] if self.is_safe else []
        parts += ["rows"] if self.has_row_ids else []
        parts += [self.charset] if self.charset != DEFAULT_CHARSET else []
        return "".join(f"-{part}" for part in parts) + f".{self.format}"


@dataclass(frozen=True, kw_only=True)
class LoggedStep:
    """A step of the preparation, for people."""

    step: int
    log: str
    """`cleaning`, `outliers` or `features`."""
    what: str
    columns: str
    state: str
    cells_changed: int | None
    why: str
