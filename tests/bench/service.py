"""Benchmark of the whole stack over REST: throughput of small datasets, and latency of a large one."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from threadpoolctl import threadpool_limits

from shared.contracts.run_options import RunOptions
from worker_service.worker.preparation import prepare
from worker_service.worker.preparation_task import PreparationTask

_POLL_SECONDS = 0.25
_UPLOADERS = 8


def measure_throughput(base_url: str, csv: Path, *, count: int) -> float:
    """Return the completed datasets per second when `count` are uploaded by eight concurrent clients."""
    with httpx.Client(base_url=base_url, timeout=120) as client, ThreadPoolExecutor(_UPLOADERS) as pool:
        started = time.perf_counter()
        owner = f"bench-{started}"
        for _ in pool.map(lambda _: upload(client, csv, user_id=owner), range(count)):
            pass
        while count_completed(client, owner) < count:
            time.sleep(_POLL_SECONDS)
        return count / (time.perf_counter() - started)


def time_in_process(csv: Path) -> float:
    """Return the processor time of preparing a table in a process that has prepared some before, in milliseconds."""
    texts = pacsv.ConvertOptions(column_types=dict.fromkeys(_names(csv), pa.string()), strings_can_be_null=True)
    table = pacsv.read_csv(csv, convert_options=texts)
    # As in a child: threads that wait for each other spend processor time, too.
    with TemporaryDirectory(prefix="neuralearn-bench-") as name, threadpool_limits(1):
        folder = Path(name)
        with pa.OSFile(str(folder / "table.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        spent = []
        for number in range(13):
            (target := folder / str(number)).mkdir()
            task = PreparationTask(
                table=folder / "table.arrow", target=target, options=RunOptions(), profile=folder / "none.json"
            )
            started = time.process_time()
            prepare(lambda stage, percent: None, task)
            spent.append(time.process_time() - started)
    return 1000 * float(np.median(spent[3:]))


def _names(csv: Path) -> list[str]:
    with csv.open() as file:
        return [name.strip('"') for name in file.readline().strip().split(",")]


def count_completed(client: httpx.Client, owner: str) -> int:
    """Return how many of an owner's datasets are completed.

    Raises:
        SystemExit: one of them failed, which ends the benchmark.
    """
    page = client.get("/datasets", params={"user_id": owner, "page_size": 500}).raise_for_status().json()
    states = [dataset["status"] for dataset in page["datasets"]]
    if "failed" in states:
        raise SystemExit("a dataset failed during the measurement")
    return states.count("completed")


def upload(client: httpx.Client, csv: Path, *, user_id: str) -> str:
    """Upload a file and return its dataset id."""
    with csv.open("rb") as file:
        response = client.post("/dataset/upload", files={"file": (csv.name, file)}, data={"user_id": user_id})
    dataset_id: str = response.raise_for_status().json()["dataset_id"]
    return dataset_id


def time_dataset(base_url: str, csv: Path) -> tuple[float, str]:
    """Return the seconds from the start of an upload until the dataset is completed, and its id.

    Raises:
        SystemExit: the dataset failed, which ends the benchmark.
    """
    with httpx.Client(base_url=base_url, timeout=300) as client:
        started = time.perf_counter()
        dataset_id = upload(client, csv, user_id="bench")
        while (state := fetch_status(client, dataset_id)["status"]) != "completed":
            if state == "failed":
                raise SystemExit("the dataset failed during the measurement")
            time.sleep(_POLL_SECONDS)
        return time.perf_counter() - started, dataset_id


def fetch_status(client: httpx.Client, dataset_id: str) -> dict[str, Any]:
    """Return the status of a dataset."""
    status: dict[str, Any] = client.get(f"/dataset/{dataset_id}/status").raise_for_status().json()
    return status


def time_charts(base_url: str, dataset_id: str) -> tuple[float, int]:
    """Return the seconds to fetch all charts of a dataset as PNG, four at once, and their count."""
    with httpx.Client(base_url=base_url, timeout=300) as client, ThreadPoolExecutor(4) as pool:
        started = time.perf_counter()
        graphs = client.get(f"/dataset/{dataset_id}/eda/graphs").raise_for_status().json()["graphs"]
        for response in pool.map(lambda graph: client.get(graph["url"]), graphs):
            response.raise_for_status()
        return time.perf_counter() - started, len(graphs)
