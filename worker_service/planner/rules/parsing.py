"""Rules for parsing columns and for duplicate rows."""

from collections.abc import Iterator

from shared.contracts.column_names import match_name, similar_name
from shared.contracts.run_options import RunOptions
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, examples, plural_verb, quoted
from worker_service.core.parsing.spec import NumberFormat
from worker_service.core.recipe.steps import AnyStep, DropDuplicates, Flag, ReadColumn
from worker_service.planner.context import PlanContext
from worker_service.planner.rules.measured_confidence import MEASURED


def propose_parsing(context: PlanContext) -> list[AnyStep]:
    """Propose a step for each column that has to be parsed, with flags for doubtful cells.

    The target is only parsed if that loses nothing, or if its type was asked for.
    """
    names = [column.name for column in context.profile.columns]
    unknown = [name for name in context.options.types if match_name(name, names) is None]
    steps: list[AnyStep] = [_flag_unknown(name, similar_name(name, names)) for name in unknown]
    for column in context.profile.columns:
        if column.name == context.target.column and not may_read_target(column, context.options):
            steps.append(_flag(column, _explain_unparsed(column), rule="target"))
        else:
            steps += _parse(column)
    return steps


def _flag_unknown(name: str, similar: str | None) -> Flag:
    hint = "" if similar is None else f" Did you mean {quoted(similar)}?"
    why = f"A type was asked for {quoted(name)}, but there is no such column.{hint}"
    return Flag(kind="flag", phase="cleaning", column=None, why=why, confidence=1.0, rule="unknown_column")


def may_read_target(column: ColumnProfile, options: RunOptions) -> bool:
    """Return True if the target may be parsed: if all cells are numbers, in one unit, or moments, or on request."""
    if column.read_as is None or column.name in options.types:
        return True
    has_factors = isinstance(column.read_as, NumberFormat) and bool(column.read_as.factors)
    return column.read_as.kind in ("integer", "decimal", "timestamp") and not has_factors and not column.invalid


def _explain_unparsed(column: ColumnProfile) -> str:
    stays = f"{quoted(column.name)} is the target and stays exactly as uploaded"
    if not column.invalid or column.read_as is None:
        return f"{stays}, though it could be read differently."
    does, some = plural_verb(column.invalid, "does", "do"), examples(column.invalid_examples, of=column.invalid)
    unfit = f"{count(column.invalid, 'cell')} of it, {some}, {does} not fit the type {column.read_as.kind}"
    return f"{stays}, because {unfit}. Name that type for it to have them count as missing."


def _parse(column: ColumnProfile) -> Iterator[AnyStep]:
    if column.read_as is not None:
        yield ReadColumn(
            kind="read_column",
            column=column.name,
            read_as=column.read_as,
            why=column.read_why,
            confidence=MEASURED["unfit_cells"] if column.invalid else 1.0,
            rule=f"read_{column.read_as.kind}",
        )
    if column.invalid:
        yield _flag(column, _explain_invalid(column), rule="unfit_cells")
    if column.ambiguity is not None:
        yield _flag(column, f"{quoted(column.name)}: {column.ambiguity}", rule="doubtful_reading")


def _flag(column: ColumnProfile, why: str, *, rule: str) -> Flag:
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=1.0, rule=rule)


def _explain_invalid(column: ColumnProfile) -> str:
    fit, become = plural_verb(column.invalid, "does", "do"), plural_verb(column.invalid, "counts", "count")
    some = examples(column.invalid_examples, of=column.invalid)
    cells = f"{count(column.invalid, 'cell')} of {quoted(column.name)}, {some}"
    return f"{cells}, {fit} not fit the type and {become} as missing; the list of changes keeps what was there."


def propose_duplicates(context: PlanContext) -> list[AnyStep]:
    """Propose to remove duplicate rows if a key shows that they are copies; others are flagged."""
    duplicates = context.profile.duplicates
    if not duplicates.count:
        return []
    rows, repeat = count(duplicates.count, "row"), plural_verb(duplicates.count, "repeats", "repeat")
    if context.hidden:
        why = (
            f"{rows} {repeat} an earlier row and {plural_verb(duplicates.count, 'was', 'were')} kept: personal data is "
            "hidden, without which rows of different persons look alike."
        )
        return [Flag(kind="flag", phase="cleaning", column=None, why=why, confidence=1.0, rule="duplicate_rows")]
    if duplicates.key is not None:
        why = f"{quoted(duplicates.key)} is different in all other rows, so equal rows are copies; the first is kept."
        return [
            DropDuplicates(
                kind="drop_duplicates", why=why, confidence=MEASURED["duplicate_rows"], rule="duplicate_rows"
            )
        ]
    why = (
        f"{rows} {repeat} an earlier row exactly and {plural_verb(duplicates.count, 'was', 'were')} kept: no "
        "identifier or moment shows that such rows are copies and not two equal events."
    )
    return [Flag(kind="flag", phase="cleaning", column=None, why=why, confidence=1.0, rule="duplicate_rows")]
