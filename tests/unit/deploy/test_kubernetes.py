"""The manifests name roles, settings, ports, probes, queues and metrics that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deploy.entrypoint import ROLES
from shared.queue import QUEUES
from shared.settings.base import EnvironmentSettings
from shared.settings.processes import (
    GatewaySettings,
    IngestSettings,
    LocalSettings,
    PipelineSettings,
    ReportSettings,
    Settings,
    WorkerSettings,
)

K8S = Path(__file__).parents[3] / "deploy/k8s"
OVERLAYS = ("dev", "hpa", "hpa-cpu", "keda")
SCALED = ("worker-fast", "worker-deep")
KINDS: dict[str, type[EnvironmentSettings]] = {
    "gateway": GatewaySettings,
    "ingest": IngestSettings,
    "pipeline": PipelineSettings,
    "report": ReportSettings,
    "worker-fast": WorkerSettings,
    "worker-deep": WorkerSettings,
}
GIBIBYTE = 1024**3


def read(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]


def resources(folder: Path) -> Iterator[dict[str, Any]]:
    (kustomization,) = read(folder / "kustomization.yaml")
    for name in kustomization["resources"]:
        yield from resources(folder / name) if (folder / name).is_dir() else read(folder / name)


BASE = list(resources(K8S / "base"))
DEPLOYMENTS = {each["metadata"]["name"]: each for each in BASE if each["kind"] == "Deployment"}
SERVICES = {each["metadata"]["name"]: each for each in BASE if each["kind"] == "Service"}
(KUSTOMIZATION,) = read(K8S / "base/kustomization.yaml")
CONFIG = dict(pair.split("=", 1) for pair in KUSTOMIZATION["configMapGenerator"][0]["literals"])
(DEV,) = read(K8S / "overlays/dev/kustomization.yaml")
SECRETS = dict(pair.split("=", 1) for pair in DEV["secretGenerator"][0]["literals"])


def pod(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    return spec


def container(name: str) -> dict[str, Any]:
    (only,) = pod(name)["containers"]
    return dict(only)


def size(text: str) -> float:
    """Return a quantity of memory in bytes."""
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"Mi": 1024**2, "Gi": GIBIBYTE}[unit]


def test_every_process_is_deployed_once() -> None:
    deployed = [container(name)["args"][0] for name in DEPLOYMENTS]
    assert sorted([*deployed, "migrate"]) == sorted(ROLES)


@pytest.mark.parametrize("name", KINDS)
def test_a_process_starts_with_these_settings(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    secrets = {entry["name"] for entry in container(name)["env"]}
    for entry in container(name)["env"]:
        reference = entry["valueFrom"]["secretKeyRef"]
        assert (reference["name"], reference["key"]) == ("neuralearn", entry["name"])
    assert {*CONFIG, *secrets} <= Settings.keys()
    values = {**CONFIG, **{key: value for key, value in SECRETS.items() if key in secrets}}
    for key, value in values.items():
        monkeypatch.setenv(key, value)
    settings = KINDS[name]()
    assert settings.model_dump()["auth_mode"] == "token"
    # The probe reads the settings of the local stack.
    assert LocalSettings.load({}).auth_mode == "token"
    # What a process does not use it is not given.
    assert secrets <= KINDS[name].keys()


@pytest.mark.parametrize("name", KINDS)
def test_ports_and_probes_are_those_of_the_process(name: str) -> None:
    ports = {port["name"]: port["containerPort"] for port in container(name)["ports"]}
    assert ports.pop("metrics") == int(CONFIG["METRICS_PORT"])
    setting = Settings.model_fields.get(f"{name}_port")
    assert list(ports.values()) == ([] if setting is None else [setting.default])
    startup, liveness = container(name)["startupProbe"], container(name)["livenessProbe"]
    if name in SCALED:
        assert (
            startup["exec"]["command"] == liveness["exec"]["command"] == ["python3", "-m", "deploy.entrypoint", "probe"]
        )
    elif name == "gateway":
        assert startup["httpGet"] == {"path": "/health/live", "port": "http"}
    else:
        assert startup["grpc"]["port"] == liveness["grpc"]["port"] == ports["grpc"]
    # Started long before it is given up, and given up later than it is taken out.
    assert startup["failureThreshold"] * startup["periodSeconds"] >= 90
    assert liveness["failureThreshold"] * liveness["periodSeconds"] >= 60


def test_readiness_asks_for_what_the_health_service_knows() -> None:
    assert container("pipeline")["readinessProbe"]["grpc"]["service"] in ("database", "queue", "store")


@pytest.mark.parametrize("name", SERVICES)
def test_services_lead_to_their_pods(name: str) -> None:
    (port,) = SERVICES[name]["spec"]["ports"]
    assert SERVICES[name]["spec"]["selector"] == {"app.kubernetes.io/name": name}
    assert {entry["name"]: entry["containerPort"] for entry in container(name)["ports"]}[port["targetPort"]] == port[
        "port"
    ]
    if name != "gateway":
        assert SERVICES[name]["spec"]["clusterIP"] == "None"
        assert CONFIG[f"{name.upper()}_TARGET"] == f"dns:///{name}:{port['port']}"


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_pods_are_confined(name: str) -> None:
    spec, only = pod(name), container(name)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"]["readOnlyRootFilesystem"]
    assert only["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not only["securityContext"]["allowPrivilegeEscalation"]
    assert set(only["resources"]) == {"requests", "limits"}
    assert DEPLOYMENTS[name]["spec"]["template"]["metadata"]["labels"] == {"app.kubernetes.io/name": name}


def test_memory_limits_hold_the_children() -> None:
    run = int(CONFIG["RUN_MEMORY_BYTES"])
    for name in SCALED:
        limit = size(container(name)["resources"]["limits"]["memory"])
        assert limit >= run * int(CONFIG["WORKER_SLOTS"]) + GIBIBYTE / 2
    limit = size(container("ingest")["resources"]["limits"]["memory"])
    assert limit >= run * int(CONFIG["DECODE_SLOTS"]) + GIBIBYTE / 2


def test_a_stop_leaves_time_to_hand_back() -> None:
    for name in DEPLOYMENTS:
        assert pod(name)["terminationGracePeriodSeconds"] >= 45
        assert name in SCALED or container(name)["lifecycle"]["preStop"]["sleep"]["seconds"] == 5


def test_an_overlay_chooses_the_image() -> None:
    """What an overlay calls the image has to be what the base calls it; else nothing is replaced, and nothing said."""
    (image,) = {container(name)["image"].rpartition(":")[0] for name in DEPLOYMENTS}
    assert [entry["name"] for entry in DEV["images"]] == [image]
    assert f"name: {image}," in (K8S.parents[1] / "docs/guides/kubernetes.md").read_text("utf-8")


def test_every_pod_has_a_budget_and_rules_for_its_network() -> None:
    budgets = {each["metadata"]["name"] for each in BASE if each["kind"] == "PodDisruptionBudget"}
    assert budgets == set(DEPLOYMENTS)
    policies = {each["metadata"]["name"]: each["spec"] for each in BASE if each["kind"] == "NetworkPolicy"}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {*SERVICES, "workers", "migrate"} <= set(policies)
    for caller, called in (
        ("gateway", "ingest"),
        ("gateway", "pipeline"),
        ("gateway", "report"),
        ("ingest", "pipeline"),
    ):
        (port,) = (entry["port"] for entry in SERVICES[called]["spec"]["ports"])
        assert f"'app.kubernetes.io/name': '{called}'" in str(policies[caller]["egress"])
        allowed = [rule for rule in policies[called]["ingress"] if rule["ports"] == [{"port": port}]]
        assert f"'app.kubernetes.io/name': '{caller}'" in str(allowed)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_at_most_one_thing_scales_a_deployment(overlay: str) -> None:
    scalers = [each for each in resources(K8S / "overlays" / overlay) if "scaleTargetRef" in each.get("spec", {})]
    targets = [each["spec"]["scaleTargetRef"]["name"] for each in scalers]
    assert sorted(targets) == ([] if overlay == "dev" else sorted(SCALED))
    for name in SCALED:
        assert "replicas" not in DEPLOYMENTS[name]["spec"]


def test_keda_asks_the_pipeline_service_about_queues_that_exist() -> None:
    for each in read(K8S / "overlays/keda/scaledobjects.yaml"):
        (trigger,) = each["spec"]["triggers"]
        port = Settings.model_fields["pipeline_port"].default
        assert trigger["metadata"]["scalerAddress"] == f"pipeline.{KUSTOMIZATION['namespace']}:{port}"
        assert trigger["metadata"]["queue"] in QUEUES
        assert trigger["metadata"]["queue"].removeprefix("eda_") in each["metadata"]["name"]
        assert each["spec"]["fallback"]["replicas"] >= 1


def test_the_adapter_makes_the_metric_that_the_autoscalers_ask_for() -> None:
    (rules,) = read(K8S / "overlays/hpa/adapter-rules.yaml")
    (rule,) = rules["rules"]["external"]
    import worker_service.pipeline.metrics as metrics

    for name in re.findall(r"neuralearn_queue_(?:backlog|running)", rule["metricsQuery"]):
        assert name in {metrics.BACKLOG._name, metrics.RUNNING._name}
    for each in read(K8S / "overlays/hpa/autoscalers.yaml"):
        (metric,) = each["spec"]["metrics"]
        assert metric["external"]["metric"]["name"] == rule["name"]["as"]
        assert metric["external"]["metric"]["selector"]["matchLabels"]["queue"] in QUEUES
