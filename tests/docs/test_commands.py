"""Runs the commands of the README and the guides as they are written.

A comment before a fenced block says what happens to it: `run: stack` (against a running stack), `run: stack, ID is a
dataset` (with the id of a prepared dataset in the variable ID), `run` (in the checkout), or `not run:` and the reason.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from deploy.local.programs import PROGRAMS
from deploy.local.stack import ROOT, Stack
from tests.e2e.user import User

PAGES = (
    "README.md",
    "docs/quickstart.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs/guides").glob("*.md")),
)
LANGUAGES = ("sh", "python", "js")
BLOCK = re.compile(
    r"(?:^<!-- (?P<marker>[^\n]*) -->\n)?^```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```$"
    r"(?:\n\n```json\n(?P<answer>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
KEY = re.compile(r'"(\w+)":')
PORTS = {8000: "gateway_port", 50051: "ingest_port", 50052: "pipeline_port", 50053: "report_port"}
"""The ports that the pages name, and the settings that hold those of the running stack."""
SECONDS = 60


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    marker: str | None
    language: str
    text: str
    answer: str | None
    """The JSON document that the page shows as the answer."""


def read_blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page that a reader could run."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        if match["language"] in LANGUAGES:
            line = text.count("\n", 0, match.start("text"))
            yield Block(page, line, match["marker"], match["language"], match["text"], match["answer"])


BLOCKS = [block for page in PAGES for block in read_blocks(page)]
RUN = [block for block in BLOCKS if block.marker and block.marker.startswith("run")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[Stack]:
    """Run every process of the system on free ports."""
    # `make run`, which the pages begin with, makes it.
    (ROOT / ".local").mkdir(exist_ok=True)
    with Stack(tmp_path_factory.mktemp("stack"), ports="free") as stack:
        yield stack


@pytest.fixture(scope="module")
def dataset_id(stack: Stack) -> str:
    """Return the id of the prepared sample."""
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
        return User(client).prepare((ROOT / "sample_dataset.csv").read_bytes(), "sample_dataset.csv")


def test_every_block_says_whether_it_is_run() -> None:
    for block in BLOCKS:
        assert block.marker is not None, f"{block.page}:{block.line} has no comment that says whether it is run"
        assert re.fullmatch(r"run(: stack(, ID is a dataset)?)?|not run: .+", block.marker), (
            f"{block.page}:{block.line}"
        )
    assert len(RUN) >= 12


@pytest.mark.timeout(SECONDS * 3)
@pytest.mark.parametrize("block", RUN, ids=lambda block: f"{block.page}:{block.line}")
def test_the_command_works(block: Block, stack: Stack, dataset_id: str) -> None:
    text = block.text.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    for port, setting in PORTS.items():
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{getattr(stack.settings, setting)}")
    command = ["bash", "-euo", "pipefail", "-c", text] if block.language == "sh" else [sys.executable, "-c", text]
    environment = {**os.environ, "ID": dataset_id, "PYTHONPATH": str(ROOT), "MAKEFLAGS": ""}
    environment |= {"NEURALEARN_URL": stack.gateway_url, "LOCAL_DATA_DIR": str(stack.data_dir)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    if block.answer is not None:
        missing = set(KEY.findall(block.answer)) - set(KEY.findall(done.stdout.replace('" :', '":')))
        assert not missing, f"the answer has no {missing}: {done.stdout[:2000]}"


def test_the_processes_of_the_guide_are_those_that_run() -> None:
    guide = (ROOT / "docs/guides/running.md").read_text(encoding="utf-8")
    for program in PROGRAMS:
        assert f"python {' '.join(program.arguments)}  " in guide.replace(" #", "  #"), program.name


@pytest.mark.timeout(SECONDS * 3)
def test_one_more_worker_joins_a_running_stack(stack: Stack) -> None:
    assert stack.env_file.stat().st_mode & 0o777 == 0o600
    (block,) = (block for block in BLOCKS if "stack.env" in block.text)
    command = block.text.replace(".local/stack.env", str(stack.env_file)).replace(".venv/bin/python", sys.executable)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOG_FORMAT": "json", "LOG_LEVEL": "INFO"}
    worker = subprocess.Popen(
        ["bash", "-c", command.replace(sys.executable, f"exec {sys.executable}")],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert worker.stdout is not None
        # `any` stops at the line; a worker that ends without it closes its output.
        assert any('"event": "serving"' in line for line in worker.stdout)
    finally:
        worker.terminate()
        worker.communicate(timeout=SECONDS)
