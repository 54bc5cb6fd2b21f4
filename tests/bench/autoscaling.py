"""Pods over time: the real answers to KEDA, driven through the formula of the HorizontalPodAutoscaler.

No cluster is needed: time is simulated, the scaler is asked over gRPC. Source of the formula: Kubernetes, "Horizontal
Pod Autoscaling": desired = ceil(value / target) outside of a tolerance, the highest recommendation of the stabilisation
window when scaling down, and at most what the policies allow.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import yaml  # type: ignore[import-untyped]

from shared.db.runs import QueueLoad
from shared.identity.access_control import OpenAccess
from shared.logs import configure_logs
from shared.pb.externalscaler import externalscaler_pb2 as pb
from shared.pb.externalscaler import externalscaler_pb2_grpc as rpc
from shared.rpc.server import LOOPBACK, Service, running_server
from worker_service.pipeline.external_scaler.queue_counts import QueueCounts
from worker_service.pipeline.external_scaler.servicer import ExternalScalerServicer

SCALED_OBJECTS = Path(__file__).parents[2] / "deploy/k8s/overlays/keda/scaledobjects.yaml"
TOLERANCE = 0.1
SYNC_SECONDS = 15
POD_SECONDS = 20
"""From the decision to the first run: schedule, start, import."""
SLOTS = 2


@dataclass(frozen=True)
class Scenario:
    """Runs that arrive, and how long each takes."""

    name: str
    queue: str
    arrivals: Callable[[int], int]
    """The runs that arrive in a second."""
    run_seconds: int
    seconds: int


@dataclass
class Cluster:
    """The queue and its pods, a second at a time."""

    run_seconds: int
    pods: int = 0
    starting: list[int] = field(default_factory=list)
    """Seconds until each new pod takes runs."""
    waiting: int = 0
    running: list[int] = field(default_factory=list)
    """Seconds left of each run."""

    async def load(self) -> dict[str, QueueLoad]:
        """Return the load as the database would count it; every queue has it."""
        load = QueueLoad(ready=self.waiting, running=len(self.running))
        return {"eda_fast": load, "eda_deep": load}

    def advance(self, arrived: int) -> None:
        """Let a second pass."""
        self.waiting += arrived
        self.starting = [left - 1 for left in self.starting if left > 1]
        self.running = [left - 1 for left in self.running if left > 1]
        free = (self.pods - len(self.starting)) * SLOTS - len(self.running)
        begun = max(0, min(free, self.waiting))
        self.waiting -= begun
        self.running += [self.run_seconds] * begun

    def scale(self, pods: int) -> None:
        """Start or stop pods; those that start go first."""
        self.starting += [POD_SECONDS] * (pods - self.pods)
        if pods < self.pods:
            self.starting = self.starting[: max(0, len(self.starting) - (self.pods - pods))]
        self.pods = pods


class Autoscaler:
    """KEDA and the HorizontalPodAutoscaler that it writes, by the ScaledObject of a queue."""

    def __init__(self, scaled_object: dict[str, Any]) -> None:
        spec = scaled_object["spec"]
        self.metadata: dict[str, str] = spec["triggers"][0]["metadata"]
        self._least, self._most = spec["minReplicaCount"], spec["maxReplicaCount"]
        self._cooldown = spec.get("cooldownPeriod", 300)
        behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        self._up, (self._down) = behavior["scaleUp"]["policies"][0], behavior["scaleDown"]["policies"][0]
        self._window = behavior["scaleDown"]["stabilizationWindowSeconds"]
        self._recommended: deque[tuple[int, int]] = deque()
        self._changes: list[tuple[int, int]] = []
        self._active_at = -math.inf

    def desire(self, now: int, pods: int, *, value: float, target: float, is_active: bool) -> int:
        """Return how many pods there should be."""
        if is_active:
            self._active_at = now
        if self._least == 0 and (pods == 0 or now - self._active_at >= self._cooldown):
            return 1 if is_active else 0
        replicas = pods if abs(value / target / max(pods, 1) - 1) <= TOLERANCE else math.ceil(value / target)
        replicas = max(1, self._least, min(self._most, replicas))
        self._recommended.append((now, replicas))
        while self._recommended[0][0] <= now - self._window:
            self._recommended.popleft()
        if replicas < pods:
            replicas = min(pods, max(pods_then for _, pods_then in self._recommended))
            replicas = max(replicas, pods - self._allowed(self._down, now, sign=-1))
        else:
            replicas = min(replicas, pods + self._allowed(self._up, now, sign=1))
        if replicas != pods:
            self._changes.append((now, replicas - pods))
        return replicas

    def _allowed(self, policy: dict[str, Any], now: int, *, sign: int) -> int:
        """Return how many pods a policy lets come or go now."""
        since = now - policy["periodSeconds"]
        done = sum(abs(change) for moment, change in self._changes if moment > since and change * sign > 0)
        return max(0, int(policy["value"]) - done)


def burst(second: int) -> int:
    """Return 600 runs within ten seconds."""
    return 60 if 60 <= second < 70 else 0


def slope(second: int) -> int:
    """Return arrivals that rise to five a second for half an hour, and end."""
    if second >= 1800:
        return 0
    rate = 5 * second / 1800
    return math.floor(rate * (second + 1)) - math.floor(rate * second)


def wake(second: int) -> int:
    """Return one run after a minute, and one long after the first."""
    return 1 if second in (60, 1500) else 0


SCENARIOS = (
    Scenario("a burst of 600 fast runs", "eda_fast", burst, 10, 2400),
    Scenario("a slope to five fast runs a second", "eda_fast", slope, 10, 3600),
    Scenario("two deep runs, and nothing between", "eda_deep", wake, 240, 2700),
)


@dataclass
class Course:
    """What happened, a second at a time."""

    scenario: Scenario
    pods: list[int] = field(default_factory=list)
    work: list[int] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)


async def simulate(scenario: Scenario) -> Course:
    """Return the pods and the work of a scenario, with the real scaler asked over gRPC."""
    documents = list(yaml.safe_load_all(SCALED_OBJECTS.read_text("utf-8")))
    autoscaler = next(
        Autoscaler(document)
        for document in documents
        if document["spec"]["triggers"][0]["metadata"]["queue"] == scenario.queue
    )
    cluster, course = Cluster(scenario.run_seconds), Course(scenario)
    servicer = ExternalScalerServicer(QueueCounts(cluster, fresh_seconds=-1))  # type: ignore[arg-type]
    service = Service("externalscaler", lambda server: rpc.add_ExternalScalerServicer_to_server(servicer, server))
    async with (
        running_server(service, LOOPBACK, access=OpenAccess()) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub: rpc.ExternalScalerAsyncStub = rpc.ExternalScalerStub(channel)
        trigger = pb.ScaledObjectRef(name="worker", scalerMetadata=autoscaler.metadata)
        (spec,) = (await stub.GetMetricSpec(trigger)).metricSpecs
        for second in range(scenario.seconds):
            cluster.advance(scenario.arrivals(second))
            is_pushed = cluster.pods == 0 and bool(cluster.waiting)
            if second % SYNC_SECONDS == 0 or is_pushed:
                request = pb.GetMetricsRequest(scaledObjectRef=trigger, metricName=spec.metricName)
                (value,) = (await stub.GetMetrics(request)).metricValues
                is_active = (await stub.IsActive(trigger)).result
                cluster.scale(
                    autoscaler.desire(
                        second,
                        cluster.pods,
                        value=value.metricValueFloat,
                        target=spec.targetSizeFloat,
                        is_active=is_active,
                    )
                )
            course.pods.append(cluster.pods)
            course.work.append(cluster.waiting + len(cluster.running))
    return course


def describe(course: Course) -> str:
    """Return a course in a few figures."""
    pods, work = course.pods, course.work
    first = next((second for second, count in enumerate(work) if count), 0)
    woken = next((second for second in range(first, len(pods)) if pods[second] > pods[first - 1]), None)
    changes = [after - before for before, after in pairwise(pods) if after != before]
    turns = sum(a * b < 0 for a, b in pairwise(changes))
    done = next((second for second in range(len(work) - 1, -1, -1) if work[second]), 0)
    wake = "no pod was added" if woken is None else f"the first pod was added {woken - first} s after the first run"
    return (
        f"{course.scenario.name}: {wake}, {max(pods)} pods at most, the work was done after {done} s, "
        f"{pods[-1]} pods at the end, {turns} changes of direction"
    )


def plot(courses: Iterable[Course], path: Path) -> None:
    """Draw pods and work over time."""
    from matplotlib.figure import Figure

    courses = list(courses)
    figure = Figure(figsize=(10, 3 * len(courses)), layout="constrained")
    for index, course in enumerate(courses):
        axes = figure.add_subplot(len(courses), 1, index + 1)
        minutes = [second / 60 for second in range(len(course.pods))]
        axes.step(minutes, course.pods, where="post", color="tab:blue", label="pods")
        axes.set(title=course.scenario.name, ylabel="pods", ylim=(0, max(course.pods) + 1))
        other = axes.twinx()
        other.fill_between(minutes, course.work, step="post", alpha=0.2, color="tab:orange", label="runs")
        other.set_ylabel("runs that wait or are executed")
        other.set_ylim(bottom=0)
    axes.set_xlabel("minutes")
    figure.savefig(path, dpi=100)


async def draw_all() -> None:
    """Simulate every scenario, print its figures, and draw it."""
    courses = [await simulate(scenario) for scenario in SCENARIOS]
    for course in courses:
        print(describe(course))
    path = Path(".local/autoscaling.png")
    path.parent.mkdir(exist_ok=True)
    plot(courses, path)
    print(f"drawn in {path}")


if __name__ == "__main__":
    configure_logs(service="autoscaling", level="ERROR", form="auto")
    asyncio.run(draw_all())
