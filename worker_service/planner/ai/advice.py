"""The schema of a language model's answer: a closed vocabulary over columns with ids such as `c1`.

The names, docstrings and field descriptions of the classes are part of the JSON schema that is sent to the model.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ColumnId = Annotated[str, Field(pattern=r"^c[1-9][0-9]{0,3}$", description="The id of a column, such as c1.")]
Reason = Annotated[str, Field(max_length=2000, description="Why, in one sentence with numbers from this table.")]
Level = Annotated[str, Field(max_length=500)]
MAX_ITEMS = 40
"""The length limit of every list; a longer one is taken for a malformed answer."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TypeCorrection(_Strict):
    """A column is something else than was recognised."""

    column: ColumnId
    type: Literal["integer", "decimal", "boolean", "timestamp", "category", "text", "identifier"]
    why: Reason


class MissingCodes(_Strict):
    """Values of a column stand for missing, such as 0 in a blood pressure or 9 in a survey."""

    column: ColumnId
    values: Annotated[list[Level], Field(max_length=MAX_ITEMS)]
    why: Reason


class LevelMerge(_Strict):
    """Some levels of a category mean another one."""

    column: ColumnId
    into: Level
    levels: Annotated[list[Level], Field(max_length=MAX_ITEMS)]
    why: Reason


class Fill(_Strict):
    """How the missing cells of a column are best filled; `by` is the column that groups."""

    column: ColumnId
    method: Literal["mean", "median", "mode", "group", "leave"]
    by: ColumnId | None
    why: Reason


class Bounds(_Strict):
    """No value of a column can lie below or above these."""

    column: ColumnId
    lower: float | None
    upper: float | None
    strategy: Literal["cap", "null", "flag"]
    why: Reason


class DerivedRatio(_Strict):
    """One column divided by another says more than both."""

    numerator: ColumnId
    denominator: ColumnId
    why: Reason


class Ordering(_Strict):
    """The levels of a category have an order, from the least to the most."""

    column: ColumnId
    order: Annotated[list[Level], Field(max_length=MAX_ITEMS)]
    why: Reason


class UnitFactor(_Strict):
    """A unit as it is written, and what its numbers are multiplied by to be in the unit of the others."""

    unit: Annotated[str, Field(max_length=40)]
    factor: float


class UnitConversion(_Strict):
    """A column's numbers are in several units."""

    column: ColumnId
    units: Annotated[list[UnitFactor], Field(max_length=MAX_ITEMS)]
    why: Reason


class TargetGuess(_Strict):
    """The column that a model would predict."""

    column: ColumnId
    why: Reason


class Advice(_Strict):
    """Everything that is proposed for a table; empty lists where nothing is."""

    types: Annotated[list[TypeCorrection], Field(max_length=MAX_ITEMS)]
    missing_codes: Annotated[list[MissingCodes], Field(max_length=MAX_ITEMS)]
    merges: Annotated[list[LevelMerge], Field(max_length=MAX_ITEMS)]
    fills: Annotated[list[Fill], Field(max_length=MAX_ITEMS)]
    bounds: Annotated[list[Bounds], Field(max_length=MAX_ITEMS)]
    ratios: Annotated[list[DerivedRatio], Field(max_length=MAX_ITEMS)]
    orders: Annotated[list[Ordering], Field(max_length=MAX_ITEMS)]
    units: Annotated[list[UnitConversion], Field(max_length=MAX_ITEMS)]
    target: TargetGuess | None


class Narrative(_Strict):
    """The written report in the model's words, each part in plain sentences."""

    reasoning: Annotated[str, Field(max_length=20_000)]
    summary: Annotated[str, Field(max_length=8000)]
    recommendations: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=20)]


class DeepAdvice(Advice):
    """Proposals with full reasoning over the worst columns, and the report."""

    report: Narrative


NO_ADVICE = Advice(
    types=[], missing_codes=[], merges=[], fills=[], bounds=[], ratios=[], orders=[], units=[], target=None
)


def merge_advice(answers: list[Advice]) -> Advice:
    """Return the proposals of several answers in their order, with the target of the first that names one."""
    lists = ("types", "missing_codes", "merges", "fills", "bounds", "ratios", "orders", "units")
    parts = {name: [proposal for advice in answers for proposal in getattr(advice, name)] for name in lists}
    return Advice(**parts, target=next((advice.target for advice in answers if advice.target), None))
