"""The step that hides personal data, before anything else is done with a table."""

from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.vocabulary import HidingMethod, Phase
from worker_service.core.columns.hiding import hash_column, mask_column
from worker_service.core.columns.personal_data import NOUNS, PersonalData
from worker_service.core.humanize import count, quoted
from worker_service.core.recipe.steps.base import Change, ColumnStep, Effect, StepStats, describe_step
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Frame


class HidePersonalData(ColumnStep):
    """Mask the cells of a column, replace them by keyed hashes, or leave the column out of both tables.

    It comes before all other steps, so that nothing is computed from what is hidden.
    """

    kind: Literal["hide_personal_data"]
    phase: ClassVar[Phase] = "cleaning"
    method: HidingMethod
    personal_data: PersonalData
    missing: tuple[str, ...]
    """The texts that stand for missing, which stay as they are."""


def hide(step: HidePersonalData, frame: Frame, hash_key: bytes | None) -> Effect:
    """Compute the effect of a step.

    Args:
        step: the step.
        frame: a decoded frame that has its column.
        hash_key: the secret of the dataset's owner that `hash` needs. It is no part of the step, because whoever has
            it can find out which values were hashed.

    Raises:
        ValueError: there is no key, and the step needs it.
    """
    column = frame[step.column]
    if step.method == "drop":
        return Effect(dropped=(step.column,), hidden=True)
    if step.method == "mask":
        after = column.derive(mask_column, step.personal_data, step.missing)
    elif hash_key:
        after = column.derive(hash_column, step.personal_data, step.missing, hash_key)
    else:
        raise ValueError("a step that hashes needs the key of the dataset's owner")
    spared = pc.is_in(render(column.array), pa.array(step.missing, pa.string())).to_numpy(zero_copy_only=False)
    return Effect(changed={step.column: Change(after, column.present() & ~spared)}, hidden=True)


@describe_step.register
def _describe(step: HidePersonalData, stats: StepStats) -> str:
    noun = NOUNS[step.personal_data]
    if step.method == "drop":
        return f"Left {quoted(step.column)}, {noun}, out of both tables."
    done = "Masked" if step.method == "mask" else "Put keyed hashes in place of"
    return f"{done} {count(stats.cells_changed, 'cell')} of {quoted(step.column)}, {noun}."
