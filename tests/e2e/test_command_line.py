"""The command line, as users and operators call it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from neuralearn import Client
from tests.e2e.test_client import wait_for_workers

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_dataset.csv"


class CommandLine:
    """Runs commands against a stack, in a folder of its own."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.folder = folder
        variables = {"NEURALEARN_URL": stack.gateway_url, "LOCAL_DATA_DIR": str(stack.data_dir)}
        self.environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}

    def __call__(self, *arguments: str, code: int = 0, content: bytes | None = None) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "neuralearn", *arguments],
            capture_output=True,
            cwd=self.folder,
            env=self.environment,
            input=content,
            timeout=90,
            check=False,
        )
        output, errors = ended.stdout.decode(), ended.stderr.decode()
        assert ended.returncode == code, (arguments, output, errors)
        assert "Traceback" not in errors
        return errors if code else output


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> CommandLine:
    with Client(stack.gateway_url) as client:
        wait_for_workers(client)
    return CommandLine(stack, tmp_path)


@pytest.fixture
def dataset_id(run: CommandLine) -> str:
    return str(json.loads(run("upload", str(SAMPLE), "--watch", "--json", "-O", "fill=none"))["dataset_id"])


def test_upload_follow_and_take_everything(run: CommandLine, dataset_id: str) -> None:
    assert "600 rows" in run("status", dataset_id)
    assert dataset_id in run("list")
    assert "signup_date" in run("log", dataset_id)
    for what in ("cleaned", "engineered", "raw", "changes", "profile", "recipe", "features"):
        run("download", dataset_id, what)
    assert "There is a file sample_dataset_cleaned.csv already" in run("download", dataset_id, "cleaned", code=1)
    run("download", dataset_id, "cleaned", "-o", "sample_dataset_cleaned.csv")
    run("download", dataset_id, "charts", "-o", "charts", "--format", "svg")
    run("download", dataset_id, "engineered", "-o", "e.parquet", "--format", "parquet")
    names = {path.name for path in run.folder.iterdir()}
    assert {"sample_dataset_cleaned.csv", "sample_dataset.csv", "sample_dataset_recipe.json", "e.parquet"} <= names
    assert (run.folder / "sample_dataset.csv").read_bytes() == SAMPLE.read_bytes()
    assert len(list((run.folder / "charts").glob("*.svg"))) > 5
    assert run("download", dataset_id, "-o", "-").startswith('"customer_id"')
    run("delete", dataset_id, "--yes")
    assert "There is no dataset" in run("status", dataset_id, code=1)


def test_replay_a_recipe(run: CommandLine, dataset_id: str) -> None:
    replayed = json.loads(run("replay", str(SAMPLE), "--of", dataset_id, "--watch", "--json"))
    assert (replayed["status"], replayed["recipe_of"]) == ("completed", dataset_id)
    assert run("drift", replayed["dataset_id"]).startswith("stable  None of ")
    assert json.loads(run("drift", replayed["dataset_id"], "--json"))["verdict"] == "stable"
    stored = json.loads(run("recipe", "save", dataset_id, "sample", "--json"))
    assert stored["recipe_id"] in run("recipe", "list", "--name", "sample")
    assert "read_column" in run("recipe", "show", dataset_id)
    run("download", dataset_id, "recipe", "-o", "recipe.json")
    for recipe in (stored["recipe_id"], "recipe.json"):
        again = json.loads(run("replay", str(SAMPLE), "--recipe", recipe, "--watch", "--json"))
        assert again["status"] == "completed"
    run("recipe", "delete", stored["recipe_id"])
    assert "There is no recipe" in run("replay", str(SAMPLE), "--recipe", stored["recipe_id"], code=1)
    assert "one of --of and --recipe" in run("replay", str(SAMPLE), code=2)


def test_undo_and_edit(run: CommandLine, dataset_id: str) -> None:
    assert "completed" in run("undo", dataset_id, "--column", "income", "--watch")
    run("recipe", "edit", dataset_id, "--off", "1", "--watch")
    versions = json.loads(run("versions", dataset_id, "--json"))
    assert [version["version"] for version in versions] == [3, 2, 1]
    assert "switched off" in run("recipe", "show", dataset_id)
    assert len(run("versions", dataset_id).splitlines()) == 3
    assert "is not STEP.NAME=VALUE" in run("recipe", "edit", dataset_id, "--set", "upper=3", code=2)
    assert "Nothing would change" in run("undo", dataset_id, "--column", "income", code=1)


def test_standard_input(run: CommandLine) -> None:
    dataset = json.loads(run("upload", "-", "--name", "p.csv", "--watch", "--json", content=SAMPLE.read_bytes()))
    assert (dataset["filename"], dataset["status"], dataset["rows"]) == ("p.csv", "completed", 600)


def test_errors_are_one_sentence(run: CommandLine, dataset_id: str) -> None:
    assert run("upload", "nothing.csv", code=1).strip() == "Error: There is no file or folder nothing.csv."
    assert "did you mean fill" in run("upload", str(SAMPLE), "-O", "fil=none", code=1)
    assert "only http:// and https://" in run("upload", "ftp://example.org/a.csv", code=1)
    assert "is no address of a gateway" in run("--base-url", "127.0.0.1:8000", "list", code=1)
    assert "no token or API key has" in run("--token", "ü", "list", code=1)
    assert "There is no dataset 'a/b'" in run("status", "a/b", code=1)
    assert "names a file" in run("download", dataset_id, "-o", "", code=2)
    assert "There is no file or folder" in run("download", dataset_id, "-o", "no/such/folder.csv", code=1)
    assert "nonsense" in run("jobs", "--state", "nonsense", code=2)
    assert "is not NAME=VALUE" in run("upload", str(SAMPLE), "-O", "fill", code=2)
    assert "Only the deep mode writes a report" in run("download", dataset_id, "report", code=1)
    assert "can be tried again" in run("retry", dataset_id, code=1)
    assert "can't be reached" in run("--base-url", "http://127.0.0.1:1", "list", code=1)


def test_what_operators_look_at(run: CommandLine, dataset_id: str) -> None:
    monitored = json.loads(run("monitor", "--json"))
    assert {queue["name"] for queue in monitored["queues"]} == {"eda_fast", "eda_deep"}
    assert {worker["queue"] for worker in monitored["workers"]} == {"eda_fast", "eda_deep"}
    assert "eda_fast" in run("monitor")
    assert dataset_id in run("jobs", "--state", "completed")
    checks = json.loads(run("check", "--json"))
    assert {check["name"]: check["detail"] for check in checks if not check["is_ok"]} == {}
    assert {"PostgreSQL", "migrations", "Redis", "store", "gateway", "workers"} <= {check["name"] for check in checks}


def test_check_says_what_is_wrong(run: CommandLine, stack: Stack) -> None:
    run.environment |= {
        "DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/x",
        "REDIS_URL": "redis://127.0.0.1:1",
        "GATEWAY_PORT": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "neuralearn", "check"],
        capture_output=True,
        cwd=run.folder,
        env=run.environment,
        timeout=60,
        check=False,
    )
    output = ended.stdout.decode()
    assert ended.returncode == 1
    down = [line.split()[1] for line in output.splitlines() if line.startswith("DOWN")]
    assert {"PostgreSQL", "migrations", "Redis", "gateway", "workers"} <= set(down)
    assert "secret" not in output


def test_settings_hide_secrets(run: CommandLine) -> None:
    run.environment |= {"DATABASE_URL": "postgresql://ada:hunter2@db/x", "GEMINI_API_KEY": "key", "LOG_LEVEL": "DEBUG"}
    shown = run("settings", "--set")
    assert "LOG_LEVEL" in shown and "DEBUG" in shown
    assert "hunter2" not in shown and "://ada:********@db/x" in shown
    listed = {setting["key"]: setting for setting in json.loads(run("settings", "--json"))}
    assert listed["GEMINI_API_KEY"]["value"] == "********"
    assert (listed["LOG_LEVEL"]["source"], listed["MAX_ROWS"]["source"]) == ("environment", "default")


def test_load_test(run: CommandLine) -> None:
    report = json.loads(run("load-test", "--num", "6", "--concurrent", "3", "--json"))
    assert (report["datasets"], report["errors"], report["outcomes"]) == (6, 0, {"completed": 6})
    assert 0 < report["accepted"]["p50"] <= report["completed"]["p95"] <= report["completed"]["max"]
    assert "queued" in report["stages"]
