"""The executor of recipes: nothing else changes a table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.run_result import StepResult
from shared.contracts.vocabulary import StepState
from worker_service.core.humanize import count, listing, plural_verb, quoted
from worker_service.core.recipe.ledger import Ledger
from worker_service.core.recipe.recipe import Recipe
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
_NOT_PARAMETERS = {
    *("kind", "phase", "why", "confidence", "rule", "column"),
    *("skipped", "is_off", "user_set", "encodings", "fitted"),
}


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

    discards: tuple["Discard", ...] = ()
    """The rows that the contract of a repeated recipe discarded."""

    def unfit_counts(self) -> dict[str, int]:
        """Return how many cells held something that did not fit the type of their column, where any did."""
        return {name: len(cells.rows) for name, cells in self.typed.unfit.items()}


@dataclass(frozen=True, eq=False)
class Discard:
    """Rows that a contract discarded because of a column."""

    rows: npt.NDArray[np.int64]
    """Their row numbers, ascending, from 0."""
    column: str
    expectation: str
    """What their cells of the column are not, such as `not between 0 and 100`."""


Watch = Callable[[int, Frame, Frame], None]
"""Called with the place of each step that is carried out, and its table before and after."""


def apply(
    recipe: Recipe,
    frame: Frame,
    *,
    hash_key: bytes | None = None,
    kept_cells: Sequence[tuple[int, str]] = (),
    watch: Watch | None = None,
) -> Outcome:
    """Apply a recipe to a frame.

    Steps that hide personal data come first, then reading steps, cleaning, outliers and features, each in the recipe's
    order. A step that does not fit is skipped with its reason. The target is never changed, only read or hidden.

    Args:
        recipe: the steps.
        frame: the decoded table.
        hash_key: the secret of the dataset's owner, which steps that hash need.
        kept_cells: cells that stay as they are read, whatever the steps do: rows from 1, and columns.
        watch: is told of each step.
    """
    run = RecipeRun(recipe, frame, hash_key, kept_cells=kept_cells, watch=watch)
    results = [run.execute(number, step) for number, step in in_order(recipe)]
    run.restore_cells()
    return run.end(recipe.model_copy(update={"steps": run.steps_in_order()}), run.engineered, results)


def hide_columns(frame: Frame, steps: Iterable[HidePersonalData], *, hash_key: bytes | None) -> Frame:
    """Return a decoded frame after steps that hide personal data, as it is when a recipe has applied them."""
    for step in steps:
        frame = _with_effect(frame, hide(step, frame, hash_key))
    return frame


def read_frame(recipe: Recipe, frame: Frame, *, hash_key: bytes | None) -> Frame:
    """Return a decoded frame as a settled recipe reads it, with personal data hidden and nothing else changed."""
    run = RecipeRun(recipe, frame, hash_key)
    for number, step in in_order(recipe):
        if isinstance(step, HidePersonalData | ReadColumn):
            run.repeat(number, step)
    return run.typed


def execution_rank(step: AnyStep) -> int:
    """Return the rank of a step in the order of execution; steps of equal rank keep their order.

    The steps for the engineered table alone come last, because both tables part there.
    """
    if isinstance(step, HidePersonalData | ReadColumn):
        return 0 if isinstance(step, ReadColumn) else -1
    return {"cleaning": 1, "outliers": 3 if is_engineered_only(step) else 2, "features": 4}[step.phase]


def is_engineered_only(step: AnyStep) -> bool:
    """Return True if a step leaves the cleaned table as it is."""
    return step.phase == "features" or (isinstance(step, TreatOutliers) and step.table == "engineered")


def in_order(recipe: Recipe) -> list[tuple[int, AnyStep]]:
    """Return the steps with their places in the recipe, from 1, in the order of execution."""
    return sorted(enumerate(recipe.steps, start=1), key=lambda pair: execution_rank(pair[1]))


class RecipeRun:
    """The tables while a recipe is being applied or repeated."""

    def __init__(
        self,
        recipe: Recipe,
        frame: Frame,
        hash_key: bytes | None,
        *,
        carries: bool = False,
        kept_cells: Sequence[tuple[int, str]] = (),
        watch: Watch | None = None,
    ) -> None:
        self.typed = self.cleaned = self.engineered = frame
        self.ledger = Ledger(frame)
        self.steps: dict[int, AnyStep] = {}
        self._target = recipe.target.column
        self._hash_key = hash_key
        self._carries = carries
        self._kept_cells = kept_cells
        self._watch = watch
        self._restored: StepResult | None = None
        self._last_number = len(recipe.steps)

    def execute(self, number: int, step: AnyStep) -> StepResult:
        """Apply a step to the table of its phase; a step that does not fit is skipped with the reason."""
        if is_engineered_only(step):
            self.restore_cells()
        frame = self.engineered if is_engineered_only(step) else self.cleaned
        self.steps[number] = step
        if step.is_off:
            return _skipped_result(number, step, "Switched off.")
        try:
            if step.skipped is not None:
                raise StepRejected(step.skipped)
            self._require_fit(step, frame)
            step = self.steps[number] = fit_step(step, frame)  # type: ignore[assignment]
            effect = self._effect(step, frame)
            _require_rest(step, effect, frame)
        except StepRejected as rejection:
            self.steps[number] = step.model_copy(update={"skipped": str(rejection)})
            return _skipped_result(number, step, f"Skipped: {rejection}")
        stats = self._commit(number, step, frame, effect)
        state: StepState = "flagged" if effect.flagged else "applied"
        return _result(number, step, state, what=describe_step(step, stats), why=step.why, stats=stats)

    def repeat(self, number: int, step: AnyStep) -> StepResult | None:
        """Apply a fitted step without measuring anything; None for a step that does nothing here."""
        if is_engineered_only(step):
            self.restore_cells()
        self.steps[number] = step
        frame = self.engineered if is_engineered_only(step) else self.cleaned
        # Rows that differ in the target alone would be equal without it.
        needs_target = self._target is not None and (self._target in step.columns or step.kind == "drop_duplicates")
        lacks_target = needs_target and self._target not in frame
        if step.is_off:
            return _skipped_result(number, step, "Switched off.")
        if step.skipped is not None or isinstance(step, Flag) or lacks_target:
            return None
        effect = self._effect(step, frame)
        stats = self._commit(number, step, frame, effect)
        if self._carries and step.scope == "ordered":
            after = self.engineered if is_engineered_only(step) else self.cleaned
            self.steps[number] = carry_step(step, after)  # type: ignore[assignment]
        if not _does_anything(step, effect, stats):
            where = listing(quoted(name) for name in step.columns) or "the table"
            return _result(number, step, "skipped", what="", why=f"Skipped: nothing to do in {where}.", stats=stats)
        state: StepState = "flagged" if effect.flagged else "applied"
        why = f"In the recipe's own table: {step.why}"
        return _result(number, step, state, what=describe_step(step, stats), why=why, stats=stats)

    def discard(self, number: int, effect: Effect) -> int:
        """Make what a contract discards go, before any step; returns the number of cells that it empties."""
        frame = self.cleaned
        changed = self.ledger.record(frame, effect, step=number, rule="contract", confidence=1.0)
        self.typed = self.cleaned = self.engineered = _with_effect(frame, effect)
        return changed

    def restore_cells(self) -> None:
        """Put back what the cells that are kept held when they were read, once, before both tables part."""
        if not self._kept_cells or self._restored is not None:
            return
        frame = self.cleaned
        changed = {
            name: _as_read(self.typed, frame, name, {row - 1 for row, column in self._kept_cells if column == name})
            for name in dict.fromkeys(column for _, column in self._kept_cells)
            if name in frame and name in self.typed and frame[name].type == self.typed[name].type
        }
        effect = Effect(changed=changed)
        self._last_number += 1
        cells_changed = self.ledger.record(frame, effect, step=self._last_number, rule="user", confidence=1.0)
        self.cleaned = self.engineered = _with_effect(frame, effect)
        self._restored = _restored_result(self._last_number, tuple(changed), cells_changed)

    def steps_in_order(self) -> tuple[AnyStep, ...]:
        """Return the steps as they are by now, in the order of the recipe."""
        return tuple(self.steps[number] for number in sorted(self.steps))

    def end(self, recipe: Recipe, engineered: Frame, results: Iterable[StepResult]) -> Outcome:
        """Return what was made."""
        restored = () if self._restored is None else (self._restored,)
        return Outcome(
            recipe=recipe,
            typed=self.typed,
            cleaned=self.cleaned,
            engineered=engineered,
            results=tuple(sorted((*results, *restored), key=lambda result: result.step)),
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
        if is_engineered_only(step):
            self.engineered = after
            changed = sum(int(change.cells.sum()) for change in effect.changed.values())
        else:
            changed = self.ledger.record(frame, effect, step=number, rule=step.rule, confidence=step.confidence)
            self.cleaned = self.engineered = after
            if isinstance(step, HidePersonalData | ReadColumn):
                self.typed = replace(_with_effect(self.typed, effect), unfit=after.unfit)
        if self._watch is not None:
            self._watch(number, frame, after)
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


def _with_effect(frame: Frame, effect: Effect) -> Frame:
    columns = {name: change.column for name, change in effect.changed.items()}
    after = frame.with_columns({**columns, **effect.added}) if columns or effect.added else frame
    after = after.without_columns(effect.dropped) if effect.dropped else after
    return after if effect.kept_rows is None else after.keep_rows(effect.kept_rows)


def _skipped_result(number: int, step: AnyStep, why: str) -> StepResult:
    no_stats = StepStats(cells_changed=0, rows_removed=0, matched=0, known=0)
    return _result(number, step, "skipped", what="", why=why, stats=no_stats)


def _as_read(typed: Frame, frame: Frame, name: str, rows: set[int]) -> Change:
    """Return a column with the values of a table as it is read in some rows."""
    now, cells = frame[name].array, np.isin(frame.row_numbers, list(rows))
    read = typed[name].array.take(pa.array(np.searchsorted(typed.row_numbers, frame.row_numbers[cells])))
    before = pc.replace_with_mask(now, pa.array(cells), read)
    is_same = pc.or_kleene(pc.equal(before, now), pc.and_(before.is_null(), now.is_null())).fill_null(False)
    return Change(Column(before), cells & ~np.asarray(is_same.to_numpy(zero_copy_only=False)))


def _restored_result(number: int, columns: tuple[str, ...], cells: int) -> StepResult:
    """Return the result that tells of cells which a user wants as they were read."""
    what = f"Put {count(cells, 'cell')} back as the file has {plural_verb(cells, 'it', 'them')}." if cells else ""
    return StepResult(
        step=number,
        kind="kept_cells",
        phase="cleaning",
        columns=columns,
        outputs=(),
        state="applied" if cells else "skipped",
        what=what,
        why=f"{what} A user asked for it.".strip(),
        rule="user",
        confidence=1.0,
        cells_changed=cells,
        rows_removed=0,
        parameters={},
        outliers=0,
        outlier_share=0.0,
    )


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
