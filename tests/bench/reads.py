"""Benchmark of reading over REST: requests a second, their latency, and the processor time of each by process."""

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import numpy as np

from deploy.local.stack import Stack
from tests.bench import service
from tests.bench.processor_time import cpu_seconds
from tests.bench.tables import small_table, write_csv

CONNECTIONS = 30
_SECONDS = 6.0
_DATASETS = 60


def print_reads() -> None:
    """Print the figures of a status, a list of 50, a small table, a cached chart, and a route that reads nothing."""
    with TemporaryDirectory(prefix="neuralearn-bench-") as name, Stack(Path(name) / "stack", ports="free") as stack:
        small = write_csv(small_table(1000, seed=1), Path(name) / "small.csv")
        service.measure_throughput(stack.gateway_url, small, count=_DATASETS)
        _, dataset_id = service.time_dataset(stack.gateway_url, small)
        service.time_charts(stack.gateway_url, dataset_id)
        paths = {
            "status (aim 1,200)": f"/dataset/{dataset_id}/status",
            "list of 50 (aim 400)": "/datasets?page_size=50",
            "cleaned.csv (aim 600)": f"/dataset/{dataset_id}/cleaned?format=csv",
            "cached chart (aim 900)": asyncio.run(_first_chart(stack.gateway_url, dataset_id)),
            "bare route": "/health/live",
        }
        for label, path in paths.items():
            _print_path(stack, label, path)


def _print_path(stack: Stack, label: str, path: str) -> None:
    asyncio.run(_load(stack.gateway_url + path, seconds=1.0))
    before = cpu_seconds(stack)
    latencies = asyncio.run(_load(stack.gateway_url + path, seconds=_SECONDS))
    spent = {name: (after - before[name]) / len(latencies) * 1000 for name, after in cpu_seconds(stack).items()}
    median, late = np.quantile(latencies, (0.5, 0.99)) * 1000
    parts = ", ".join(f"{name} {milliseconds:.2f}" for name, milliseconds in spent.items() if milliseconds >= 0.01)
    print(
        f"{label}: {len(latencies) / _SECONDS:,.0f}/s on {CONNECTIONS} connections, median {median:.0f} ms, "
        f"p99 {late:.0f} ms = {late / median:.1f} × (aim 4); ms of a core each: {parts}"
    )


async def _first_chart(base_url: str, dataset_id: str) -> str:
    async with (
        aiohttp.ClientSession(base_url) as session,
        session.get(f"/dataset/{dataset_id}/eda/graphs") as response,
    ):
        address: str = (await response.json())["graphs"][0]["url"]
        return address


async def _load(url: str, *, seconds: float) -> list[float]:
    """Return the seconds of each request when some connections send one after the other for a while."""
    until, latencies = time.perf_counter() + seconds, list[float]()

    async def ask(session: aiohttp.ClientSession) -> None:
        while (begun := time.perf_counter()) < until:
            async with session.get(url) as response:
                response.raise_for_status()
                await response.read()
            latencies.append(time.perf_counter() - begun)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        await asyncio.gather(*(ask(session) for _ in range(CONNECTIONS)))
    return latencies
