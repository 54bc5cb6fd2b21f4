"""The prompt for a language model: schema, aggregates and a few rows of a table, with private details masked."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.profile import Profile
from worker_service.core.reporting.alerts import find_alerts
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Frame
from worker_service.planner.ai.question import Question

SAMPLE_ROWS = 10
MAX_COLUMNS = 60
MAX_TEXT_LENGTH = 60
SMART_MIN_MISSING, SMART_CALLS = 0.2, 3
DEEP_MIN_MISSING, DEEP_COLUMNS = 0.1, 3

_E_MAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_DIGIT_RUN = re.compile(r"\+?\d(?:[ ().\-/]{0,2}\d){6,}")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,9})?")


@dataclass(frozen=True)
class Ids:
    """The ids of columns in a prompt."""

    names: dict[str, str]
    """Id → name of the column."""

    @classmethod
    def of(cls, profile: Profile) -> "Ids":
        """Return the ids of a table: `c1` for its first column, and so on."""
        return cls({f"c{column.position}": column.name for column in profile.columns})


def compose_questions(profile: Profile, frame: Frame, mode: Literal["smart", "deep"]) -> tuple[Question, ...]:
    """Return the questions about a table.

    Smart mode has a question for each of the three columns with the most missing cells, if those are above 20 %. Deep
    mode has one question about the three worst columns above 10 %, which also asks for the report.
    """
    if mode == "smart":
        worst = _most_incomplete(profile, SMART_MIN_MISSING)[:SMART_CALLS]
        return tuple(_question(profile, frame, mode, [column]) for column in worst)
    return (_question(profile, frame, mode, _most_incomplete(profile, DEEP_MIN_MISSING)[:DEEP_COLUMNS]),)


def _most_incomplete(profile: Profile, min_missing: float) -> list[ColumnProfile]:
    """Return the columns that miss more than this share of their cells, the most incomplete first."""
    threshold, target = min_missing * profile.rows, profile.target.column
    columns = [
        column
        for column in profile.columns
        if column.missing > threshold and column.type != "empty" and column.name != target
    ]
    return sorted(columns, key=lambda column: -column.missing)


def _question(
    profile: Profile, frame: Frame, mode: Literal["smart", "deep"], asked: Sequence[ColumnProfile]
) -> Question:
    others = [column for column in profile.columns if column not in asked]
    shown = sorted([*asked, *others][:MAX_COLUMNS], key=lambda column: column.position)
    task = (
        "Give your full reasoning on the columns asked about, propose what helps, and write the report."
        if mode == "deep"
        else "Propose what helps with the columns asked about, and whatever else you are sure of."
    )
    document = {
        "task": task,
        "asked_about": [_id(column) for column in asked],
        "rows": profile.rows,
        "columns_in_all": len(profile.columns),
        "target": _target(profile),
        "columns": [_column(column, profile) for column in shown],
        "alerts": [mask(alert.why, limit=300) for alert in find_alerts(profile)[:20]] if mode == "deep" else [],
        "first_rows": _rows(frame, shown),
    }
    prompt = json.dumps(document, ensure_ascii=False, allow_nan=False)
    return Question(mode=mode, columns=tuple(column.name for column in asked), prompt=prompt)


def _id(column: ColumnProfile) -> str:
    return f"c{column.position}"


def _target(profile: Profile) -> str | None:
    return None if profile.target.column is None else _id(profile.by_name()[profile.target.column])


def _column(column: ColumnProfile, profile: Profile) -> dict[str, Any]:
    description: dict[str, Any] = {
        "id": _id(column),
        "name": mask(column.name),
        "type": column.type,
        "missing": column.missing,
        "different_values": column.distinct,
    }
    if column.semantic_type is not None or column.type in ("identifier", "text") or column.personal_data is not None:
        return description
    if column.numbers is not None:
        summary = column.numbers.model_dump(include={"minimum", "q1", "median", "q3", "maximum", "mean", "zero_share"})
        description["numbers"] = {name: float(f"{value:.6g}") for name, value in summary.items() if value is not None}
    if column.apart:
        description["stand_apart"] = [[code.value, code.count] for code in column.apart]
    if column.ambiguity is not None:
        description["ambiguity"] = mask(column.ambiguity, limit=300)
    description["most_frequent"] = [[mask(level.value), level.count] for level in column.top_values[:12]]
    return description


def _rows(frame: Frame, shown: Sequence[ColumnProfile]) -> list[list[str | None]]:
    columns = [_cells(frame, column) for column in shown]
    return [list(row) for row in zip(*columns, strict=True)]


def _cells(frame: Frame, column: ColumnProfile) -> list[str | None]:
    """Return the first cells of a column; of one about persons, only which are missing."""
    cells = render(frame[column.name].array.slice(0, SAMPLE_ROWS)).to_pylist()
    return [None if cell is None else "<personal>" if column.personal_data else mask(cell) for cell in cells]


def mask(text: str, limit: int = MAX_TEXT_LENGTH) -> str:
    """Return text without e-mail addresses and long runs of digits, cut to `limit` characters.

    Telephone and card numbers are such runs; dates and short numbers are kept.
    """
    line = " ".join(text.split())
    if not (_DATE.fullmatch(line) or (_NUMBER.fullmatch(line) and len(line.split(".")[0].lstrip("-")) < 7)):
        line = _DIGIT_RUN.sub("<digits>", _E_MAIL.sub("<e-mail>", line))
    return line if len(line) <= limit else line[: limit - 1] + "…"
