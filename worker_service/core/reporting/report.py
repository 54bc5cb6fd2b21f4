"""The written report of a preparation, composed from the alerts, the recipe and the results."""

from collections.abc import Iterable, Sequence

from shared.contracts.run_result import StepResult
from worker_service.core.humanize import count, fraction, listing, percent, plural_verb, quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.reporting.alerts import find_alerts
from worker_service.core.reporting.topics import Topic, advise, group_by_topic
from worker_service.core.value import Value

MOST_TOPICS = 5
_MOST_LINES = 12
_MOST_NAMES = 3
_VERBS = {
    "read_column": "Read",
    "drop_column": "Left out",
    "scale": "Scaled",
    "one_hot": "Replaced by columns of 0 and 1",
    "label_encode": "Numbered the values of",
    "frequency_encode": "Replaced by how common each value is",
    "date_parts": "Replaced by the parts of their dates",
    "treat_outliers": "Looked at the outliers of",
    "was_missing": "Marked where a value was missing in",
    "merge_levels": "Gave the usual spelling to values of",
    "mask_sentinel": "Took numbers for missing in",
    "ratio": "Added the ratios of",
    "cycle": "Added the positions in the cycles of",
    "bin": "Added groups of the values of",
    "left_missing": "In the cleaned table, left the gaps of",
    "unfit_cells": "Took for missing what does not fit in",
    "doubtful_reading": "Left as text, because it can be read in more than one way:",
    "possible_typo": "Left possible typos of",
    "possible_slip": "Left possible slips of the decimal point in",
    "stands_apart": "Left numbers far from all others in",
    "outside_known_range": "Left numbers outside of the range that the name promises in",
    "moment_order": "Left moments that are before what they follow in",
    "dependency_violation": "Left contradictions between columns in",
    "leak": "Found a possible leak in",
}
"""The beginning of the sentence about steps of a kind, or flags of a rule; fills have one of their own."""


class CleaningReport(Value):
    """The three texts of the report, in Markdown."""

    reasoning: str
    """What was done and why, a line for each rule; the logs have every step."""
    summary: str
    """What to know first, and the table before and after the preparation."""
    recommendations: str
    """What to do about each."""


def write_report(profile: Profile, recipe: Recipe, outcome: Outcome) -> CleaningReport:
    """Write the report of a preparation."""
    topics = group_by_topic(find_alerts(profile))[:MOST_TOPICS]
    return CleaningReport(
        reasoning=_reasoning(recipe, outcome),
        summary=_summary(topics, profile, recipe, outcome),
        recommendations=_recommendations(topics, profile),
    )


def _summary(topics: Sequence[Topic], profile: Profile, recipe: Recipe, outcome: Outcome) -> str:
    missing = sum(column.missing for column in profile.columns)
    cells = profile.rows * len(profile.columns)
    lines = [
        f"The table has {_shape(profile.rows, len(profile.columns))}: {_column_types(profile)}.",
        f"{fraction(missing, cells, 'cell')} {plural_verb(missing, 'has', 'have')} no value.",
        _applied_steps(outcome),
        f"The cleaned table has {_shape(*outcome.cleaned.shape)}, "
        f"the engineered one {_shape(*outcome.engineered.shape)}.",
        recipe.target.why,
    ]
    known = [topic.sentence for topic in topics] or ["Nothing stands out: both tables can be used as they are."]
    return f"## What to know first\n\n{_numbered(known)}\n\n## The table\n\n" + "\n".join(f"- {line}" for line in lines)


def _column_types(profile: Profile) -> str:
    kinds = [column.type for column in profile.columns]
    return listing(f"{kinds.count(kind)} as {kind}" for kind in dict.fromkeys(kinds))


def _shape(rows: int, columns: int) -> str:
    return f"{count(rows, 'row')} and {count(columns, 'column')}"


def _applied_steps(outcome: Outcome) -> str:
    applied = [result for result in outcome.results if result.state == "applied"]
    amounts = (
        (sum(result.cells_changed for result in applied if result.kind.startswith("fill_")), "cell", "filled"),
        (sum(_outliers_treated(result) for result in applied), "cell", "treated for being far out"),
        (sum(result.rows_removed for result in applied), "row", "removed"),
    )
    parts = [f"{count(size, noun)} {plural_verb(size, 'was', 'were')} {verb}" for size, noun, verb in amounts if size]
    return f"{count(len(applied), 'step')} {plural_verb(len(applied), 'was', 'were')} carried out" + (
        f": {listing(parts)}." if parts else "."
    )


def _outliers_treated(result: StepResult) -> int:
    return result.cells_changed if result.phase == "outliers" else 0


def _reasoning(recipe: Recipe, outcome: Outcome) -> str:
    sections: dict[str, list[StepResult]] = {"Reading": [], "Cleaning": [], "Outliers": [], "Features": []}
    for result in outcome.results:
        title = "Reading" if result.kind == "read_column" else result.phase.title()
        sections[title].append(result)
    reasons = {number: step.why for number, step in enumerate(recipe.steps, start=1)}
    return "\n\n".join(f"## {title}\n\n{_by_rule(results, reasons)}" for title, results in sections.items())


def _by_rule(results: Sequence[StepResult], reasons: dict[int, str]) -> str:
    """Return a line for each rule and outcome: the only step, or what all of its steps have in common."""
    if not results:
        return "Nothing had to be done."
    groups: dict[tuple[str, str, str], list[StepResult]] = {}
    for result in results:
        groups.setdefault((result.kind, result.rule, result.state), []).append(result)
    lines = [f"- {_describe_group(group, reasons)}" for group in groups.values()]
    if len(lines) > _MOST_LINES:
        more = sum(len(group) for group in list(groups.values())[_MOST_LINES:])
        lines = [*lines[:_MOST_LINES], f"- {count(more, 'more step')} {plural_verb(more, 'is', 'are')} in the logs."]
    return "\n".join(lines)


def _describe_group(group: Sequence[StepResult], reasons: dict[int, str]) -> str:
    first = group[0]
    if len(group) == 1:
        return first.why
    names = list(dict.fromkeys(name for result in group for name in result.columns[:1]))
    cells = sum(result.cells_changed for result in group)
    changed = f", {count(cells, 'cell')}" if cells and first.kind != "scale" else ""
    if not names:
        return f"{count(len(group), 'note')} about the table. For example: {first.why}"
    is_same = len({reasons[result.step] for result in group}) == 1
    reason = f", each for the same reason: {reasons[first.step]}" if is_same else f". For example: {first.why}"
    return f"{_verb(first)} {_columns(names)}{changed}{reason}"


def _verb(result: StepResult) -> str:
    if result.state == "skipped":
        return f"Skipped to {result.kind.replace('_', ' ')} in"
    if result.kind.startswith("fill_"):
        return "Filled gaps of" if result.phase == "cleaning" else "In the engineered table, filled gaps of"
    kind = result.rule if result.kind == "flag" else result.kind
    return _VERBS.get(
        kind, "Noted something about" if result.kind == "flag" else f"{kind.replace('_', ' ').title()} of"
    )


def _columns(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMES + 1:
        return listing(quoted(name) for name in names)
    more = f"{len(names) - _MOST_NAMES} more columns"
    return listing([*(quoted(name) for name in names[:_MOST_NAMES]), more])


def _recommendations(topics: Sequence[Topic], profile: Profile) -> str:
    target = profile.target.column
    advice = [*(advise(topic) for topic in topics), *_about_target_gap(profile, target)]
    return "## What to do\n\n" + _numbered(advice or ["Nothing: the engineered table can be used as it is."])


def _about_target_gap(profile: Profile, target: str | None) -> Iterable[str]:
    column = profile.by_name().get(target or "")
    if column is not None and column.missing:
        rows = f"{count(column.missing, 'row')} ({percent(column.missing / profile.rows)})"
        yield f"Leave out {rows} without a value of {quoted(column.name)}, the target, before training."


def _numbered(lines: Sequence[str]) -> str:
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
