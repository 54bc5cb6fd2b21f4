"""The embedded servers and the local stack: start, durability, crashes, and clean-up."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import httpx
import psutil  # type: ignore[import-untyped]
import pytest
from redis.asyncio import Redis

from deploy.local import process
from deploy.local.embedded import EmbeddedPostgres, EmbeddedValkey
from deploy.local.process import StartFailed
from deploy.local.programs import Program, Role, grpc_health_check, is_gateway_ready
from deploy.local.stack import ROOT, Stack, StackPlan

EMBEDDED = {"DATABASE_URL": "", "REDIS_URL": ""}

GATEWAY_PROGRAM = """
import os, signal
from http.server import BaseHTTPRequestHandler, HTTPServer

class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["INGEST_TARGET"].encode())

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
HTTPServer((os.environ["GATEWAY_HOST"], int(os.environ["GATEWAY_PORT"])), Healthy).serve_forever()
"""

INGEST_PROGRAM = """
import os
from concurrent.futures import ThreadPoolExecutor
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

server = grpc.server(ThreadPoolExecutor(2))
servicer = health.HealthServicer()
servicer.set("", health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
server.add_insecure_port(f"127.0.0.1:{os.environ['INGEST_PORT']}")
server.start()
server.wait_for_termination()
"""

WORKER_PROGRAM = """
import time
print("working", flush=True)
time.sleep(600)
"""

STUBBORN_PROGRAM = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", __file__])
time.sleep(600)
"""

CRASHING_PROGRAM = """
import sys, time
time.sleep(float(sys.argv[1]))
sys.exit("STORAGE_DIR: cannot be written")
"""


def programs(directory: Path) -> tuple[Program, ...]:
    """Return small stand-ins with the ports and the readiness checks of the real processes."""

    def script(name: str, text: str) -> str:
        file = directory / f"{name}.py"
        file.write_text(textwrap.dedent(text))
        return str(file)

    return (
        Program("ingest", (script("ingest", INGEST_PROGRAM),), grpc_health_check("ingest"), Role.SERVICE),
        Program("gateway", (script("gateway", GATEWAY_PROGRAM),), is_gateway_ready, Role.GATEWAY),
        Program("worker", (script("worker", WORKER_PROGRAM),)),
    )


def local_stack(directory: Path, *more: Program) -> Stack:
    return Stack(
        directory / "data",
        ports="free",
        env_overrides=EMBEDDED,
        plan=StackPlan(programs=(*programs(directory), *more), migration=()),
    )


def descendants_of(directory: Path) -> list[list[str]]:
    """Return the command lines of every process that names the directory."""
    command_lines = [other.info["cmdline"] or [] for other in psutil.process_iter(["cmdline"])]
    return [line for line in command_lines if any(str(directory) in word for word in line)]


def wait_until(condition: Callable[[], object], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


async def execute(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_becomes_nobody_and_still_passes_private_directories(tmp_path: Path) -> None:
    private_directory = tmp_path / "private"
    private_directory.mkdir(mode=0o700)
    command = process.wrap_command(["sh", "-c", "id -u; pwd"], directory=private_directory, identity="nobody")
    assert subprocess.check_output(command, text=True).split() == ["65534", str(private_directory)]


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_postgres_keeps_what_was_committed(tmp_path: Path, ending: str) -> None:
    server = EmbeddedPostgres(tmp_path)
    with server:
        await execute(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        getattr(server, ending)()
        url = server.start()
        assert await execute(url, "SELECT answer FROM kept") == 42
        server.stop()
    with EmbeddedPostgres(tmp_path) as restarted:
        assert await execute(restarted.url, "SELECT answer FROM kept") == 42
    assert descendants_of(tmp_path) == []


async def test_postgres_is_private_and_durable(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        values = [await execute(server.url, f"SHOW {name}") for name in ("fsync", "data_checksums", "listen_addresses")]
        assert values == ["on", "on", "127.0.0.1"]
        assert await execute(server.url, "SELECT datlocale FROM pg_database WHERE datname = current_database()") == (
            "C.UTF-8"
        )
        with pytest.raises(asyncpg.InvalidPasswordError):
            await execute(server.url.replace("neuralearn:", "neuralearn:x"), "SELECT 1")
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600


async def test_postgres_starts_despite_a_lock_with_the_process_id_of_another_process(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    with server:
        lock = tmp_path / "cluster" / "postmaster.pid"
        lock_lines = lock.read_text().splitlines()
        server.kill()
        lock.write_text("\n".join([str(os.getpid()), *lock_lines[1:]]) + "\n")
        assert await execute(server.start(), "SELECT 1") == 1


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_valkey_keeps_what_it_confirmed(tmp_path: Path, ending: str) -> None:
    server = EmbeddedValkey(tmp_path)
    with server:
        async with Redis.from_url(server.url) as client:
            await client.set("kept", "yes")
            config = await client.config_get("appendfsync", "maxmemory-policy", "save", "bind")
        assert config == {"appendfsync": "always", "maxmemory-policy": "noeviction", "save": "", "bind": "127.0.0.1"}
        getattr(server, ending)()
        async with Redis.from_url(server.start()) as client:
            assert await client.get("kept") == b"yes"
    assert descendants_of(tmp_path) == []


def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartFailed, match="Address already in use"):
        EmbeddedValkey(tmp_path, port=taken.getsockname()[1]).start()


def test_servers_end_with_a_killed_launcher(tmp_path: Path) -> None:
    launcher = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys, time; from pathlib import Path; from deploy.local.embedded import *\n"
            "EmbeddedPostgres(Path(sys.argv[1], 'p')).start(); EmbeddedValkey(Path(sys.argv[1], 'v')).start()\n"
            "print('up', flush=True); time.sleep(600)",
            str(tmp_path),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with launcher:
        assert launcher.stdout and launcher.stdout.readline() == b"up\n"
        launcher.kill()
    wait_until(lambda: not descendants_of(tmp_path))


def test_the_stack_starts_restarts_and_leaves_nothing(tmp_path: Path) -> None:
    with local_stack(tmp_path) as stack:
        assert httpx.get(f"{stack.gateway_url}/health").text == f"127.0.0.1:{stack.settings.ingest_port}"
        first_pid = stack.process("worker").pid
        stack.kill("worker")
        wait_until(lambda: stack.process("worker").exit_reason())
        wait_until(lambda: not stack.process("worker").exit_reason())
        assert stack.process("worker").pid != first_pid
        log = tmp_path / "data/logs/worker.log"
        wait_until(lambda: log.read_text() == "working\nworking\n")
        assert stack.postgres is not None and stack.valkey is not None
        os.kill(stack.postgres.pid, signal.SIGKILL)
        wait_until(lambda: stack.postgres and stack.postgres.exit_reason() is not None)
        wait_until(lambda: stack.postgres and stack.postgres.exit_reason() is None)
    assert descendants_of(tmp_path) == []
    assert "worker stopped (killed by SIGKILL); starting it again" in (tmp_path / "data/logs/stack.log").read_text()


def test_a_crashing_program_is_restarted_ever_more_slowly(tmp_path: Path) -> None:
    script = tmp_path / "crashing.py"
    script.write_text(CRASHING_PROGRAM)
    log = tmp_path / "data/logs/stack.log"
    with local_stack(tmp_path, Program("crashing", (str(script), "4"))):
        wait_until(lambda: log.exists() and "crashing stopped (exit code 1)" in log.read_text(), seconds=20)
        script.write_text(CRASHING_PROGRAM.replace("float(sys.argv[1])", "0"))
        wait_until(lambda: "starting it again in 2 s" in log.read_text(), seconds=20)


def test_a_program_that_does_not_start_stops_everything_with_its_last_sentence(tmp_path: Path) -> None:
    script = tmp_path / "crashing.py"
    script.write_text(CRASHING_PROGRAM)
    with pytest.raises(StartFailed) as failure:
        local_stack(tmp_path, Program("crashing", (str(script), "0"))).start()
    assert str(failure.value) == ("crashing did not start (stopped, exit code 1): STORAGE_DIR: cannot be written")
    assert descendants_of(tmp_path) == []


def test_a_program_that_ignores_the_request_to_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    script = tmp_path / "stubborn.py"
    script.write_text(STUBBORN_PROGRAM)
    with local_stack(tmp_path, Program("stubborn", (str(script),))):
        wait_until(lambda: sum(str(script) in line for line in descendants_of(tmp_path)) == 2)
    assert descendants_of(tmp_path) == []


def test_a_second_stack_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with local_stack(tmp_path), pytest.raises(StartFailed, match=f"process {os.getpid()}.*LOCAL_DATA_DIR"):
        local_stack(tmp_path).start()


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "^REDIS_URL: no answer"),
        ({"DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none"}, "^DATABASE_URL: PostgreSQL does not answer there"),
    ],
)
def test_a_configured_server_that_does_not_answer_is_named(
    tmp_path: Path, overrides: dict[str, str], sentence: str
) -> None:
    stack = Stack(tmp_path, ports="free", env_overrides=EMBEDDED | overrides, plan=StackPlan(programs=()))
    with pytest.raises(StartFailed, match=sentence):
        stack.start()


def test_a_wrong_setting_is_named_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^GATEWAY_PORT: "):
        Stack(tmp_path, env_overrides=EMBEDDED | {"GATEWAY_PORT": "many"})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ports = {"GATEWAY_PORT": "0", "PIPELINE_PORT": "0", "REPORT_PORT": "0", "INGEST_PORT": port}
        stack = Stack(tmp_path, env_overrides=EMBEDDED | ports, plan=StackPlan(programs=programs(tmp_path)))
        with pytest.raises(StartFailed, match=f"^Port {port} is already taken: .* INGEST_PORT "):
            stack.start()
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_one_signal_ends_a_foreground_stack(tmp_path: Path, number: signal.Signals, code: int) -> None:
    launcher = """
    import sys
    from pathlib import Path
    from deploy.local.foreground import run_in_foreground
    from deploy.local.stack import Stack, StackPlan
    from tests.integration.test_embedded import EMBEDDED, programs

    directory = Path(sys.argv[1])
    run_in_foreground(
        lambda output: Stack(
            directory / "data", ports="free", env_overrides=EMBEDDED,
            plan=StackPlan(programs=programs(directory), migration=()), output=output,
        )
    )
    """
    command = [sys.executable, "-c", textwrap.dedent(launcher), str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as foreground:
        assert foreground.stdout
        output = ""
        while "NeuraLearn is ready" not in output:
            line = foreground.stdout.readline()
            assert line, output
            output += line
        foreground.send_signal(number)
        assert foreground.wait(15) == code
    assert "worker      │ working" in output
    wait_until(lambda: not descendants_of(tmp_path))
