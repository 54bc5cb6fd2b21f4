"""The rule that tells an ordinary gap, which may be filled, from one that must stay a gap in the cleaned table."""

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.columns.name_hints import is_sensitive_name
from worker_service.core.humanize import number, percent, quoted
from worker_service.core.parsing.missing import NONE_WORDS
from worker_service.core.profile import Profile
from worker_service.core.relations.structural_gaps import StructuralGap
from worker_service.core.relations.survey_answers import is_answer

MAX_ORDINARY_SHARE = 0.2
"""If a larger share of a column is missing, its gaps are filled on request only."""
_UNFILLABLE = {
    "identifier": "an identifier can't be guessed",
    "text": "free text can't be guessed",
    "timestamp": "a date can't be guessed",
    "constant": "where a column has only one value, what is missing may be its opposite",
    "empty": "there is no value to go by",
}


def why_unfillable(column: ColumnProfile) -> str | None:
    """Return why no value can be inferred for the gaps of a column, whatever was asked for; None if one can."""
    if column.amounts is not None:
        return "an amount in an unknown unit can't be guessed"
    return _UNFILLABLE.get(column.type)


def why_not_ordinary(column: ColumnProfile, profile: Profile) -> str | None:
    """Return why the gaps of a column are no ordinary ones, as a clause; None if they are."""
    if column.missing > MAX_ORDINARY_SHARE * profile.rows:
        share = percent(column.missing / profile.rows)
        return f"{share} of its cells are missing, and above {percent(MAX_ORDINARY_SHARE)} a fill has to be asked for"
    if is_sensitive_name(column.name):
        return "it is an attribute of persons, which must not be guessed"
    if is_answer(column) or any(column.name in battery for battery in profile.batteries):
        return "it holds answers, and no answer is not an answer"
    none_words = [word for word in _missing_words(column) if word.strip().lower() in NONE_WORDS]
    if none_words:
        return f"some cells say {quoted(none_words[0])}, which may mean none of it"
    gap = next((gap for gap in profile.structural_gaps if gap.column == column.name), None)
    if gap is not None:
        return _explain_structure(gap)
    if column.type in ("integer", "decimal") and not column.is_quantity:
        return "its numbers are codes, ratings, years or coordinates, which have no mean"
    return None


def _missing_words(column: ColumnProfile) -> tuple[str, ...]:
    return () if column.read_as is None else column.read_as.missing


def _explain_structure(gap: StructuralGap) -> str:
    other = quoted(gap.by or "")
    match gap.pattern:
        case "level":
            return f"it is missing where {other} is {quoted(gap.level or '')}, so there was nothing to enter"
        case "together":
            return f"it is missing where {other} is, so there was nothing to enter"
        case "blocks":
            return "it is missing in whole runs of rows, so there was nothing to enter"
    if gap.bound is None:
        return f"it is missing {'before' if gap.pattern == 'below' else 'after'} a moment of {other}"
    relation = "at most" if gap.pattern == "below" else "more than"
    return f"it is missing where {other} is {relation} {number(gap.bound)}"
