"""What a language model adds, and what one that answers badly or with malice can do: nothing."""

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
from tests.bench.preparation import Advise, prepare_csv
from tests.planted.evaluation import damage_by_column
from tests.planted.faults import judge, plant
from tests.planted.knowledge import judge_knowledge, plant_knowledge
from worker_service.planner.ai.advisor import AdviceResult, Advisor
from worker_service.planner.ai.gemini import Gemini
from worker_service.planner.ai.prompt import Question

Mode = Literal["fast", "smart", "deep"]
SEEDS = (1, 2, 3)
HOSTILE = ("bad_key", "limited_for_an_hour", "prompt_blocked", "cut_off", "no_json", "extra_fields", "half", "deep")


@dataclass(frozen=True)
class Score:
    """One way of asking on both generators, summed over the seeds."""

    faults: int
    fault_damage: int
    mended: int
    false: int
    knowledge_damage: int
    added_seconds: float
    """The median of what a preparation takes longer than a fast one, less the calls themselves."""


def badly(request: dict[str, Any]) -> dict[str, Any]:
    """What a model would answer that understands nothing: every kind of proposal for every column."""
    document = json.loads(request["contents"][-1]["parts"][-1]["text"])
    ids = [column["id"] for column in document["columns"]]
    levels = {
        column["id"]: [str(level) for level, _ in column.get("most_frequent", [])] for column in document["columns"]
    }
    because = {"why": "It seems right to me."}
    good = answer(request)
    return {
        **good,
        "types": [{"column": one, "type": "identifier", **because} for one in ids],
        "missing_codes": [{"column": one, "values": levels[one][:3], **because} for one in ids],
        "merges": [
            {"column": one, "into": levels[one][0], "levels": levels[one][1:4], **because} for one in ids if levels[one]
        ],
        "fills": [{"column": one, "method": "mean", "by": None, **because} for one in ids],
        "bounds": [{"column": one, "lower": 10, "upper": 11, "strategy": "cap", **because} for one in ids],
        "orders": [{"column": one, "order": levels[one][:2], **because} for one in ids],
        "units": [],
        "ratios": [{"numerator": ids[0], "denominator": ids[-1], **because}],
        "target": {"column": ids[0], **because},
    }


@contextmanager
def asking(behaviour: str, rules: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[tuple[Advise, list[float]]]:
    """A way to ask a stub that behaves so, and the seconds each asking took."""
    spent: list[float] = []
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
            advised = asyncio.run(ask(mode, questions))
            spent.append(time.perf_counter() - started)
            return advised

        yield advise, spent


def score(folder: Path, mode: Mode, behaviour: str = "well", rules: Any = answer) -> Score:
    """One way of asking, on three seeds of both generators."""
    faults = fault_damage = mended = false = knowledge_damage = 0
    added: list[float] = []
    with asking(behaviour, rules) as (advise, spent):
        for seed in SEEDS:
            planted = plant(seed)
            done = prepare_csv(planted.csv, folder, mode=mode, advise=advise)
            verdicts = judge(planted, done.cleaned, done.engineered, done.changes, done.logs, done.profile)
            faults += sum(verdict.status in ("fixed", "flagged") for verdict in verdicts)
            fault_damage += sum(damage_by_column(planted, done.cleaned, done.changes).values())
            known = plant_knowledge(seed)
            started = time.perf_counter()
            prepare_csv(known.csv, folder)
            fast = time.perf_counter() - started
            spent.clear()
            started = time.perf_counter()
            done = prepare_csv(known.csv, folder, mode=mode, advise=advise)
            added.append(time.perf_counter() - started - fast - sum(spent))
            right, damage = judge_knowledge(known, done.cleaned, done.rows)
            mended, false, knowledge_damage = mended + right, false + len(known.false), knowledge_damage + damage
    return Score(faults, fault_damage, mended, false, knowledge_damage, sorted(added)[len(added) // 2])


def print_ai(folder: Path) -> None:
    """One line for each mode and kind of answer."""
    print(
        "mode   answers              faults (42)  damaged  known falsehoods gone  true cells changed  added s (aim 0.5)"
    )
    lines: list[tuple[Mode, str, str, Any]] = [("fast", "nobody asked", "well", answer)]
    lines += [(mode, "well", "well", answer) for mode in ("smart", "deep")]
    lines += [(mode, "badly", "well", badly) for mode in ("smart", "deep")]
    lines += [("deep", behaviour, behaviour, answer) for behaviour in HOSTILE]
    for mode, name, behaviour, rules in lines:
        got = score(folder, mode, behaviour, rules)
        gone = f"{got.mended:,} of {got.false:,}"
        print(
            f"{mode:6} {name:20} {got.faults:<12} {got.fault_damage:<8} {gone:22} {got.knowledge_damage:<19} "
            f"{got.added_seconds:.2f}"
        )
