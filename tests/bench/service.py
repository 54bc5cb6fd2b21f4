"""The whole stack over REST: throughput of small datasets, and one large one from upload to its charts."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

_POLL_SECONDS = 0.25
_UPLOADERS = 8


def throughput(base_url: str, csv: Path, *, count: int) -> float:
    """Datasets completed per second when `count` are uploaded by eight users at once."""
    with httpx.Client(base_url=base_url, timeout=120) as client, ThreadPoolExecutor(_UPLOADERS) as pool:
        started = time.perf_counter()
        owner = f"bench-{started}"
        for _ in pool.map(lambda _: upload(client, csv, user_id=owner), range(count)):
            pass
        while completed(client, owner) < count:
            time.sleep(_POLL_SECONDS)
        return count / (time.perf_counter() - started)


def completed(client: httpx.Client, owner: str) -> int:
    """How many of an owner's datasets are completed; stops the measurement if one failed."""
    page = client.get("/datasets", params={"user_id": owner, "page_size": 500}).raise_for_status().json()
    states = [dataset["status"] for dataset in page["datasets"]]
    if "failed" in states:
        raise SystemExit("a dataset failed during the measurement")
    return states.count("completed")


def upload(client: httpx.Client, csv: Path, *, user_id: str) -> str:
    """Upload a file; its dataset id."""
    with csv.open("rb") as file:
        answer = client.post("/dataset/upload", files={"file": (csv.name, file)}, data={"user_id": user_id})
    dataset_id: str = answer.raise_for_status().json()["dataset_id"]
    return dataset_id


def one_dataset(base_url: str, csv: Path) -> tuple[float, str]:
    """Seconds from the start of the upload to completed, and the dataset's id."""
    with httpx.Client(base_url=base_url, timeout=300) as client:
        started = time.perf_counter()
        dataset_id = upload(client, csv, user_id="bench")
        while (state := status(client, dataset_id)["status"]) != "completed":
            if state == "failed":
                raise SystemExit("the dataset failed during the measurement")
            time.sleep(_POLL_SECONDS)
        return time.perf_counter() - started, dataset_id


def status(client: httpx.Client, dataset_id: str) -> dict[str, Any]:
    """Where a dataset stands."""
    answer: dict[str, Any] = client.get(f"/dataset/{dataset_id}/status").raise_for_status().json()
    return answer


def all_charts(base_url: str, dataset_id: str) -> tuple[float, int]:
    """Seconds to fetch every chart of a dataset as PNG for the first time, four at once, and how many there are."""
    with httpx.Client(base_url=base_url, timeout=300) as client, ThreadPoolExecutor(4) as pool:
        started = time.perf_counter()
        graphs = client.get(f"/dataset/{dataset_id}/eda/graphs").raise_for_status().json()["graphs"]
        for answer in pool.map(lambda graph: client.get(graph["url"]), graphs):
            answer.raise_for_status()
        return time.perf_counter() - started, len(graphs)
