"""Repeating settled recipes on other tables."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

from shared.contracts.revision import ADDED, OF_NO_USER
from shared.contracts.run_options import Revision, RunOptions
from shared.contracts.run_result import StepResult
from worker_service.core.humanize import count, list_names, listing, plural_verb, quoted
from worker_service.core.recipe.apply import Discard, Outcome, RecipeRun, Watch, apply, in_order, read_frame
from worker_service.core.recipe.contract import (
    ContractBroken,
    complete,
    conform,
    empty_frame,
    require_contract,
    unknown_columns,
)
from worker_service.core.recipe.disagreements import Disagreement, discard, find_disagreements
from worker_service.core.recipe.recipe import Contract, Discriminated, Recipe
from worker_service.core.recipe.settle import settle
from worker_service.core.recipe.steps import AnyStep, HidePersonalData
from worker_service.core.table.frame import Frame

_STEP: TypeAdapter[AnyStep] = TypeAdapter(Discriminated)


def replay(
    recipe: Recipe,
    frame: Frame,
    *,
    hash_key: bytes | None = None,
    kept_cells: Sequence[tuple[int, str]] = (),
    watch: Watch | None = None,
) -> Outcome:
    """Carry out a settled recipe on a decoded frame, which may be another than that it was made from.

    Nothing is measured: on its own frame it makes the same tables and ledger again, and on any other one columns with
    the same names, order and types. Flags, which tell of the first frame, are left out of the results.

    Args:
        recipe: a settled recipe.
        frame: the decoded table.
        hash_key: the secret of the dataset's owner, which steps that hash need.
        kept_cells: cells that stay as they are read, whatever the steps do: rows from 1, and columns.
        watch: is told of each step.

    Raises:
        ContractBroken: the recipe is not settled, or the frame breaks its contract.
    """
    return _replay(recipe, frame, hash_key, kept_cells=kept_cells, watch=watch).outcome


def replay_batches(recipe: Recipe, batches: Iterable[Frame], *, hash_key: bytes | None = None) -> Iterator[Outcome]:
    """Carry out a settled recipe on the parts of a table, which has no step of the scope `table`, in order.

    Together the parts are what `replay` makes of the whole; steps of the scope `ordered` carry on from part to part.

    Args:
        recipe: a settled recipe.
        batches: frames with the row numbers of the whole table.
        hash_key: as of `replay`.

    Raises:
        ContractBroken: as of `replay`.
        ValueError: a step reads the whole table.
    """
    if any(step.scope == "table" and step.is_active for step in recipe.steps):
        raise ValueError("a step reads the whole table")
    for batch in batches:
        part = _replay(recipe, batch, hash_key, carries=True)
        yield part.outcome
        recipe = recipe.model_copy(update={"steps": part.steps})


@dataclass(frozen=True, eq=False)
class _Part:
    """What a recipe made of a part of a table, and the steps for the rows that follow."""

    outcome: Outcome
    steps: tuple[AnyStep, ...]


def _replay(
    recipe: Recipe,
    frame: Frame,
    hash_key: bytes | None,
    *,
    carries: bool = False,
    kept_cells: Sequence[tuple[int, str]] = (),
    watch: Watch | None = None,
) -> _Part:
    contract = require_contract(recipe)
    if not hash_key and any(isinstance(step, HidePersonalData) and step.method == "hash" for step in recipe.steps):
        raise ContractBroken("The recipe hashes personal data, which needs the key of its owner.", reason="NO_HASH_KEY")
    unknown = unknown_columns(frame, contract)
    conformed = conform(frame, recipe)
    run = RecipeRun(recipe, conformed, hash_key, carries=carries, kept_cells=kept_cells, watch=watch)
    # The cells that are kept have the number behind the last step.
    last = len(recipe.steps) + bool(kept_cells)
    kept = _keep_contract(recipe, contract, run, hash_key, number=last + 1)
    results = [result for number, step in in_order(recipe) if (result := run.repeat(number, step)) is not None]
    run.restore_cells()
    engineered, unread = _without_texts(run.engineered, contract)
    engineered, completed = complete(engineered, contract)
    further = [*kept.results, *_left_out(unknown), *_unread(unread), *_completion(completed)]
    results += [replace(result, step=last + number) for number, result in enumerate(further, start=1)]
    outcome = run.end(recipe, engineered, results)
    if kept.typed is not None:
        outcome = replace(outcome, typed=kept.typed, discards=kept.discards)
    return _Part(outcome, run.steps_in_order())


@dataclass(frozen=True, eq=False)
class _Kept:
    """What the contract took away before the first step."""

    typed: Frame | None = None
    """The table as read, before that; None where no column has a mode that asks for it."""
    discards: tuple[Discard, ...] = ()
    results: tuple[StepResult, ...] = ()


def _keep_contract(recipe: Recipe, contract: Contract, run: RecipeRun, hash_key: bytes | None, *, number: int) -> _Kept:
    """Discard what disagrees with the contract from the tables of a run that has not begun.

    Raises:
        ContractBroken: a frozen column disagrees, or no row would be left.
    """
    if all(expected.mode == "evolve" for expected in contract.input):
        return _Kept()
    decoded = run.cleaned
    typed = read_frame(recipe, decoded, hash_key=hash_key)
    disagreements = find_disagreements(contract, typed)
    if not disagreements:
        return _Kept(typed)
    cells = run.discard(number, discard(disagreements, decoded))
    return _Kept(
        typed,
        tuple(
            Discard(decoded.row_numbers[each.cells], each.column, each.expectation)
            for each in disagreements
            if each.drops_rows
        ),
        (_discarded(disagreements, cells=cells, rows=decoded.rows - run.cleaned.rows),),
    )


def revise(
    recipe: Recipe, revision: Revision, frame: Frame, options: RunOptions, *, hash_key: bytes | None = None
) -> Outcome:
    """Carry out a settled recipe on its own decoded frame once more, with steps switched off or other parameters.

    Every other number that was fitted stays. A step that no longer fits, because it needs what a switched-off one made,
    is skipped with its reason; gaps that this leaves in the engineered table are filled as in a replay.

    Args:
        recipe: the settled recipe.
        revision: what is switched off or set.
        frame: the decoded table.
        options: what the uploader chose, with the names that the frame has.
        hash_key: as of `replay`.

    Raises:
        ContractBroken: the recipe is not settled.
        ValueError: a parameter does not fit its step.
    """
    contract = require_contract(recipe)
    outcome = apply(with_revision(recipe, revision), frame, hash_key=hash_key, kept_cells=revision.cells)
    engineered, unread = _without_texts(outcome.engineered, contract)
    engineered, completed = complete(engineered, contract)
    last = max((result.step for result in outcome.results), default=0)
    results = [*_unread(unread), *_completion(completed)]
    further = [replace(result, step=last + number) for number, result in enumerate(results, start=1)]
    return settle(replace(outcome, engineered=engineered, results=(*outcome.results, *further)), frame, options)


def _without_texts(engineered: Frame, contract: Contract) -> tuple[Frame, tuple[str, ...]]:
    """Return an engineered table without columns of text that the contract does not have as text, and their names.

    A table of nothing else stays as it is.
    """
    expected = {column.name for column in contract.engineered if column.type == str(pa.string())}
    texts = tuple(name for name in engineered.names if engineered[name].is_text and name not in expected)
    if not texts or len(texts) == len(engineered.names):
        return engineered, ()
    return engineered.without_columns(texts), texts


def with_revision(recipe: Recipe, revision: Revision) -> Recipe:
    """Return a recipe of which exactly the steps of a revision are switched off, with its parameters and further steps.

    Raises:
        ValueError: a parameter does not fit its step, or an added one is none.
    """
    steps: list[AnyStep] = []
    added = [_STEP.validate_python({**step, **ADDED}) for step in revision.added]
    for position, step in enumerate((*recipe.steps, *added), start=1):
        parameters = revision.parameters.get(position)
        edited = step if not parameters else _with_parameters(step, parameters)
        steps.append(edited.model_copy(update={"is_off": position in revision.off}))
    return recipe.model_copy(update={"steps": tuple(steps)})


def _with_parameters(step: AnyStep, parameters: Mapping[str, Any]) -> AnyStep:
    values = listing(f"{name} to {json.dumps(value, ensure_ascii=False)}" for name, value in parameters.items())
    names = tuple(dict.fromkeys((*step.user_set, *parameters)))
    changes = {"rule": "user", "confidence": 1.0, "why": f"A user set {values}. {step.why}", "user_set": names}
    edited: AnyStep = type(step).model_validate({**step.model_dump(), **parameters, **changes})
    return edited


def carry_changes(before: Recipe, after: Recipe) -> Revision:
    """Return what users changed of a recipe, for one that was proposed anew for the same table.

    Steps are the same if kind, phase, columns and new columns are.

    Args:
        before: the recipe with the changes.
        after: the one without.
    """
    earlier = {_identity(step): step for step in before.steps}
    added = [step for step in before.steps if _is_added(step) and not step.is_off]
    off, parameters = [], {}
    for position, step in enumerate(after.steps, start=1):
        same = earlier.get(_identity(step))
        if same is None:
            continue
        if same.is_off:
            off.append(position)
        chosen = same.model_dump(mode="json", include=set(same.user_set))
        # What the step is now made for may not go together with them.
        with suppress(ValueError):
            if chosen and _with_parameters(step, chosen):
                parameters[position] = chosen
    return Revision(
        base="",
        off=tuple(off),
        parameters=parameters,
        added=tuple(step.model_dump(mode="json", exclude=set(OF_NO_USER)) for step in added),
    )


def _identity(step: AnyStep) -> tuple[object, ...]:
    return (step.kind, step.phase, step.columns, step.outputs)


def _is_added(step: AnyStep) -> bool:
    """Return True if a user added a step, whatever was set of it since."""
    return step.rule == ADDED["rule"] and step.why.endswith(str(ADDED["why"]))


def output_columns(recipe: Recipe) -> tuple[pa.Schema, pa.Schema]:
    """Return the columns of the cleaned and of the engineered table that a settled recipe makes of any table.

    Raises:
        ContractBroken: the recipe is not settled.
    """
    outcome = replay(recipe, empty_frame(require_contract(recipe)), hash_key=b"none")
    return outcome.cleaned.to_table().schema, outcome.engineered.to_table().schema


def _discarded(disagreements: Sequence[Disagreement], *, cells: int, rows: int) -> StepResult:
    """Return the result that tells of what disagreed with the contract."""
    parts = [f"left out {count(rows, 'row')}"] if rows else []
    parts += [f"emptied {count(cells, 'cell')}"] if cells else []
    what = f"By the contract of the recipe, {listing(parts)}." if parts else ""
    columns = tuple(dict.fromkeys(each.column for each in disagreements))
    why = " ".join([what, *(each.why for each in disagreements)]).strip()
    return further_result("contract", columns, what=what, why=why, cells=cells, rows=rows)


def _left_out(unknown: Sequence[str]) -> tuple[StepResult, ...]:
    """Return the result that tells of columns which the recipe does not know."""
    if not unknown:
        return ()
    verb = plural_verb(len(unknown), "was", "were")
    why = f"{count(len(unknown), 'column')} that the recipe does not know {verb} left out: {list_names(unknown)}."
    result = further_result("unknown_columns", tuple(unknown), what="", why=why)
    return (replace(result, kind="flag", state="flagged"),)


def _unread(names: tuple[str, ...]) -> tuple[StepResult, ...]:
    """Return the result that tells of columns which are no numbers any more."""
    if not names:
        return ()
    verb, what = plural_verb(len(names), "was", "were"), plural_verb(len(names), "it is text", "they are text")
    why = f"{list_names(names)} {verb} left out of the table for models: {what} while a step is switched off."
    result = further_result("not_read", names, what="", why=why)
    return (replace(result, kind="flag", phase="features", state="flagged"),)


def _completion(completed: Mapping[str, int]) -> tuple[StepResult, ...]:
    """Return the result that tells of numbers which could not be computed."""
    if not completed:
        return ()
    cells = listing(f"{count(cells, 'cell')} of {quoted(name)}" for name, cells in completed.items())
    what = f"In the engineered table, filled {cells} with a value from the middle of the recipe's own table."
    why = f"{what} They were missing, or could not be computed."
    total = sum(completed.values())
    result = further_result("unforeseen_gap", tuple(completed), what=what, why=why, cells=total)
    return (replace(result, kind="fill_missing", phase="features", confidence=0.5),)


def further_result(
    rule: str, columns: tuple[str, ...], *, what: str, why: str, cells: int = 0, rows: int = 0
) -> StepResult:
    """Return a result that no step of the recipe has; its number is given when all are known."""
    return StepResult(
        step=0,
        kind=rule,
        phase="cleaning",
        columns=columns,
        outputs=(),
        state="applied" if what else "skipped",
        what=what,
        why=why,
        rule=rule,
        confidence=1.0,
        cells_changed=cells,
        rows_removed=rows,
        parameters={},
        outliers=0,
        outlier_share=0.0,
    )
