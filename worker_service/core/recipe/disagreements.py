"""Where a table disagrees with the contract of a recipe, in the columns for which its mode is not `evolve`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.vocabulary import ContractMode
from worker_service.core.drift.baseline import ColumnBaseline
from worker_service.core.humanize import count, examples, listing, number, plural_verb, quoted
from worker_service.core.recipe.contract import ContractBroken
from worker_service.core.recipe.recipe import Contract, InputColumn
from worker_service.core.recipe.steps import Effect
from worker_service.core.recipe.steps.base import Change
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Column, Frame, Mask

_MOST_SENTENCES = 3
_MOST_LEVELS = 5


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Cells of a column that are not what the contract expects."""

    column: str
    mode: ContractMode
    cells: Mask
    expectation: str
    """What they are not, such as `not between 0 and 100`."""
    why: str
    """A sentence with what was expected and what is there."""

    @property
    def drops_rows(self) -> bool:
        """True if the rows of the cells are left out."""
        return self.mode == "discard_row"


def find_disagreements(contract: Contract, typed: Frame) -> tuple[Disagreement, ...]:
    """Return where a table disagrees with its contract.

    Args:
        contract: the contract.
        typed: the table as the recipe reads it, with the cells that do not fit.

    Raises:
        ContractBroken: a column that is frozen disagrees.
    """
    disagreements = tuple(
        disagreement
        for expected in contract.input
        if expected.mode != "evolve" and expected.baseline is not None and expected.name in typed
        for disagreement in _disagreements(expected, expected.baseline, typed)
    )
    broken = [disagreement.why for disagreement in disagreements if disagreement.mode == "freeze"]
    if broken:
        more = len(broken) - _MOST_SENTENCES
        rest = f" And {count(more, 'more disagreement')}." if more > 0 else ""
        raise ContractBroken(" ".join(broken[:_MOST_SENTENCES]) + rest, reason="CONTRACT_BROKEN")
    return disagreements


def discard(disagreements: Sequence[Disagreement], frame: Frame) -> Effect:
    """Compute the effect of leaving out the rows, and emptying the cells, that disagree.

    Args:
        disagreements: of a decoded frame.
        frame: that frame.

    Raises:
        ContractBroken: no row would be left.
    """
    discarded = np.zeros(frame.rows, dtype=bool)
    for each in disagreements:
        if each.drops_rows:
            discarded |= each.cells
    if discarded.all():
        raise ContractBroken(f"No row would be left. {disagreements[0].why}", reason="CONTRACT_BROKEN")
    emptied: dict[str, Mask] = {}
    for each in disagreements:
        if each.mode == "discard_value":
            cells = each.cells & frame[each.column].present() & ~discarded
            emptied[each.column] = emptied[each.column] | cells if each.column in emptied else cells
    changed = {name: Change(_without(frame[name], cells), cells) for name, cells in emptied.items()}
    return Effect(changed=changed, kept_rows=~discarded if discarded.any() else None)


def _without(column: Column, cells: Mask) -> Column:
    return Column(pc.if_else(pa.array(cells), pa.scalar(None, column.type), column.array))


def _disagreements(expected: InputColumn, before: ColumnBaseline, typed: Frame) -> Iterator[Disagreement]:
    column, name, mode = typed[expected.name], expected.name, expected.mode
    unfit = typed.unfit.get(name)
    is_unfit = np.zeros(typed.rows, dtype=bool) if unfit is None else np.isin(typed.row_numbers, unfit.rows)
    if unfit is not None and is_unfit.any():
        expectation = f"not {_noun(column)}"
        yield Disagreement(name, mode, is_unfit, expectation, _sentence(name, is_unfit, expectation, unfit.texts[0]))
    is_missing = ~column.present() & ~is_unfit
    if not before.missing and is_missing.any():
        expectation = "where the recipe's table had one in each row"
        cells = count(int(is_missing.sum()), "cell")
        verb = plural_verb(int(is_missing.sum()), "has", "have")
        why = f"{cells} of {quoted(name)} {verb} no value, {expectation}."
        yield Disagreement(name, mode, is_missing, expectation, why)
    for is_other, expectation in _unexpected_values(before, column):
        if is_other.any():
            example = render(column.array.filter(pa.array(is_other))[:1])[0]
            yield Disagreement(name, mode, is_other, expectation, _sentence(name, is_other, expectation, example))


def _sentence(name: str, cells: Mask, expectation: str, example: pa.Scalar) -> str:
    amount = int(cells.sum())
    such_as = f"({examples([example.as_py()], of=amount)}) {plural_verb(amount, 'is', 'are')}"
    return f"{count(amount, 'cell')} of {quoted(name)} {such_as} {expectation}."


def _unexpected_values(before: ColumnBaseline, column: Column) -> Iterator[tuple[Mask, str]]:
    """Yield cells with a value that is not among those of the baseline, each kind with what was expected."""
    if before.levels is not None and (column.is_text or column.is_boolean):
        known = [level.value for level in before.levels]
        is_known = pc.is_in(render(column.array), pa.array(known, pa.string())).to_numpy(zero_copy_only=False)
        more = f" and {len(known) - _MOST_LEVELS:,} more" if len(known) > _MOST_LEVELS else ""
        levels = listing((quoted(level) for level in known[:_MOST_LEVELS]), conjunction="or")
        yield column.present() & ~is_known, f"not one of the levels {levels}{more}"
    if column.is_number and isinstance(before.minimum, float) and isinstance(before.maximum, float):
        values = column.numbers()
        with np.errstate(invalid="ignore"):
            outside = column.present() & ((values < before.minimum) | (values > before.maximum))
        yield outside, f"not between {number(before.minimum)} and {number(before.maximum)}"
    if before.is_unique:
        yield _repeated(column), "not unique"


def _repeated(column: Column) -> Mask:
    """Return the cells whose value stands in an earlier row."""
    codes = column.array.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    first = np.zeros(len(codes), dtype=bool)
    first[np.unique(codes, return_index=True)[1]] = True
    return np.asarray(~first & (codes >= 0))


def _noun(column: Column) -> str:
    if column.is_number:
        return "whole numbers" if column.is_integer else "numbers"
    return "moments" if column.is_timestamp else "true or false"
