"""What the uploader said columns are for, carried out on the steps of all rules and of a model alike."""

from collections.abc import Iterable, Iterator

from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import PASSED_ROLES
from worker_service.core.humanize import quoted
from worker_service.core.recipe.steps import AnyStep, DropColumn, Flag, TreatOutliers


def honour_roles(steps: Iterable[AnyStep], options: RunOptions) -> list[AnyStep]:
    """Return the steps without those that a role rules out, and with those that it asks for."""
    dropped, ignored = options.columns_of({"drop"}), options.columns_of({"ignore"})
    passed, unfilled = options.columns_of(PASSED_ROLES), options.columns_of({"group", "weight"})
    kept: list[AnyStep] = []
    unmade: set[str] = set()
    for step in steps:
        columns = set(step.columns)
        is_in_engineered = step.phase == "features" or (isinstance(step, TreatOutliers) and step.table == "engineered")
        is_change = is_in_engineered and not isinstance(step, Flag)
        if columns & (dropped | unmade) or (is_change and columns & (ignored | passed)):
            unmade.update(step.outputs)
            continue
        if columns & unfilled and (step.kind.startswith("fill_") or isinstance(step, TreatOutliers)):
            continue
        kept.append(step)
    return [*kept, *_drops(options)]


def _drops(options: RunOptions) -> Iterator[DropColumn]:
    for name, role in options.roles.items():
        if role in ("drop", "ignore"):
            yield DropColumn(
                kind="drop_column",
                phase="cleaning" if role == "drop" else "features",
                column=name,
                why=f"The uploader gave {quoted(name)} the role {role}.",
                confidence=1.0,
                rule="role",
            )
