"""Decoding and preparation of a file in this process."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from ingest_service.decoding import Limits, decode_file
from shared.contracts.run_options import RunOptions
from shared.contracts.run_result import StepResult
from tests.planted.evaluation import FaultResult, evaluate
from tests.planted.plan import Planted
from worker_service.core.table.frame import Frame
from worker_service.planner.advised_run import prepare_with_advice
from worker_service.planner.ai.advisor import AdviceResult
from worker_service.planner.ai.prompt import compose_questions
from worker_service.planner.ai.question import Question
from worker_service.planner.privacy import hide_personal_data
from worker_service.planner.propose import propose

Advise = Callable[[Literal["smart", "deep"], Sequence[Question]], AdviceResult]
LIMITS = Limits(max_rows=10**9, max_columns=10**6)


@dataclass(frozen=True, eq=False)
class Preparation:
    """The result of preparing a file."""

    cleaned: pa.Table
    engineered: pa.Table
    changes: pa.Table
    logs: tuple[StepResult, ...]
    profile: dict[str, Any]
    target: str | None
    rows: tuple[int, ...]
    """The row number in the file, from 0, of each row of the cleaned table."""


def prepare_csv(
    csv: bytes,
    folder: Path,
    *,
    target: str | None = None,
    mode: Literal["fast", "smart", "deep"] = "fast",
    advise: Advise | None = None,
) -> Preparation:
    """Prepare a CSV file with the default options.

    Args:
        csv: the file's bytes.
        folder: where scratch files are written.
        target: the column to predict.
        mode: how the preparation consults a language model.
        advise: asks a language model; without it every mode is fast.
    """
    source, table = folder / "table.csv", folder / "table.arrow"
    source.write_bytes(csv)
    decode_file(source, source.name, table, LIMITS)
    with pa.OSFile(str(table)) as file:
        frame = Frame.from_table(pa.ipc.open_file(file).read_all())
    private = hide_personal_data(frame, RunOptions(mode=mode, target=target))
    facts = private.profile()
    if mode == "fast" or advise is None:
        outcome = private.apply(propose(facts, private.options))
    else:
        facts, outcome = prepare_with_advice(facts, private, advise(mode, compose_questions(facts, frame, mode)))
    return Preparation(
        cleaned=outcome.cleaned.to_table(),
        engineered=outcome.engineered.to_table(),
        changes=outcome.changes,
        logs=outcome.results,
        profile=json.loads(facts.model_dump_json()),
        target=outcome.recipe.target.column,
        rows=tuple(outcome.cleaned.row_numbers.tolist()),
    )


def evaluate_faults(planted: Planted, preparation: Preparation) -> list[FaultResult]:
    """Evaluate what a preparation made of each planted fault."""
    return evaluate(
        planted,
        preparation.cleaned,
        preparation.engineered,
        preparation.changes,
        preparation.logs,
        preparation.profile,
    )
