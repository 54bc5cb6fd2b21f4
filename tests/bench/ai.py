"""Benchmark of a language model's advice: the gain by good answers, and the damage by bad or hostile ones."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deploy.gemini_stub import GeminiStub
from deploy.gemini_stub.rules import answer
from tests.bench.preparation import Advise, evaluate_faults, prepare_csv
from tests.planted.evaluation import damage_by_column
from tests.planted.faults import plant
from tests.planted.knowledge import evaluate_knowledge, plant_knowledge
from worker_service.planner.ai.advisor import AdviceResult, Advisor
from worker_service.planner.ai.gemini import Gemini
from worker_service.planner.ai.question import Question

Mode = Literal["fast", "smart", "deep"]
SEEDS = (1, 2, 3)
HOSTILE = ("bad_key", "limited_for_an_hour", "prompt_blocked", "cut_off", "no_json", "extra_fields", "half", "deep")


@dataclass(frozen=True)
class Score:
    """The result of one kind of answer on both generators, summed over the seeds."""

    faults: int
    fault_damage: int
    repaired: int
    false_cells: int
    knowledge_damage: int
    added_seconds: float
    """The median time that a preparation takes beyond a fast one, without the calls themselves."""


def answer_badly(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a model that understands nothing: every kind of proposal for every column."""
    document = json.loads(request["contents"][-1]["parts"][-1]["text"])
    ids = [column["id"] for column in document["columns"]]
    levels = {
        column["id"]: [str(level) for level, _ in column.get("most_frequent", [])] for column in document["columns"]
    }
    reason = {"why": "It seems right to me."}
    return {
        **answer(request),
        "types": [{"column": column_id, "type": "identifier", **reason} for column_id in ids],
        "missing_codes": [{"column": column_id, "values": levels[column_id][:3], **reason} for column_id in ids],
        "merges": [
            {"column": column_id, "into": levels[column_id][0], "levels": levels[column_id][1:4], **reason}
            for column_id in ids
            if levels[column_id]
        ],
        "fills": [{"column": column_id, "method": "mean", "by": None, **reason} for column_id in ids],
        "bounds": [{"column": column_id, "lower": 10, "upper": 11, "strategy": "cap", **reason} for column_id in ids],
        "orders": [{"column": column_id, "order": levels[column_id][:2], **reason} for column_id in ids],
        "units": [],
        "ratios": [{"numerator": ids[0], "denominator": ids[-1], **reason}],
        "target": {"column": ids[0], **reason},
    }


@contextmanager
def advising_stub(
    behaviour: str, rules: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator[tuple[Advise, list[float]]]:
    """Yield a function that asks a stub with this behaviour, and the list of seconds that its calls took."""
    durations: list[float] = []
    with GeminiStub(rules=rules) as stub:
        if behaviour != "well":
            stub.behave(behaviour)

        async def ask(mode: Literal["smart", "deep"], questions: Sequence[Question]) -> AdviceResult:
            model = Gemini(api_key="k", model="stub", base_url=stub.base_url, call_seconds=5)
            try:
                return await Advisor(model=model, run_seconds=10).advise(mode, questions)
            finally:
                await model.close()

        def advise(mode: Literal["smart", "deep"], questions: Sequence[Question]) -> AdviceResult:
            started = time.perf_counter()
            result = asyncio.run(ask(mode, questions))
            durations.append(time.perf_counter() - started)
            return result

        yield advise, durations


def score(folder: Path, mode: Mode, behaviour: str = "well", rules: Any = answer) -> Score:
    """Return the score of one mode and kind of answer, on three seeds of both generators."""
    faults = fault_damage = repaired = false_cells = knowledge_damage = 0
    added_seconds: list[float] = []
    with advising_stub(behaviour, rules) as (advise, durations):
        for seed in SEEDS:
            planted = plant(seed)
            preparation = prepare_csv(planted.csv, folder, mode=mode, advise=advise)
            results = evaluate_faults(planted, preparation)
            faults += sum(result.status in ("fixed", "flagged") for result in results)
            fault_damage += sum(damage_by_column(planted, preparation.cleaned, preparation.changes).values())
            knowledge = plant_knowledge(seed)
            started = time.perf_counter()
            prepare_csv(knowledge.csv, folder)
            fast_seconds = time.perf_counter() - started
            durations.clear()
            started = time.perf_counter()
            preparation = prepare_csv(knowledge.csv, folder, mode=mode, advise=advise)
            added_seconds.append(time.perf_counter() - started - fast_seconds - sum(durations))
            correct, damaged = evaluate_knowledge(knowledge, preparation.cleaned, preparation.rows)
            repaired += correct
            false_cells += len(knowledge.false)
            knowledge_damage += damaged
    median = sorted(added_seconds)[len(added_seconds) // 2]
    return Score(faults, fault_damage, repaired, false_cells, knowledge_damage, median)


def print_ai(folder: Path) -> None:
    """Print one line for each mode and kind of answer."""
    print(
        "mode   answers              faults (42)  damaged  known falsehoods gone  true cells changed  added s (aim 0.5)"
    )
    lines: list[tuple[Mode, str, str, Any]] = [("fast", "nobody asked", "well", answer)]
    lines += [(mode, "well", "well", answer) for mode in ("smart", "deep")]
    lines += [(mode, "badly", "well", answer_badly) for mode in ("smart", "deep")]
    lines += [("deep", behaviour, behaviour, answer) for behaviour in HOSTILE]
    for mode, name, behaviour, rules in lines:
        result = score(folder, mode, behaviour, rules)
        gone = f"{result.repaired:,} of {result.false_cells:,}"
        print(
            f"{mode:6} {name:20} {result.faults:<12} {result.fault_damage:<8} {gone:22} {result.knowledge_damage:<19} "
            f"{result.added_seconds:.2f}"
        )
