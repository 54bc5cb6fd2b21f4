"""A preparation that is fitted on a part of its table, and repeated on the rest, which is held out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.artifacts import DECODED_METADATA
from shared.contracts.column_names import match_name
from shared.contracts.run_result import StepResult
from shared.contracts.split import SPLIT_COLUMN, Split
from shared.errors import FieldError, InvalidInput
from worker_service.core.drift.report import Drift, report_drift
from worker_service.core.humanize import count, quoted
from worker_service.core.parsing import infer, read
from worker_service.core.parsing.spec import AnyReadAs
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.contract import require_contract
from worker_service.core.recipe.replay import replay
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Column, Frame, Mask


@dataclass(frozen=True, eq=False)
class SplitFrame:
    """The parts of a decoded table, with the row numbers of the whole."""

    train: Frame
    test: Frame


def split_frame(decoded: Frame, split: Split) -> SplitFrame:
    """Return the part of a table that a preparation is fitted on, and the part that is held out.

    Raises:
        InvalidInput: a part would be empty, or the condition does not fit its column.
    """
    held_out = _choose_share(decoded.rows, split) if split.share is not None else _meet_condition(decoded, split)
    if held_out.all() or not held_out.any():
        part = "holds every row out" if held_out.all() else "holds no row out"
        raise _invalid(f"It {part}, of {count(decoded.rows, 'row')}", "SPLIT_EMPTY")
    return SplitFrame(decoded.keep_rows(~held_out), decoded.keep_rows(held_out))


def _choose_share(rows: int, split: Split) -> Mask:
    """Choose a share of the rows, the same for the same number of rows and seed."""
    order = np.random.default_rng(split.seed).permutation(rows)
    chosen = np.zeros(rows, dtype=bool)
    chosen[order[: round(rows * (split.share or 0.0))]] = True
    return chosen


def _meet_condition(decoded: Frame, split: Split) -> Mask:
    """Return the rows of which the column meets the condition; those without a value do not."""
    column = decoded[match_name(split.column, decoded.names) or split.column]
    if split.operator == "=":
        texts = pc.utf8_trim_whitespace(render(column.array))
        return np.asarray(pc.equal(texts, split.value).fill_null(False).to_numpy(zero_copy_only=False))
    spec = infer(column).read_as
    typed = column if spec is None else read(column, spec).column
    if not (typed.is_number or typed.is_timestamp):
        raise _invalid(f"{quoted(split.column)} holds neither numbers nor moments", "SPLIT_UNORDERED")
    start = _read_like(split.value, spec)
    if not ((start.is_number and typed.is_number) or (start.is_timestamp and typed.is_timestamp)):
        raise _invalid(f"{quoted(split.column)} holds nothing like {quoted(split.value)}", "SPLIT_UNORDERED")
    zone = getattr(typed.type, "tz", None)
    first = start.array.cast(pa.timestamp("us", zone) if typed.is_timestamp else pa.float64())[0]
    return np.asarray(pc.greater_equal(typed.array, first).fill_null(False).to_numpy(zero_copy_only=False))


def _read_like(value: str, spec: AnyReadAs | None) -> Column:
    """Return a value as a column's cells are read, or else as it reads by itself."""
    text = Column(pa.array([value]))
    for each in (spec, infer(text).read_as):
        if each is not None and (reading := read(text, each)).column.known:
            return reading.column
    return text


def _invalid(problem: str, reason: str) -> InvalidInput:
    return InvalidInput(f"split: {problem}.", reason=reason, fields=[FieldError(field="split", detail=problem)])


def add_held_out(outcome: Outcome, parts: SplitFrame, *, hash_key: bytes | None) -> tuple[Outcome, Drift]:
    """Return an outcome with the rows that were held out, prepared by its recipe, and their drift.

    The engineered table gets a last column that says which part a row is of.

    Args:
        outcome: the settled outcome of the training part.
        parts: the parts of the table.
        hash_key: the secret of the dataset's owner, which steps that hash need.
    """
    contract = require_contract(outcome.recipe)
    lenient = tuple(column.model_copy(update={"mode": "evolve"}) for column in contract.input)
    recipe = outcome.recipe.model_copy(update={"contract": contract.model_copy(update={"input": lenient})})
    test = replay(recipe, parts.test, hash_key=hash_key)
    cleaned, engineered = _merge(outcome.cleaned, test.cleaned), _merge(outcome.engineered, test.engineered)
    is_test = np.isin(engineered.row_numbers, test.engineered.row_numbers)
    named = {SPLIT_COLUMN: Column(pa.array(np.where(is_test, "test", "train").tolist(), pa.string()))}
    merged = replace(
        outcome,
        cleaned=cleaned,
        engineered=engineered.with_columns(named),
        results=(*outcome.results, _held_out_result(outcome, test, parts)),
        changes=_merge_changes([outcome.changes, test.changes]),
    )
    return merged, report_drift(outcome.recipe, parts.test, test)


def _merge(train: Frame, test: Frame) -> Frame:
    """Return the rows of both parts in the order of the decoded table."""
    row_numbers = np.concatenate([train.row_numbers, test.row_numbers])
    order = np.argsort(row_numbers, kind="stable")
    indices = pa.array(order)
    columns = {
        name: Column(pa.concat_arrays([column.array, test[name].array]).take(indices))
        for name, column in train.columns.items()
    }
    return Frame(columns, row_numbers[order])


def _merge_changes(parts: Sequence[pa.Table]) -> pa.Table:
    """Return the ledgers of both parts as one, by which the whole table can be restored."""
    origins = [json.loads(part.schema.metadata[DECODED_METADATA]) for part in parts]
    removed: npt.NDArray[np.int64] = np.sort(
        np.concatenate([np.asarray(each["removed"], np.int64) for each in origins])
    )
    whole = {
        "columns": origins[0]["columns"],
        "rows": sum(each["rows"] for each in origins),
        "removed": removed.tolist(),
    }
    table = pa.concat_tables([part.replace_schema_metadata(None) for part in parts])
    return table.replace_schema_metadata({DECODED_METADATA: json.dumps(whole).encode()})


def _held_out_result(outcome: Outcome, test: Outcome, parts: SplitFrame) -> StepResult:
    """Return the result that tells of the rows that were held out."""
    what = (
        f"Held {count(parts.test.rows, 'row')} out: everything was measured on the other {parts.train.rows:,}, and "
        f"the same steps changed {count(test.changes.num_rows, 'cell')} of the rows held out."
    )
    return StepResult(
        step=len(outcome.recipe.steps) + 1,
        kind="split",
        phase="cleaning",
        columns=(),
        outputs=(),
        state="applied",
        what=what,
        why=f"{what} The numbers of the other steps are those of the training rows.",
        rule="split",
        confidence=1.0,
        cells_changed=test.changes.num_rows,
        rows_removed=0,
        parameters={},
        outliers=0,
        outlier_share=0.0,
    )
