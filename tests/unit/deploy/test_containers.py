"""The files that start NeuraLearn elsewhere name processes, settings and ports that exist."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deploy.entrypoint import ROLES, main, probe, running_role
from deploy.local.programs import PROGRAMS
from shared.settings.processes import Settings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "neuralearn"}


def test_every_process_has_a_role() -> None:
    started = {program.arguments[1:] for program in PROGRAMS}
    assert {arguments for role, arguments in ROLES.items() if role != "migrate"} == started


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_recognised_by_its_process(role: str) -> None:
    words = ("/opt/neuralearn/bin/python3", "-m", *ROLES[role])
    assert running_role("\0".join(words).encode() + b"\0") == role


def test_a_process_of_others_is_none() -> None:
    with pytest.raises(SystemExit, match="none of ours: nginx"):
        running_role(b"nginx\0-g\0daemon off;\0")
    with pytest.raises(SystemExit):
        main(["unknown"])


async def test_a_worker_is_not_ended_for_an_outage_of_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    assert await probe("worker-fast") == ""
    monkeypatch.setenv("GATEWAY_PORT", "1")
    assert "nothing answers" in await probe("gateway")


def test_compose_starts_every_role_with_settings_that_exist() -> None:
    assert {service["command"][0] for service in OURS.values()} == set(ROLES)
    for service in OURS.values():
        assert set(service["environment"]) - Settings.keys() == set()
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
    workers = [service for service in OURS.values() if service["command"][0].startswith("worker")]
    assert sum(service.get("deploy", {}).get("replicas", 1) for service in workers) == 3


def test_compose_finds_its_services_under_their_names() -> None:
    environment = OURS["gateway"]["environment"]
    for name in ("ingest", "pipeline", "report"):
        assert name in OURS
        port = Settings.model_fields[f"{name}_port"].default
        assert environment[f"{name.upper()}_TARGET"] == f"dns:///{name}:{port}"
    for key, service in (("DATABASE_URL", "postgres"), ("REDIS_URL", "redis"), ("AWS_ENDPOINT_URL", "objects")):
        assert f"//{service}:" in environment[key].replace("neuralearn:neuralearn@", "")


def test_the_image_exposes_the_ports_of_the_settings() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    ports = {Settings.model_fields[f"{name}_port"].default for name in ("gateway", "ingest", "pipeline", "report")}
    exposed = {int(port) for port in re.findall(r"\d+", re.findall(r"^EXPOSE (.*)$", dockerfile, re.MULTILINE)[0])}
    assert ports < exposed
    copied = set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE))
    allowed = set(re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE))
    assert copied <= allowed
    assert copied == {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"docs", "protos", "tests"}


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = shutil.which("hadolint")
    assert hadolint is not None, "it comes with the development packages"
    done = subprocess.run([hadolint, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_procfile_starts_modules_that_exist() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text("utf-8").splitlines())
    assert {"release", "web", "worker"} <= set(lines)
    for command in lines.values():
        words = [word for word in shlex.split(command) if "=" not in word]
        assert words[:2] == ["python", "-m"]
        assert (ROOT / words[2] / "__main__.py").exists()
