"""Alerts and the dashboard name metrics that the code has, and alerts ring when they should."""

import importlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

MONITORING = Path(__file__).parents[2] / "deploy/monitoring"
MODULES = (
    "gateway.http.metrics",
    "ingest_service.metrics",
    "shared.metrics",
    "shared.rpc.metrics",
    "worker_service.pipeline.metrics",
    "worker_service.planner.ai.metrics",
    "worker_service.worker.metrics",
)
OWN = re.compile(r"^(neuralearn|rpc|http)_")


def known_metrics() -> set[str]:
    for module in MODULES:
        importlib.import_module(module)
    return {name for name in REGISTRY._names_to_collectors if OWN.match(name)}


def named_in(expression: str) -> set[str]:
    """Return the metrics that an expression names, not its labels."""
    without_labels = re.sub(r"\bby \([^)]*\)|\{[^}]*\}", " ", expression)
    return set(re.findall(r"\b(?:neuralearn|rpc|http)_\w+", without_labels))


def test_the_dashboard_shows_metrics_that_exist() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named = set().union(*map(named_in, expressions))
    assert named - known_metrics() == set()
    shown = {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in named}
    made = {re.sub(r"_(bucket|sum|count|total|created)$", "", name) for name in known_metrics()}
    assert made - shown == set(), "a metric that nobody can see"


def test_alerts_name_metrics_that_exist() -> None:
    rules = (MONITORING / "rules.yaml").read_text("utf-8")
    expressions = re.findall(r"expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)", rules)
    assert len(expressions) == rules.count("- alert:")
    named = set().union(*(named_in(block or line) for block, line in expressions))
    assert named
    assert named - known_metrics() == set()


@pytest.mark.parametrize("arguments", [("check", "rules", "rules.yaml"), ("test", "rules", "rules_test.yaml")])
def test_alerts_ring_when_they_should(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; the Debian package prometheus has it")
    done = subprocess.run([promtool, *arguments], cwd=MONITORING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
