"""Which steps of a stored recipe a user switches off or on, and which parameters are set."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.run_options import Revision, RunOptions
from shared.errors import FieldError, InvalidInput

_HIDING = "hide_personal_data"
_MOST_NAMED = 5
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
    etag: str = ""
    """The entity tag of the recipe that the caller has seen; empty for any."""


def revise(request: RevisionRequest, recipe: bytes, options: RunOptions, *, artifacts: str) -> Revision:
    """Return the revision that a request asks for.

    Args:
        request: what is asked for.
        recipe: the published recipe as JSON.
        options: those of the published run.
        artifacts: the folder of its artifacts.

    Raises:
        InvalidInput: a step, column or rule does not exist, nothing would change, or a step hides personal data.
    """
    steps: list[dict[str, Any]] = json.loads(recipe)["steps"]
    before = frozenset(() if options.revision is None else options.revision.off)
    off = (before | set(_steps_off(request, steps))) - set(_checked("on", request.on, steps))
    kept = {} if options.revision is None else options.revision.parameters
    parameters = _merge_parameters(kept, request.parameters, steps)
    if off == before and parameters == kept:
        raise InvalidInput("Nothing would change: these steps are as they should be.", reason="NOTHING_TO_REVISE")
    base = artifacts if options.revision is None else options.revision.base
    return Revision(base=base, off=tuple(sorted(off)), parameters=parameters)


def edit_recipe(recipe: bytes, revision: Revision) -> bytes:
    """Return a recipe as JSON with the parameters of a revision, to be checked."""
    document = json.loads(recipe)
    for position, parameters in revision.parameters.items():
        document["steps"][position - 1].update(parameters)
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
