"""Which steps of a stored recipe a user switches off, on or adds, and which parameters are set."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.column_names import match_name
from shared.contracts.named_columns import check_columns
from shared.contracts.run_options import Revision, RunOptions
from shared.contracts.words_by_column import parse_roles, parse_types
from shared.errors import FieldError, InvalidInput

_HIDING = "hide_personal_data"
_MOST_NAMED = 5
_MAX_STEP_DIGITS = 7
ADDED = {"rule": "user", "confidence": 1.0, "why": "A user added it."}
"""What a step has that a user adds."""
OF_NO_USER = frozenset({*ADDED, "skipped", "is_off", "user_set"})
"""What a step has that no user gives."""
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
    "user_set",
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
    redo: tuple[tuple[int, str], ...] = ()
    """Cells that no longer stay as the file has them."""
    added: tuple[Mapping[str, Any], ...] = ()
    """Steps that are added behind the others, as JSON."""
    types: Mapping[str, str] = field(default_factory=dict)
    """The types of columns; empty for one that is recognised again."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """What columns are for; empty for one that has no role any more."""
    target: str = ""
    """The column to predict, or `none`; empty for that which there is."""
    etag: str = ""
    """The entity tag of the recipe that the caller has seen; empty for any."""

    @property
    def proposes_anew(self) -> bool:
        """True if columns become something else, which needs another recipe."""
        return bool(self.types or self.roles or self.target)

    @property
    def changes_steps(self) -> bool:
        """True if it changes the recipe that there is."""
        by_name = self.columns or self.rules or self.everything
        return bool(self.off or self.on or by_name or self.parameters or self.cells or self.redo or self.added)


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
    previous = _previous(steps, options, artifacts)
    before = frozenset(previous.off)
    off = (before | set(_steps_off(request, steps))) - set(_checked("on", request.on, steps))
    parameters = _merge_parameters(previous.parameters, request.parameters, steps)
    added = (*previous.added, *_checked_steps(request.added, options))
    cells = _merge_cells(previous.cells, request, recipe_columns(recipe))
    is_same = off == before and parameters == previous.parameters and not request.added and cells == previous.cells
    if is_same and must_change:
        raise InvalidInput("Nothing would change: the recipe is so already.", reason="NOTHING_TO_REVISE")
    return Revision(base=previous.base, off=tuple(sorted(off)), parameters=parameters, added=added, cells=cells)


def propose_anew(request: RevisionRequest, recipe: bytes, options: RunOptions, *, artifacts: str) -> RunOptions:
    """Return the options of a preparation that proposes another recipe, because columns become something else.

    Args:
        request: what columns become.
        recipe: the published recipe as JSON; what users changed of it goes with the new one.
        options: those of the published run.
        artifacts: the folder of its artifacts.

    Raises:
        InvalidInput: steps are changed too, a recipe is repeated, a column does not exist, or nothing would change.
    """
    field = "types" if request.types else "roles" if request.roles else "target"
    if options.is_replay:
        raise _invalid(field, "comes from the recipe that is repeated; prepare the dataset that it is of")
    if request.changes_steps:
        raise _invalid(field, "makes another recipe, in which steps have other places; change them in a second request")
    names = [column["name"] for column in json.loads(recipe)["contract"]["input"]]
    roles: Mapping[str, str] = options.roles
    target = options.target
    if request.target or "target" in request.roles.values():
        roles = {name: role for name, role in roles.items() if role != "target"}
        target = request.target or None
    types = _merge_words(options.types, request.types, names)
    roles = _merge_words(roles, request.roles, names)
    if (types, roles, target) == (dict(options.types), dict(options.roles), options.target):
        raise InvalidInput("Nothing would change: these columns are so already.", reason="NOTHING_TO_REVISE")
    cells = () if options.revision is None else options.revision.cells
    changes = {"types": types, "roles": roles, "target": target}
    changed = options.model_copy(update={**changes, "revision": Revision(base=artifacts, is_anew=True, cells=cells)})
    check_columns(changed, names)
    return changed


def _merge_words(before: Mapping[str, str], changes: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Return words by column with changes, of which an empty one takes away."""
    changed = {match_name(name, names) or name for name in changes}
    kept = {name: word for name, word in before.items() if (match_name(name, names) or name) not in changed}
    return {**kept, **{name: word for name, word in changes.items() if word}}


def _previous(steps: Sequence[Mapping[str, Any]], options: RunOptions, artifacts: str) -> Revision:
    """Return what is changed already of the recipe that a further change starts from."""
    if options.revision is not None and not options.revision.is_anew:
        return options.revision
    off = tuple(position for position, step in enumerate(steps, start=1) if step.get("is_off"))
    return Revision(base=artifacts, off=off, cells=() if options.revision is None else options.revision.cells)


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


def parse_column_choices(types: Mapping[str, str], roles: Mapping[str, str], target: str) -> dict[str, Any]:
    """Return what columns become, by the names of a request; an empty word gives a column its own back.

    Raises:
        InvalidInput: a type or role does not exist.
    """
    return {
        "types": {**types, **parse_types({name: kind for name, kind in types.items() if kind})},
        "roles": {**roles, **parse_roles({name: role for name, role in roles.items() if role})},
        "target": target.strip(),
    }


def recipe_columns(recipe: bytes) -> frozenset[str]:
    """Return the columns of the cleaned table of a settled recipe."""
    return frozenset(column["name"] for column in json.loads(recipe)["contract"]["cleaned"])


def check_rows(cells: Sequence[tuple[int, str]], *, rows: int) -> None:
    """Make sure that a table has the rows of some cells.

    Raises:
        InvalidInput: it has not so many.
    """
    beyond = next((row for row, _ in cells if not 1 <= row <= rows), None)
    if beyond is not None:
        raise _invalid("cells", f"must be of rows from 1 to {rows}, not of {beyond}")


def _merge_cells(
    before: Sequence[tuple[int, str]], request: RevisionRequest, columns: frozenset[str]
) -> tuple[tuple[int, str], ...]:
    """Return the cells that stay as the file has them.

    Raises:
        InvalidInput: a column does not exist, or a cell does not stay so that is to be cleaned again.
    """
    stray = next((cell for cell in request.redo if cell not in before), None)
    if stray is not None:
        raise _invalid("redo", f"must name cells that were undone, not row {stray[0]} of {stray[1][:100]!r}")
    kept = [cell for cell in before if cell not in request.redo]
    return tuple(dict.fromkeys((*kept, *_checked_cells(request.cells, columns))))


def _checked_cells(cells: Sequence[tuple[int, str]], columns: frozenset[str]) -> Sequence[tuple[int, str]]:
    unknown = next((column for _, column in cells if column not in columns), None)
    if unknown is not None:
        raise _invalid("cells", f"must be of columns of the cleaned table, not of {unknown[:100]!r}")
    return cells


def _checked_steps(added: Sequence[Mapping[str, Any]], options: RunOptions) -> Sequence[Mapping[str, Any]]:
    """Return steps that are added.

    Raises:
        InvalidInput: the recipe is repeated, so that nothing can be measured, or a step hides personal data.
    """
    if added and options.is_replay:
        raise _invalid("add", "needs a recipe that was made for this table, as steps measure what they need")
    if any(step.get("kind") == _HIDING for step in added):
        raise _invalid("add", "has no way to hide personal data; prepare the dataset again with column_privacy")
    return [{name: value for name, value in step.items() if name not in OF_NO_USER} for step in added]


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
