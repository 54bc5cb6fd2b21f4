"""The demo: one dataset prepared through the REST gateway, with its results shown and saved."""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.gemini_stub import GeminiStub
from deploy.local.stack import Stack
from shared.settings.processes import LocalSettings

_POLL_SECONDS = 0.1
_TIMEOUT_SECONDS = 1800
_CHUNK_BYTES = 64 * 1024
_MAX_LOG_LINES = 12
_STATE_STYLE = {"applied": "green", "skipped": "yellow", "flagged": "cyan"}


class DemoFailed(Exception):
    """The demo cannot go on; the message says why."""


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """The dataset to prepare, the options of its preparation, and the output directory."""

    file: Path
    mode: str
    target: str
    output: Path


def run_demo(options: DemoOptions, *, console: Console) -> None:
    """Start a stack, prepare the file through its gateway, print and save the results, and stop the stack.

    Raises:
        DemoFailed: the file was refused or its preparation failed.
    """
    with tempfile.TemporaryDirectory(prefix="neuralearn-demo-") as data_dir, _model_settings(options, console) as env:
        stack = Stack(Path(data_dir), ports="free", env_overrides={**env, "AUTH_MODE": "open"})
        with console.status("Starting PostgreSQL, Valkey and the services …"):
            started = time.perf_counter()
            stack.start()
        console.print(f"Everything runs after {time.perf_counter() - started:.1f} s; REST at {stack.gateway_url}")
        try:
            with httpx.Client(base_url=stack.gateway_url, timeout=120) as client:
                Demo(client, console).run(options)
        finally:
            with console.status("Stopping …"):
                stack.stop()
    console.print("Everything stopped.")


@contextmanager
def _model_settings(options: DemoOptions, console: Console) -> Iterator[dict[str, str]]:
    """Provide the settings of the language model; a stub answers by rules if the environment has no key."""
    if options.mode == "fast" or LocalSettings.load({}).gemini_api_key is not None:
        yield {}
        return
    with GeminiStub() as stub:
        console.print("GEMINI_API_KEY is not set: a local stub answers by rules in Gemini's place.")
        yield {"GEMINI_API_KEY": "stub", "GEMINI_BASE_URL": stub.base_url, "GEMINI_MODEL": "gemini-stub"}


class Demo:
    """A client of the REST API that prepares one dataset and shows its results."""

    def __init__(self, client: httpx.Client, console: Console) -> None:
        self._client = client
        self._console = console

    def run(self, options: DemoOptions) -> None:
        """Upload the file, follow its preparation, then show and save the results.

        Raises:
            DemoFailed: the file was refused or its preparation failed.
        """
        with self._progress() as progress:
            dataset = self._upload(progress, options)
            status = self._follow(progress, dataset["dataset_id"])
        if status["status"] != "completed":
            raise DemoFailed(f"Preparation {status['status']}: {status['progress_info']}")
        base = f"/dataset/{dataset['dataset_id']}"
        self._show(base, status)
        self._save(base, options)

    def _progress(self) -> Progress:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        return Progress(*columns, console=self._console)

    def _upload(self, progress: Progress, options: DemoOptions) -> dict[str, Any]:
        task = progress.add_task(f"Uploading {options.file.name}", total=options.file.stat().st_size)
        content, media_type = _multipart(options, lambda count: progress.advance(task, count))
        response = self._client.post("/dataset/upload", content=content, headers={"content-type": media_type})
        return _read_json(response)

    def _follow(self, progress: Progress, dataset_id: str) -> dict[str, Any]:
        task = progress.add_task("Waiting for a worker", total=100)
        stages: list[str] = []
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            status = _read_json(self._client.get(f"/dataset/{dataset_id}/status"))
            progress.update(task, completed=status["progress"], description=status["progress_info"])
            if not self._console.is_terminal and status["stage"] not in stages:
                stages.append(status["stage"])
                self._console.print(f"  {status['progress_info']}")
            if status["status"] in {"completed", "failed", "cancelled"}:
                return status
            time.sleep(_POLL_SECONDS)
        raise DemoFailed("Preparation did not end in time.")

    def _show(self, base: str, status: dict[str, Any]) -> None:
        features, profile = self._get_json(f"{base}/features"), self._get_json(f"{base}/profile")
        target = features["target"]
        self._console.print(
            Panel(
                f"[bold]{status['filename']}[/bold]: {status['rows']:,} rows × {status['columns']} columns became "
                f"{len(features['output_features'])} model-ready columns in mode [bold]{status['mode']}[/bold].\n"
                f"Target: [bold]{escape(target['column'] or 'none')}[/bold]. {escape(target['why'])}\n"
                f"Quality as uploaded: {_quality_line(profile)}",
                title="NeuraLearn",
            )
        )
        self._show_log("What was cleaned and why", "column", self._get_json(f"{base}/logs/cleaning")["logs"])
        self._show_log("Outliers", "column", self._get_json(f"{base}/logs/outliers")["logs"])
        self._show_log("Features", "columns", self._get_json(f"{base}/logs/features")["logs"])

    def _show_log(self, title: str, subject: str, logs: list[dict[str, Any]]) -> None:
        table = Table(title=f"{title} ({len(logs)})", title_justify="left", expand=True)
        table.add_column("what", style="bold", max_width=24, overflow="fold")
        table.add_column("state", width=8)
        table.add_column("how and why", ratio=1)
        for log in logs[:_MAX_LOG_LINES]:
            name = log[subject] or "the table"
            style = _STATE_STYLE[log["state"]]
            subjects = name if isinstance(name, str) else ", ".join(name)
            table.add_row(escape(subjects), f"[{style}]{log['state']}[/]", escape(log["why"]))
        if len(logs) > _MAX_LOG_LINES:
            table.add_row("…", "", f"and {len(logs) - _MAX_LOG_LINES} more, saved with the results")
        self._console.print(table)

    def _save(self, base: str, options: DemoOptions) -> None:
        output = options.output
        graphs = self._get_json(f"{base}/eda/graphs")["graphs"]
        _remove_old_results(output)
        (output / "charts").mkdir(parents=True)
        downloads = {graph["url"]: output / "charts" / f"{_chart_name(graph)}.png" for graph in graphs}
        for table in ("cleaned", "engineered", "changes"):
            downloads[f"{base}/{table}?format=csv"] = output / f"{table}.csv"
            downloads[f"{base}/{table}?format=parquet"] = output / f"{table}.parquet"
        with ThreadPoolExecutor(4) as pool, self._console.status("Fetching tables and charts …"):
            for _ in pool.map(lambda item: self._download(*item), downloads.items()):
                pass
        for log in ("cleaning", "outliers", "features"):
            lines = self._get_json(f"{base}/logs/{log}")["logs"]
            (output / f"{log}.json").write_text(json.dumps(lines, indent=2, ensure_ascii=False) + "\n", "utf-8")
        if options.mode == "deep":
            self._save_report(base, output)
        self._console.print(
            f"Saved in [bold]{output}/[/bold]: the cleaned and the engineered table and the list of every change "
            f"(CSV, Parquet), {len(graphs)} charts, three logs."
        )

    def _save_report(self, base: str, output: Path) -> None:
        report = self._get_json(f"{base}/report")
        text = "\n\n".join(report[part] for part in ("summary", "reasoning", "recommendations"))
        (output / "report.md").write_text(f"# Cleaning report\n\n{text}\n", encoding="utf-8")
        self._console.print(Markdown(report["summary"]))

    def _download(self, path: str, target: Path) -> None:
        with self._client.stream("GET", path) as response:
            if response.is_error:
                response.read()
                raise DemoFailed(_error_detail(response))
            with target.open("wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)

    def _get_json(self, path: str) -> dict[str, Any]:
        return _read_json(self._client.get(path))


def _quality_line(profile: dict[str, Any]) -> str:
    """Return the quality score and its parts in one line."""
    quality = profile["quality"]
    parts = ", ".join(f"{part['name']} {part['score']:g}" for part in quality["parts"])
    return f"[bold]{quality['score']:g} of 100[/bold] ({parts})."


def _remove_old_results(output: Path) -> None:
    """Remove the files of an earlier demo, and nothing else."""
    shutil.rmtree(output / "charts", ignore_errors=True)
    for name in ("report.md", "cleaning.json", "outliers.json", "features.json"):
        (output / name).unlink(missing_ok=True)


def _chart_name(graph: dict[str, Any]) -> str:
    """Return the chart's id, followed by the column's name if the chart has one column."""
    columns = graph["columns"]
    name = re.sub(r"[^\w-]+", "_", columns[0])[:60] if len(columns) == 1 else ""
    return f"{graph['graph_id']}-{name}" if name else str(graph["graph_id"])


def _multipart(options: DemoOptions, advance: Callable[[int], None]) -> tuple[Iterator[bytes], str]:
    """Return the upload form and its media type.

    The form is streamed from disk, so that its progress can be shown.

    Args:
        options: the file and the form's fields.
        advance: called with the size in bytes of each chunk that was sent.
    """
    boundary = "neuralearn-demo-boundary"
    fields = {"mode": options.mode, "target": options.target, "user_id": "demo"}
    name = options.file.name.replace('"', "%22")

    def parts() -> Iterator[bytes]:
        for field, value in fields.items():
            yield f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        yield f"{head}Content-Type: application/octet-stream\r\n\r\n".encode()
        with options.file.open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk
                advance(len(chunk))
        yield f"\r\n--{boundary}--\r\n".encode()

    return parts(), f"multipart/form-data; boundary={boundary}"


def _read_json(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise DemoFailed(_error_detail(response))
    body: dict[str, Any] = response.json()
    return body


def _error_detail(response: httpx.Response) -> str:
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        return str(response.json()["detail"])
    return f"{response.request.url.path} answered {response.status_code}"
