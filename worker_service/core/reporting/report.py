"""The written report of a preparation, composed from the profile, the recipe and the results."""

from collections.abc import Sequence

from shared.contracts.run_result import StepResult
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, examples, fraction, listing, percent, plural_verb, quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.stats.summary import Value

_MOST_LINES = 40
_WORST_COLUMNS = 5
_LARGE_SHARE = 0.1
NOTABLE_GAP = 0.1
"""A column with a larger share of missing cells gets a recommendation."""


class CleaningReport(Value):
    """The three texts of the report, in Markdown."""

    reasoning: str
    """Every step and its reason."""
    summary: str
    """The table before and after the preparation."""
    recommendations: str
    """The next actions for a person."""


def write_report(profile: Profile, recipe: Recipe, outcome: Outcome) -> CleaningReport:
    """Write the report of a preparation."""
    return CleaningReport(
        reasoning=_reasoning(outcome),
        summary=_summary(profile, recipe, outcome),
        recommendations=_recommendations(profile, recipe, outcome),
    )


def _summary(profile: Profile, recipe: Recipe, outcome: Outcome) -> str:
    missing = sum(column.missing for column in profile.columns)
    cells = profile.rows * len(profile.columns)
    lines = [
        f"The table has {_shape(profile.rows, len(profile.columns))}: {_column_types(profile)}.",
        f"{fraction(missing, cells, 'cell')} had no value.",
        *_most_missing(profile),
        _applied_steps(outcome),
        f"The cleaned table has {_shape(*outcome.cleaned.shape)}, "
        f"the engineered one {_shape(*outcome.engineered.shape)}.",
        recipe.target.why,
    ]
    return "## Summary\n\n" + "\n".join(f"- {line}" for line in lines)


def _column_types(profile: Profile) -> str:
    kinds = [column.type for column in profile.columns]
    return listing(f"{kinds.count(kind)} as {kind}" for kind in dict.fromkeys(kinds))


def _shape(rows: int, columns: int) -> str:
    return f"{count(rows, 'row')} and {count(columns, 'column')}"


def _most_missing(profile: Profile) -> list[str]:
    gaps = sorted((column for column in profile.columns if column.missing), key=lambda column: -column.missing)
    if not gaps:
        return []
    shares = (f"{quoted(column.name)} ({percent(column.missing / profile.rows)})" for column in gaps[:_WORST_COLUMNS])
    return [f"Most is missing in {listing(shares)}."]


def _applied_steps(outcome: Outcome) -> str:
    applied = [result for result in outcome.results if result.state == "applied"]
    amounts = (
        (sum(result.cells_changed for result in applied if result.kind.startswith("fill_")), "cell", "filled"),
        (
            sum(result.cells_changed for result in applied if result.phase == "outliers"),
            "cell",
            "treated for being far out",
        ),
        (sum(result.rows_removed for result in applied), "row", "removed"),
    )
    parts = [f"{count(size, noun)} {plural_verb(size, 'was', 'were')} {verb}" for size, noun, verb in amounts if size]
    return f"{count(len(applied), 'step')} {plural_verb(len(applied), 'was', 'were')} carried out" + (
        f": {listing(parts)}." if parts else "."
    )


def _reasoning(outcome: Outcome) -> str:
    sections: dict[str, list[StepResult]] = {"Reading": [], "Cleaning": [], "Outliers": [], "Features": []}
    for result in outcome.results:
        title = "Reading" if result.kind == "read_column" else result.phase.title()
        sections[title].append(result)
    return "\n\n".join(f"## {title}\n\n{_numbered_lines(results)}" for title, results in sections.items())


def _numbered_lines(results: Sequence[StepResult]) -> str:
    if not results:
        return "Nothing had to be done."
    lines = [f"{result.step}. {result.why}" for result in results[:_MOST_LINES]]
    if len(results) > _MOST_LINES:
        lines.append(f"\n… and {len(results) - _MOST_LINES} more in the log.")
    return "\n".join(lines)


def _recommendations(profile: Profile, recipe: Recipe, outcome: Outcome) -> str:
    advice = [
        *_about_target(recipe),
        *_about_gaps(profile, recipe),
        *_about_ambiguities(profile),
        *_about_unfit(profile),
        *_about_duplicates(profile),
        *_about_outliers(outcome),
    ]
    if not advice:
        advice = ["Nothing stands out: the engineered table can be used as it is."]
    return "## Recommendations\n\n" + "\n".join(f"{index}. {line}" for index, line in enumerate(advice, start=1))


def _about_target(recipe: Recipe) -> list[str]:
    if recipe.target.column is None:
        return ["Name the column to predict with `target=` and prepare the table again; none was recognised."]
    return []


def _about_gaps(profile: Profile, recipe: Recipe) -> list[str]:
    target = recipe.target.column
    gaps = sorted((column for column in profile.columns if column.missing), key=lambda column: -column.missing)
    return [_about_target_gap(column, profile) for column in gaps if column.name == target] + [
        f"Find out why {quoted(column.name)} lacks {percent(column.missing / profile.rows)} of its cells; "
        "no rule can know what should be there."
        for column in gaps[:_WORST_COLUMNS]
        if column.name != target and column.missing > NOTABLE_GAP * profile.rows
    ]


def _about_target_gap(column: ColumnProfile, profile: Profile) -> str:
    rows = fraction(column.missing, profile.rows, "row")
    return f"Leave out the rows without a target before training: {quoted(column.name)} is missing in {rows}."


def _about_ambiguities(profile: Profile) -> list[str]:
    ambiguous = [column for column in profile.columns if column.ambiguity]
    return [f"Say how {quoted(column.name)} is written. {column.ambiguity}" for column in ambiguous]


def _about_unfit(profile: Profile) -> list[str]:
    return [
        f"Correct {count(column.invalid, 'cell')} of {quoted(column.name)} at the source, "
        f"{examples(column.invalid_examples, of=column.invalid)}, where {column.type} values belong."
        for column in profile.columns
        if column.invalid
    ]


def _about_duplicates(profile: Profile) -> list[str]:
    rows = profile.duplicates.count
    if not rows or profile.duplicates.removable:
        return []
    return [f"Decide whether {count(rows, 'row')} equal to an earlier one may stay; nothing was removed."]


def _about_outliers(outcome: Outcome) -> list[str]:
    treatments = [result for result in outcome.results if result.kind == "treat_outliers"]
    flagged = [result for result in treatments if result.outlier_share > _LARGE_SHARE]
    return [
        f"Look at the histogram of {quoted(result.columns[0])}: {count(result.outliers, 'value')} "
        f"({percent(result.outlier_share)}) lie far out, too many to call them outliers."
        for result in flagged[:_WORST_COLUMNS]
    ]
