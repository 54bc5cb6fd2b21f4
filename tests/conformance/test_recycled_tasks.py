"""A child that has served other tasks does with a file exactly what a fresh child does."""

import asyncio
import io
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.csv as pacsv
import pytest

from ingest_service.decoding import Limits, decode_file
from report_service.charts.drawing import draw_png, draw_svg
from shared.contracts.run_options import ReadOptions, RunOptions
from shared.errors import ServiceError
from shared.isolation.children import Children
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import IsolationError
from shared.isolation.recycled_children import RecycledChildren
from shared.scratch import Scratch
from tests.bench import families
from tests.bench.tables import mixed_table, small_table
from worker_service.worker.preparation import examine, prepare
from worker_service.worker.preparation_task import PreparationTask

ROWS = 150
LIMITS: dict[str, Any] = {"deadline": 120, "memory_bytes": 1 << 30}


def text_of(table: Any) -> bytes:
    sink = io.BytesIO()
    pacsv.write_csv(table, sink)
    return sink.getvalue()


def files() -> Iterator[tuple[str, bytes]]:
    for family in (families.records, families.survey, families.panel, families.multilingual, families.codes):
        frame: pd.DataFrame = family(np.random.default_rng(1)).head(ROWS)
        yield f"{family.__name__}.csv", frame.to_csv(index=False).encode()
        yield f"{family.__name__}.json", frame.to_json(orient="records").encode()
    yield "small.csv", text_of(small_table(ROWS))
    yield "mixed.csv", text_of(mixed_table(ROWS, 12))
    yield "semicolons.csv", b"name;amount\n" + b"".join(b"Andr\xe9 %d;1.%03d,50\n" % (i, i) for i in range(ROWS))
    yield "ragged.csv", b"a,b\n1,2\n3\n4,5,6\n7,8\n"
    yield "empty.csv", b""
    yield "header.csv", b"a,b\n"


FILES = dict(files())
OPTIONS: list[dict[str, Any]] = [{}, {"scaling": "standard"}, {"split": "0.25"}, {"privacy": "mask"}]


async def everything(children: Children, folder: Path, name: str, options: RunOptions) -> dict[str, Any]:
    """Return what a file's decoding, examination and preparation leave, byte for byte."""
    target = folder / "artifacts"
    target.mkdir(parents=True)
    (folder / "raw").write_bytes(FILES[name])
    table = folder / "table.arrow"
    task = PreparationTask(table=table, target=target, options=options, profile=folder / "profile.json")
    limits = Limits(max_rows=10_000, max_columns=100)
    made: dict[str, Any] = {}
    try:
        made["decoded"] = await children.run(decode_file, folder / "raw", name, table, limits, ReadOptions(), **LIMITS)
        made["result"] = await children.run(prepare, task, **LIMITS, on_progress=lambda stage, percent: None)
        made["questions"] = await children.run(examine, task, **LIMITS, on_progress=lambda stage, percent: None)
    except (ServiceError, IsolationError) as error:
        made["error"] = (type(error), str(error))
        return made  # what is left then is removed
    written = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return written | {key: pickle.dumps(value) for key, value in made.items()}


async def test_charts_are_the_same_pictures(isolation: Isolation, tmp_path: Path) -> None:
    await everything(isolation, tmp_path / "prepared", "small.csv", RunOptions())
    charts = json.loads((tmp_path / "prepared" / "artifacts" / "charts.json").read_text())["charts"]
    children = RecycledChildren(isolation, Scratch(tmp_path / "scratch"))
    assert {chart["kind"] for chart in charts} >= {"histogram", "boxplot", "countplot", "correlation", "missingness"}
    for chart in charts:
        for draw in (draw_png, draw_svg):
            assert await children.run(draw, chart, **LIMITS) == await isolation.run(draw, chart, **LIMITS)
    await children.close()


@pytest.mark.parametrize("seed", range(2))
async def test_as_a_fresh_child(isolation: Isolation, tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    children = RecycledChildren(isolation, Scratch(tmp_path / "scratch"))
    names = random.permutation(sorted(FILES))
    for number, name in enumerate(names):
        options = RunOptions(**OPTIONS[random.integers(len(OPTIONS))])
        recycled, fresh = await asyncio.gather(
            everything(children, tmp_path / f"recycled-{number}", name, options),
            everything(isolation, tmp_path / f"fresh-{number}", name, options),
        )
        assert recycled.keys() == fresh.keys(), name
        assert [key for key in fresh if recycled[key] != fresh[key]] == [], name
    await children.close()
