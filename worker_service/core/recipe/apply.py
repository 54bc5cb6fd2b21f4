"""The executor of recipes: nothing else changes a table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.run_result import StepResult
from shared.contracts.vocabulary import StepState
from worker_service.core.humanize import count, listing, quoted
from worker_service.core.recipe.contract import (
    ContractBroken,
    complete,
    conform,
    draw_up,
    empty_frame,
    require_contract,
)
from worker_service.core.recipe.ledger import Ledger
from worker_service.core.recipe.recipe import VERSION, Recipe
from worker_service.core.recipe.steps import (
    AnyStep,
    Effect,
    FillByGroup,
    FillByLevel,
    FillByModel,
    FillByTime,
    FillMissing,
    Flag,
    HidePersonalData,
    ReadColumn,
    StepRejected,
    StepStats,
    TreatOutliers,
    apply_step,
    carry_step,
    describe_step,
    fit_step,
    hide,
)
from worker_service.core.recipe.steps.base import Change
from worker_service.core.table.frame import Column, Frame

AnyFill = FillMissing | FillByGroup | FillByLevel | FillByTime | FillByModel
_NOT_PARAMETERS = {"kind", "phase", "why", "confidence", "rule", "column", "skipped", "encodings", "fitted"}


@dataclass(frozen=True, eq=False)
class Outcome:
    """The tables and facts that a recipe made of a frame."""

    recipe: Recipe
    """The recipe with every number that was measured on the way, and why each other step was not carried out."""

    typed: Frame
    """The decoded table with personal data hidden and its columns read as their types, and nothing else done."""
    cleaned: Frame
    """The table for people."""
    engineered: Frame
    """The table for models: numbers, and the target as it is."""
    results: tuple[StepResult, ...]
    """One result for each step, in the order of the recipe."""
    changes: pa.Table
    """The ledger of the cleaned table, with the columns of `ledger.SCHEMA`."""


def apply(recipe: Recipe, frame: Frame, *, hash_key: bytes | None = None) -> Outcome:
    """Apply a recipe to a frame.

    Steps that hide personal data come first, then reading steps, cleaning, outliers and features, each in the recipe's
    order. A step that does not fit is skipped with its reason. The target is never changed, only read or hidden.

    Args:
        recipe: the steps.
        frame: the decoded table.
        hash_key: the secret of the dataset's owner, which steps that hash need.
    """
    run = _Run(recipe, frame, hash_key)
    results = [run.execute(number, step) for number, step in _in_order(recipe)]
    return run.end(recipe.model_copy(update={"steps": run.steps_in_order()}), run.engineered, results)


def settle(outcome: Outcome, decoded: Frame) -> Outcome:
    """Return an outcome whose recipe can be repeated on other tables.

    Args:
        outcome: what a recipe made of a frame.
        decoded: that frame.
    """
    recipe = outcome.recipe
    contract = draw_up(decoded, outcome.cleaned, outcome.engineered, target=recipe.target.column)
    return replace(outcome, recipe=recipe.model_copy(update={"version": VERSION, "contract": contract}))


def replay(recipe: Recipe, frame: Frame, *, hash_key: bytes | None = None) -> Outcome:
    """Carry out a settled recipe on a decoded frame, which may be another than that it was made from.

    Nothing is measured: on its own frame it makes the same tables and ledger again, and on any other one columns with
    the same names, order and types. Flags, which tell of the first frame, are left out of the results.

    Args:
        recipe: a settled recipe.
        frame: the decoded table.
        hash_key: the secret of the dataset's owner, which steps that hash need.

    Raises:
        ContractBroken: the recipe is not settled, or the frame breaks its contract.
    """
    return _replay(recipe, frame, hash_key).outcome


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
    if any(step.scope == "table" and step.skipped is None for step in recipe.steps):
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


def _replay(recipe: Recipe, frame: Frame, hash_key: bytes | None, *, carries: bool = False) -> _Part:
    contract = require_contract(recipe)
    if not hash_key and any(isinstance(step, HidePersonalData) and step.method == "hash" for step in recipe.steps):
        raise ContractBroken("The recipe hashes personal data, which needs the key of its owner.", reason="NO_HASH_KEY")
    run = _Run(recipe, conform(frame, recipe), hash_key, carries=carries)
    results = [result for number, step in _in_order(recipe) if (result := run.repeat(number, step)) is not None]
    engineered, completed = complete(run.engineered, contract)
    results += [_completion(len(recipe.steps) + 1, completed)] if completed else []
    return _Part(run.end(recipe, engineered, results), run.steps_in_order())


def output_columns(recipe: Recipe) -> tuple[pa.Schema, pa.Schema]:
    """Return the columns of the cleaned and of the engineered table that a settled recipe makes of any table.

    Raises:
        ContractBroken: the recipe is not settled.
    """
    outcome = replay(recipe, empty_frame(require_contract(recipe)), hash_key=b"none")
    return outcome.cleaned.to_table().schema, outcome.engineered.to_table().schema


def hide_columns(frame: Frame, steps: Iterable[HidePersonalData], *, hash_key: bytes | None) -> Frame:
    """Return a decoded frame after steps that hide personal data, as it is when a recipe has applied them."""
    for step in steps:
        frame = _with_effect(frame, hide(step, frame, hash_key))
    return frame


def execution_rank(step: AnyStep) -> int:
    """Return the rank of a step in the order of execution; steps of equal rank keep their order.

    The steps for the engineered table alone come last, because both tables part there.
    """
    if isinstance(step, HidePersonalData | ReadColumn):
        return 0 if isinstance(step, ReadColumn) else -1
    return {"cleaning": 1, "outliers": 3 if _is_engineered_only(step) else 2, "features": 4}[step.phase]


def _is_engineered_only(step: AnyStep) -> bool:
    """Return True if a step leaves the cleaned table as it is."""
    return step.phase == "features" or (isinstance(step, TreatOutliers) and step.table == "engineered")


def _in_order(recipe: Recipe) -> list[tuple[int, AnyStep]]:
    return sorted(enumerate(recipe.steps, start=1), key=lambda pair: execution_rank(pair[1]))


class _Run:
    """The tables while a recipe is being applied."""

    def __init__(self, recipe: Recipe, frame: Frame, hash_key: bytes | None, *, carries: bool = False) -> None:
        self.typed = self.cleaned = self.engineered = frame
        self.ledger = Ledger(frame)
        self.steps: dict[int, AnyStep] = {}
        self._target = recipe.target.column
        self._hash_key = hash_key
        self._carries = carries

    def execute(self, number: int, step: AnyStep) -> StepResult:
        """Apply a step to the table of its phase; a step that does not fit is skipped with the reason."""
        frame = self.engineered if _is_engineered_only(step) else self.cleaned
        self.steps[number] = step
        try:
            if step.skipped is not None:
                raise StepRejected(step.skipped)
            self._require_fit(step, frame)
            step = self.steps[number] = fit_step(step, frame)  # type: ignore[assignment]
            effect = self._effect(step, frame)
            _require_rest(step, effect, frame)
        except StepRejected as rejection:
            self.steps[number] = step.model_copy(update={"skipped": str(rejection)})
            no_stats = StepStats(cells_changed=0, rows_removed=0, matched=0, known=0)
            return _result(number, step, "skipped", what="", why=f"Skipped: {rejection}", stats=no_stats)
        stats = self._commit(number, step, frame, effect)
        state: StepState = "flagged" if effect.flagged else "applied"
        return _result(number, step, state, what=describe_step(step, stats), why=step.why, stats=stats)

    def repeat(self, number: int, step: AnyStep) -> StepResult | None:
        """Apply a fitted step without measuring anything; None for a step that does nothing here."""
        self.steps[number] = step
        frame = self.engineered if _is_engineered_only(step) else self.cleaned
        # Rows that differ in the target alone would be equal without it.
        needs_target = self._target is not None and (self._target in step.columns or step.kind == "drop_duplicates")
        lacks_target = needs_target and self._target not in frame
        if step.skipped is not None or isinstance(step, Flag) or lacks_target:
            return None
        effect = self._effect(step, frame)
        stats = self._commit(number, step, frame, effect)
        if self._carries and step.scope == "ordered":
            after = self.engineered if _is_engineered_only(step) else self.cleaned
            self.steps[number] = carry_step(step, after)  # type: ignore[assignment]
        if not _does_anything(step, effect, stats):
            where = listing(quoted(name) for name in step.columns) or "the table"
            return _result(number, step, "skipped", what="", why=f"Skipped: nothing to do in {where}.", stats=stats)
        state: StepState = "flagged" if effect.flagged else "applied"
        why = f"In the recipe's own table: {step.why}"
        return _result(number, step, state, what=describe_step(step, stats), why=why, stats=stats)

    def steps_in_order(self) -> tuple[AnyStep, ...]:
        """Return the steps as they are by now, in the order of the recipe."""
        return tuple(self.steps[number] for number in sorted(self.steps))

    def end(self, recipe: Recipe, engineered: Frame, results: Iterable[StepResult]) -> Outcome:
        """Return what was made."""
        return Outcome(
            recipe=recipe,
            typed=self.typed,
            cleaned=self.cleaned,
            engineered=engineered,
            results=tuple(sorted(results, key=lambda result: result.step)),
            changes=self.ledger.close(self.cleaned),
        )

    def _effect(self, step: AnyStep, frame: Frame) -> Effect:
        if isinstance(step, HidePersonalData):
            return hide(step, frame, self._hash_key)
        return _spare_unfit_cells(step, frame, apply_step(step, frame))

    def _require_fit(self, step: AnyStep, frame: Frame) -> None:
        absent = [name for name in step.columns if name not in frame]
        if absent and not isinstance(step, Flag):
            raise StepRejected(f"There is no column {listing(quoted(name) for name in absent)} at this point.")
        existing = [name for name in step.outputs if name in frame]
        if existing:
            raise StepRejected(f"There is a column {listing(quoted(name) for name in existing)} already.")
        if self._target in step.columns and not isinstance(step, HidePersonalData | ReadColumn | Flag):
            raise StepRejected(f"{quoted(self._target or '')} is the target, which is never changed or used.")

    def _commit(self, number: int, step: AnyStep, frame: Frame, effect: Effect) -> StepStats:
        known = frame[step.columns[0]].known if step.columns and step.columns[0] in frame else 0
        after = _with_effect(frame, effect)
        if isinstance(step, ReadColumn) and effect.unfit is not None:
            after = replace(after, unfit=frame.with_unfit(step.column, effect.unfit).unfit)
        if isinstance(step, AnyFill):
            after = after.with_filled(step.column, effect.changed[step.column].cells)
        if _is_engineered_only(step):
            self.engineered = after
            changed = sum(int(change.cells.sum()) for change in effect.changed.values())
        else:
            changed = self.ledger.record(frame, effect, step=number, rule=step.rule, confidence=step.confidence)
            self.cleaned = self.engineered = after
            if isinstance(step, HidePersonalData | ReadColumn):
                self.typed = _with_effect(self.typed, effect)
        return StepStats(
            cells_changed=changed,
            rows_removed=frame.rows - after.rows,
            matched=effect.matched or 0,
            known=known,
            below=effect.below,
            rewritten=effect.rewritten,
            example=effect.example,
        )


def _spare_unfit_cells(step: AnyStep, frame: Frame, effect: Effect) -> Effect:
    """Return the effect without the fills of cells that held something, which only a person can decide.

    The engineered table needs a value there as well.
    """
    if not isinstance(step, AnyFill) or step.phase != "cleaning" or step.column not in frame.unfit:
        return effect
    change, unfit = effect.changed[step.column], np.isin(frame.row_numbers, frame.unfit[step.column].rows)
    cells = change.cells & ~unfit
    spared = pc.if_else(pa.array(unfit), pa.scalar(None, change.column.type), change.column.array)
    return replace(effect, changed={step.column: Change(Column(spared), cells)})


def _require_rest(step: AnyStep, effect: Effect, frame: Frame) -> None:
    """Make sure that something is left of the table, and to do; personal data is hidden all the same."""
    if isinstance(step, AnyFill) and not effect.changed[step.column].cells.any():
        raise StepRejected(f"The missing cells of {quoted(step.column)} all held something that does not fit.")
    if effect.kept_rows is not None and not effect.kept_rows.any():
        raise StepRejected("No row would be left.")
    is_last = bool(effect.dropped) and not effect.added and set(effect.dropped) >= set(frame.names)
    if is_last and not effect.hidden:
        raise StepRejected("No column would be left.")


def _does_anything(step: AnyStep, effect: Effect, stats: StepStats) -> bool:
    is_reading = isinstance(step, ReadColumn) and step.read_as.kind != "text"
    if is_reading or effect.added or effect.dropped:
        return True
    return bool(stats.cells_changed or stats.rows_removed or (effect.flagged and stats.matched))


def _completion(number: int, completed: Mapping[str, int]) -> StepResult:
    """Return the result that tells of numbers which could not be computed."""
    cells = listing(f"{count(cells, 'cell')} of {quoted(name)}" for name, cells in completed.items())
    what = f"In the engineered table, filled {cells} with a value from the middle of the recipe's own table."
    return StepResult(
        step=number,
        kind="fill_missing",
        phase="features",
        columns=tuple(completed),
        outputs=(),
        state="applied",
        what=what,
        why=f"{what} They were missing, or could not be computed.",
        rule="unforeseen_gap",
        confidence=0.5,
        cells_changed=sum(completed.values()),
        rows_removed=0,
        parameters={},
        outliers=0,
        outlier_share=0.0,
    )


def _with_effect(frame: Frame, effect: Effect) -> Frame:
    columns = {name: change.column for name, change in effect.changed.items()}
    after = frame.with_columns({**columns, **effect.added}) if columns or effect.added else frame
    after = after.without_columns(effect.dropped) if effect.dropped else after
    return after if effect.kept_rows is None else after.keep_rows(effect.kept_rows)


def _result(number: int, step: AnyStep, state: StepState, *, what: str, why: str, stats: StepStats) -> StepResult:
    outliers = stats.matched if isinstance(step, TreatOutliers) else 0
    return StepResult(
        step=number,
        kind=step.kind,
        phase=step.phase,
        columns=step.columns,
        outputs=step.outputs,
        state=state,
        what=what,
        why=f"{what} {why}".strip(),
        rule=step.rule,
        confidence=step.confidence,
        cells_changed=stats.cells_changed,
        rows_removed=stats.rows_removed,
        parameters=step.model_dump(mode="json", exclude=_NOT_PARAMETERS),
        outliers=outliers,
        outlier_share=outliers / stats.known if stats.known else 0.0,
    )
