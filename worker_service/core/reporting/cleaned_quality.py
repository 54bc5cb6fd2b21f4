"""The quality of the cleaned table, in the parts and by the measures of the uploaded one."""

import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.columns.cell_faults import find_cell_faults
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome
from worker_service.core.reporting.quality import Quality, grade
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column


def grade_cleaned(profile: Profile, outcome: Outcome) -> Quality:
    """Return the quality of the cleaned table: what of the faults that the profile found is left in it.

    A cell that was filled counts as known, one that was emptied as a gap. Rows that a step removed because they repeat
    others are no fault any more; faults that the cleaning would make are not looked for.
    """
    applied = {
        (result.kind, name) for result in outcome.results if result.state == "applied" for name in result.columns
    }
    is_unique = any(result.kind == "drop_duplicates" and result.state == "applied" for result in outcome.results)
    columns = tuple(
        _describe_cleaned(facts, outcome.cleaned[facts.name], is_rescaled=("rescale", facts.name) in applied)
        for facts in profile.columns
        if facts.name in outcome.cleaned
    )
    duplicates = profile.duplicates.model_copy(update={"count": 0}) if is_unique else profile.duplicates
    update = {"rows": outcome.cleaned.rows, "columns": columns, "duplicates": duplicates}
    return grade(profile.model_copy(update=update))


def _describe_cleaned(facts: ColumnProfile, column: Column, *, is_rescaled: bool) -> ColumnProfile:
    """Return the facts about a column with the faults that are left after the cleaning."""
    hidden = [sentinel.model_copy(update={"count": _count(column, sentinel.value)}) for sentinel in facts.sentinels]
    update = {
        "missing": column.missing + sum(sentinel.count for sentinel in hidden),
        "invalid": 0,
        "sentinels": tuple(sentinel for sentinel in hidden if sentinel.count),
        "spellings": _left_spellings(facts, column) if facts.spellings else (),
        "decimal_shifts": () if is_rescaled else facts.decimal_shifts,
        "faults": find_cell_faults(facts.name, column),
    }
    return facts.model_copy(update=update)


def _count(column: Column, value: float) -> int:
    """Return the number of cells with a number; 0 in a column that holds none."""
    return int(pc.sum(pc.equal(column.array, pa.scalar(value))).as_py() or 0) if column.is_number else 0


def _left_spellings(facts: ColumnProfile, column: Column) -> tuple[object, ...]:
    """Return the unusual spellings that are still in a column, with their counts."""
    if not column.is_text:
        return ()
    levels = column.derive(distinct)
    counts = dict(zip(levels.values.to_pylist(), levels.counts.tolist(), strict=True))
    return tuple(
        spelling.model_copy(update={"count": counts[spelling.before]})
        for spelling in facts.spellings
        if counts.get(spelling.before)
    )
