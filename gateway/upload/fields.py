"""The fields of an upload, wherever in the request they stand."""

import json
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway.http.problems import field_errors, invalid_fields, suggestion
from gateway.schemas.fields import words
from shared.contracts.artifacts import MAX_RECIPE_BYTES
from shared.contracts.vocabulary import (
    DEFAULT_FILL,
    DEFAULT_MODE,
    DEFAULT_OUTLIER_METHOD,
    DEFAULT_OUTLIER_STRATEGY,
    DEFAULT_PRIVACY,
    ChosenType,
    ColumnRole,
    ContractMode,
    FillPolicy,
    Mode,
    OutlierMethod,
    OutlierStrategy,
    PrivacyMethod,
)
from shared.errors import FieldError, InvalidInput

FILE_FIELD = "file"
MAX_FIELD_BYTES = 4096
_PRINTABLE = r"^[^\x00-\x1f\x7f-\xa0\xad]*$"


def _printable(value: str) -> str:
    """Return a name after checking what no pattern of JSON Schema can say."""
    if not value.isprintable():
        raise ValueError("must be printable")
    return value


UserId = Annotated[str, Field(max_length=200, pattern=_PRINTABLE), AfterValidator(_printable)]
CollaborationId = Annotated[str, Field(max_length=200, pattern=_PRINTABLE), AfterValidator(_printable)]


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError("must be an http:// or https:// address") from None
    if value and (parts.scheme not in {"http", "https"} or not parts.netloc):
        raise ValueError("must be an http:// or https:// address")
    return value


def _not_a_number(value: object) -> object:
    """Return what may say true or false: a boolean of a JSON body, or the text of a form field."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _as_text(value: object) -> object:
    """Return an object or a list of a JSON body as the text that a form field would have."""
    return json.dumps(value) if isinstance(value, dict | list) else value


def _by_column(value: str) -> str:
    try:
        words_by_column(value)
    except (ValueError, RecursionError):
        raise ValueError('must be like {"first": "word"} or first=word, second=word') from None
    return value


def _names(value: str) -> str:
    try:
        column_names(value)
    except (ValueError, RecursionError):
        raise ValueError('must be like ["first", "second"] or first, second') from None
    return value


WordsByColumn = Annotated[str, BeforeValidator(_as_text), AfterValidator(_by_column)]
ColumnNames = Annotated[str, BeforeValidator(_as_text), AfterValidator(_names)]


class PrepareOptions(BaseModel):
    """The choices that steer a preparation. An empty text means the default.

    The fields carry no examples: the documentation page would fill them in and send them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = Field(
        DEFAULT_MODE,
        description="fast: rules alone; smart: a language model helps where much is missing; deep: a report too.",
    )
    outlier_method: OutlierMethod = Field(
        DEFAULT_OUTLIER_METHOD, description="How outliers are found: interquartile range or Z-score."
    )
    outlier_strategy: OutlierStrategy | None = Field(
        None,
        description="What is done with those far out: move to the fence, remove the row, replace by the median, "
        "empty the cell, or only flag. auto flags in the cleaned table and moves in the engineered one. Without it "
        f"the service decides: {DEFAULT_OUTLIER_STRATEGY}, unless it is configured otherwise.",
    )
    fill: FillPolicy = Field(
        DEFAULT_FILL,
        description="Which missing cells of the cleaned table are filled: safe fills ordinary gaps, none leaves all, "
        "all fills whatever there is a value for. The engineered table has no gaps.",
    )
    target: str = Field(
        "",
        max_length=1000,
        pattern=r"^[^\x00]*$",
        description="The column a model will predict; empty lets the service detect it.",
    )
    types: WordsByColumn = Field(
        "",
        max_length=MAX_FIELD_BYTES,
        description='What columns are, as {"zip": "text"} or zip=text, age=integer; a type is '
        f"{words(ChosenType)}. The other columns are recognised.",
    )
    roles: WordsByColumn = Field(
        "",
        max_length=MAX_FIELD_BYTES,
        description="What columns are for, as types are given. A role is "
        f"{words(ColumnRole)}: a feature is used though it looks like an identifier, sensitive values are never "
        "guessed, group, weight and keep columns are taken over unchanged into the engineered table, which has no "
        "ignore columns; neither table has drop columns.",
    )
    keep: ColumnNames = Field(
        "", max_length=MAX_FIELD_BYTES, description="Columns with the role keep, as a list or with commas between."
    )
    drop: ColumnNames = Field(
        "", max_length=MAX_FIELD_BYTES, description="Columns with the role drop, as a list or with commas between."
    )
    outlier_strategies: WordsByColumn = Field(
        "",
        max_length=MAX_FIELD_BYTES,
        description="The outlier_strategy of single columns, as types are given: price=cap, age=flag.",
    )
    units: WordsByColumn = Field(
        "",
        max_length=MAX_FIELD_BYTES,
        description="The unit of a column's numbers, as types are given: weight=kg. Other units are converted, and "
        "numbers without one are read in it.",
    )
    privacy: PrivacyMethod | None = Field(
        None,
        description="What is done with personal data before anything is computed from it: keep it, mask the cells, put "
        "a hash in place of each value, equal ones for equal values, or drop the columns. A language model is never "
        "shown any. `/raw` and rejected rows stay what was uploaded. Without it the service decides: "
        f"{DEFAULT_PRIVACY}, unless it is configured otherwise.",
    )
    column_privacy: WordsByColumn = Field(
        "",
        max_length=MAX_FIELD_BYTES,
        description="The privacy of single columns, recognised as personal data or not, as types are given: "
        "notes=drop, brand=keep. One to keep is no personal data, and may be shown to a language model.",
    )
    split: str = Field(
        "",
        max_length=1000,
        pattern=_PRINTABLE,
        description="Rows that are held out: a share as 0.2, or 0.2@7 with a seed, those with a value as fold=test, or "
        "from a moment or number on as day>=2026-02-01. Everything is measured on the other rows alone, and these are "
        "prepared by the recipe; the last column of the engineered table, `__split__`, says train or test.",
    )
    review: Annotated[bool, BeforeValidator(_not_a_number)] = Field(
        False,
        description="End as a proposal: every result can be looked at, and the recipe changed, until `POST /apply` "
        "completes it.",
    )
    contract: WordsByColumn = Field(
        "",
        max_length=MAX_FIELD_BYTES,
        description="What happens where another file, that the recipe is repeated on, disagrees in types, levels, "
        "ranges, missing cells or uniqueness, as types are given, * for all columns: price=freeze, *=evolve. A word is "
        f"{words(ContractMode)}: evolve lets the recipe deal with it, with freeze the preparation fails, discard_row "
        "leaves the row out and lists it among the rejects, discard_value empties the cell.",
    )


def max_field_bytes(name: str) -> int:
    """Return how long a field of an upload may be."""
    return MAX_RECIPE_BYTES if name == "recipe" else MAX_FIELD_BYTES


class UploadOptions(PrepareOptions):
    """The choices of the uploader. An empty text means the default."""

    recipe_of: str = Field(
        "",
        max_length=200,
        pattern=_PRINTABLE,
        description="A prepared dataset, by its id: its recipe is repeated on this one, which is read as that one was. "
        "Columns are found by their names. Of the other choices how to prepare only contract may be given.",
    )
    recipe: Annotated[str, BeforeValidator(_as_text)] = Field(
        "",
        max_length=MAX_RECIPE_BYTES,
        description="A stored recipe, by its id, or a recipe as JSON, which is repeated likewise.",
    )

    dataset_url: Annotated[str, AfterValidator(_web_address)] = Field(
        "",
        max_length=2048,
        description="Where to fetch the dataset, instead of a file.",
    )
    user_id: UserId = Field(
        "", description="Who owns the dataset; empty for the caller, who is `anonymous` in open mode."
    )
    collaboration_id: CollaborationId = Field("", description="The group that shares the dataset; empty for none.")
    delimiter: str = Field(
        "",
        max_length=20,
        description="What stands between two cells: one character, or comma, semicolon, tab, pipe or space; "
        "empty lets the service detect it.",
    )
    encoding: str = Field(
        "",
        max_length=40,
        pattern=_PRINTABLE,
        description="The character encoding, such as utf-8 or cp1252; empty lets the service detect it.",
    )
    header_row: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        description="The line of the header, from 1; 0 where the file has none. Without it the service detects it.",
    )
    webhook_url: Annotated[str, AfterValidator(_web_address)] = Field(
        "",
        max_length=2048,
        description="Who is told, by a signed POST, when the preparation has ended.",
    )
    sheet: str = Field(
        "",
        max_length=200,
        pattern=_PRINTABLE,
        description="What is read of a workbook: the name or number of a sheet, a range such as `Sales!B2:F40`, or `*` "
        "for all sheets below each other; of a JSON object the key of a table. Empty for the first sheet with data, or "
        "the largest table.",
    )


def column_roles(options: PrepareOptions) -> dict[str, str]:
    """Return the roles of columns, with those of `keep` and `drop`.

    Raises:
        InvalidInput: a column is named with two roles.
    """
    roles = words_by_column(options.roles)
    for role, text in (("keep", options.keep), ("drop", options.drop)):
        for name in column_names(text):
            if roles.setdefault(name, role) != role:
                raise _refused(role, f"{name[:100]!r} has the role {roles[name]} already", "INVALID_INPUT")
    return roles


def column_names(text: str) -> list[str]:
    """Return the names in `["first", …]` or `first, …`.

    Raises:
        ValueError: it is neither.
    """
    if not text.lstrip().startswith("["):
        return [name.strip() for name in text.split(",") if name.strip()]
    names = json.loads(text)
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError("the names must be words")
    _require_unicode(names)
    return list(names)


def _require_unicode(words: Iterable[str]) -> None:
    """Raise a ValueError for words with a lone surrogate, which JSON can escape and no message can hold."""
    "".join(words).encode()


def words_by_column(text: str) -> dict[str, str]:
    """Return what `{"name": "word", …}` or `name=word, …` says of columns.

    Raises:
        ValueError: it is neither.
    """
    if text.lstrip().startswith("{"):
        types = json.loads(text)
        if not all(isinstance(kind, str) for kind in types.values()):
            raise ValueError("the values must be words")
        _require_unicode([*types, *types.values()])
        return dict(types)
    pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise ValueError("a column or its word is missing")
    return {name.strip(): kind.strip() for name, _, kind in pairs}


class UploadForm:
    """The fields of one upload as they arrive; a form field outranks the query parameter of the same name."""

    def __init__(self, query: UploadOptions) -> None:
        self._query = query
        self._given: dict[str, object] = {}

    def expect(self, name: str) -> None:
        """Refuse a field that does not exist or comes a second time, before its value is read.

        Raises:
            InvalidInput: with reason UNKNOWN_FIELD or REPEATED_FIELD.
        """
        if name not in UploadOptions.model_fields:
            known = [FILE_FIELD, *UploadOptions.model_fields]
            raise _refused(name[:100], f"There is no such field; {suggestion(name, known)}", "UNKNOWN_FIELD")
        if name in self._given:
            raise _refused(name, "The field is given twice", "REPEATED_FIELD")
        self._given[name] = ""

    def put(self, name: str, value: object) -> None:
        """Take the value of an expected field.

        Raises:
            InvalidInput: naming the field and what is allowed.
        """
        if value in ("", None):
            return
        try:
            UploadOptions.model_validate({name: value})
        except ValidationError as error:
            raise invalid_fields(field_errors(error.errors())) from None
        self._given[name] = value

    def put_text(self, name: str, content: bytes) -> None:
        """Take the value of an expected field as the bytes of a form.

        Raises:
            InvalidInput: naming the field and what is allowed.
        """
        try:
            self.put(name, content.decode("utf-8"))
        except UnicodeDecodeError:
            raise _refused(name, "The text is not UTF-8", "INVALID_INPUT") from None

    def options(self) -> UploadOptions:
        """Return what was chosen so far."""
        given = {name: value for name, value in self._given.items() if value != ""}
        return UploadOptions.model_validate({**self._query.model_dump(), **given})

    def refuse_address(self) -> None:
        """Refuse a request that holds a file and an address.

        Raises:
            InvalidInput: with reason FILE_AND_URL.
        """
        if self.options().dataset_url:
            raise _refused("dataset_url", "Give either a file or a dataset_url, not both", "FILE_AND_URL")

    def require_address(self) -> str:
        """Return the address of a request without a file.

        Raises:
            InvalidInput: with reason NO_DATASET.
        """
        address = self.options().dataset_url
        if not address:
            raise _refused(FILE_FIELD, "Give a file or a dataset_url", "NO_DATASET")
        return address


def _refused(field: str, detail: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{field}: {detail}", reason=reason, fields=[FieldError(field, detail)])
