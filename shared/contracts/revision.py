"""Which steps of a stored recipe a user switches off, on or adds, and which parameters are set."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.run_options import Revision, RunOptions
from shared.errors import FieldError, InvalidInput

_HIDING = "hide_personal_data"
_MOST_NAMED = 5
_MAX_STEP_DIGITS = 7
ADDED = {"rule": "user", "confidence": 1.0, "why": "A user added it."}
"""What a step has that a user adds."""
_GIVEN = {*ADDED, "skipped", "is_off"}
_NOT_PARAMETERS = {
    "kind",
    "phase",
    "column",
    "columns",
    "rule",
    "why",
    "confidence",
    "skipped",
    "is_off",
    "fitted",
    "encodings",
}


@dataclass(frozen=True, kw_only=True)
class RevisionRequest:
    """The steps that are switched off or on; what is named in several ways is meant once."""

    off: tuple[int, ...] = ()
    """Steps by their places, from 1."""
    on: tuple[int, ...] = ()
    """Steps that are switched on again, and stay on if they are named in another way, too."""
    columns: tuple[str, ...] = ()
    """Columns of which all steps are switched off."""
    rules: tuple[str, ...] = ()
    """Rules of which all steps are switched off."""
    everything: bool = False
    """True to switch all steps off."""
    parameters: Mapping[int, Mapping[str, Any] | None] = field(default_factory=dict)
    """Parameters that are set, by the places of their steps; None for a step that gets its own back."""
    cells: tuple[tuple[int, str], ...] = ()
    """Cells of the cleaned table that stay as the file has them: rows from 1, and columns."""
    added: tuple[Mapping[str, Any], ...] = ()
    """Steps that are added behind the others, as JSON."""
    etag: str = ""
    """The entity tag of the recipe that the caller has seen; empty for any."""


def revise(
    request: RevisionRequest, recipe: bytes, options: RunOptions, *, artifacts: str, must_change: bool = True
) -> Revision:
    """Return the revision that a request asks for.

    Args:
        request: what is asked for.
        recipe: the published recipe as JSON.
        options: those of the published run.
        artifacts: the folder of its artifacts.
        must_change: False to return the revision that is carried out already where nothing would change.

    Raises:
        InvalidInput: a step, column or rule does not exist, nothing would change, or a step hides personal data.
    """
    steps: list[dict[str, Any]] = json.loads(recipe)["steps"]
    before = frozenset(() if options.revision is None else options.revision.off)
    off = (before | set(_steps_off(request, steps))) - set(_checked("on", request.on, steps))
    kept = {} if options.revision is None else options.revision.parameters
    parameters = _merge_parameters(kept, request.parameters, steps)
    added = (*_added_before(options), *_checked_steps(request.added, options))
    cells_before = () if options.revision is None else options.revision.cells
    cells = tuple(dict.fromkeys((*cells_before, *_checked_cells(request.cells, recipe_columns(recipe)))))
    is_same = off == before and parameters == kept and not request.added and cells == cells_before
    if is_same and must_change:
        raise InvalidInput("Nothing would change: these steps are as they should be.", reason="NOTHING_TO_REVISE")
    base = artifacts if options.revision is None else options.revision.base
    return Revision(base=base, off=tuple(sorted(off)), parameters=parameters, added=added, cells=cells)


def step_parameters(values: Mapping[str, Any]) -> dict[int, dict[str, Any] | None]:
    """Return the parameters of steps by their places.

    Raises:
        InvalidInput: a name is no place, or a value no object.
    """
    if not all(step.isdecimal() and len(step) < _MAX_STEP_DIGITS for step in values):
        raise _invalid("parameters", "must be named by the numbers of their steps")
    if not all(isinstance(value, dict | None) for value in values.values()):
        raise _invalid("parameters", "must be objects, or null for those that a step had")
    return {int(step): value for step, value in values.items()}


def recipe_columns(recipe: bytes) -> frozenset[str]:
    """Return the columns of the cleaned table of a settled recipe."""
    return frozenset(column["name"] for column in json.loads(recipe)["contract"]["cleaned"])


def _checked_cells(cells: Sequence[tuple[int, str]], columns: frozenset[str]) -> Sequence[tuple[int, str]]:
    unknown = next((column for _, column in cells if column not in columns), None)
    if unknown is not None:
        raise _invalid("cells", f"must be of columns of the cleaned table, not of {unknown[:100]!r}")
    return cells


def _added_before(options: RunOptions) -> tuple[Mapping[str, Any], ...]:
    return () if options.revision is None else options.revision.added


def _checked_steps(added: Sequence[Mapping[str, Any]], options: RunOptions) -> Sequence[Mapping[str, Any]]:
    """Return steps that are added.

    Raises:
        InvalidInput: the recipe is repeated, so that nothing can be measured, or a step hides personal data.
    """
    if added and options.is_replay:
        raise _invalid("add", "needs a recipe that was made for this table, as steps measure what they need")
    if any(step.get("kind") == _HIDING for step in added):
        raise _invalid("add", "has no way to hide personal data; prepare the dataset again with column_privacy")
    return [{name: value for name, value in step.items() if name not in _GIVEN} for step in added]


def edit_recipe(recipe: bytes, revision: Revision, added: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a recipe as JSON with the parameters of a revision and further steps, to be checked."""
    document = json.loads(recipe)
    for position, parameters in revision.parameters.items():
        document["steps"][position - 1].update(parameters)
    # Those that were added before are in the recipe already.
    document["steps"] += [{**step, **ADDED} for step in added]
    return json.dumps(document).encode()


def _merge_parameters(
    kept: Mapping[int, Mapping[str, Any]],
    changes: Mapping[int, Mapping[str, Any] | None],
    steps: Sequence[dict[str, Any]],
) -> dict[int, dict[str, Any]]:
    """Return the parameters that are set from now on.

    Raises:
        InvalidInput: there is no such step or parameter.
    """
    merged = {position: dict(parameters) for position, parameters in kept.items()}
    for position in _checked("parameters", tuple(changes), steps):
        parameters = changes[position]
        if parameters is None:
            merged.pop(position, None)
            continue
        own = sorted(set(steps[position - 1]) - _NOT_PARAMETERS)
        unknown = next((name for name in parameters if name not in own), None)
        if unknown is not None:
            raise _invalid("parameters", f"of step {position} are {', '.join(own)}, not {unknown[:100]!r}")
        merged[position] = {**merged.get(position, {}), **parameters}
    return {position: parameters for position, parameters in merged.items() if parameters}


def _steps_off(request: RevisionRequest, steps: Sequence[dict[str, Any]]) -> Iterator[int]:
    for position in _checked("off", request.off, steps):
        if steps[position - 1]["kind"] == _HIDING:
            raise _invalid("off", f"step {position} hides personal data; prepare the dataset again with privacy=keep")
        yield position
    removable = [position for position, step in enumerate(steps, start=1) if step["kind"] != _HIDING]
    yield from _of_values("columns", request.columns, steps, removable, "column")
    yield from _of_values("rules", request.rules, steps, removable, "rule")
    if request.everything:
        yield from removable


def _of_values(
    field: str, values: Sequence[str], steps: Sequence[dict[str, Any]], removable: Sequence[int], name: str
) -> Iterator[int]:
    for value in values:
        matches = [position for position in removable if steps[position - 1].get(name) == value]
        if not matches:
            known = sorted(
                {str(steps[position - 1].get(name)) for position in removable if steps[position - 1].get(name)}
            )
            such = ", ".join(map(repr, known[:_MOST_NAMED]))
            raise _invalid(
                field, f"has no step for {value[:100]!r}; there are {such}{' …' * (len(known) > _MOST_NAMED)}"
            )
        yield from matches


def _checked(field: str, positions: Sequence[int], steps: Sequence[dict[str, Any]]) -> Sequence[int]:
    wrong = [position for position in positions if not 1 <= position <= len(steps)]
    if wrong:
        raise _invalid(field, f"must name steps from 1 to {len(steps)}, not {wrong[0]}")
    return positions


def _invalid(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, detail=problem)])
