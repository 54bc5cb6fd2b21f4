"""The whole system under one supervisor.

The supervisor starts the servers that are not configured, and restarts what ends unexpectedly.
Start a stack from a thread that lives as long as the stack does: the kernel ends every child with the thread that
launched it, so that nothing outlives a killed supervisor.
"""

import contextlib
import fcntl
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from deploy.local import process
from deploy.local.configuration import (
    child_environment,
    listen_addresses,
    metrics_variables,
    stack_variables,
    with_defaults,
    with_free_ports,
)
from deploy.local.configured_servers import require_configured_servers
from deploy.local.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey
from deploy.local.output import LogFiles, Output
from deploy.local.ports import require_free
from deploy.local.process import StartFailed
from deploy.local.programs import PROGRAMS, Program, Role, to_client_host
from deploy.local.restart import LONGEST_PAUSE, Restart, RestartThread
from deploy.local.supervised_process import SupervisedProcess
from shared.settings.processes import LocalSettings

ROOT = Path(__file__).resolve().parents[2]
MIGRATION = ("-m", "migrations")
MIGRATION_SECONDS = 120
READY_SECONDS = 90
GRACE_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class StackPlan:
    """The processes of a stack."""

    programs: Sequence[Program] = PROGRAMS
    """In the order in which they are waited for."""
    migration: Sequence[str] = MIGRATION
    """Arguments of the interpreter that migrates the database; none skips the migration."""
    longest_pause: float = LONGEST_PAUSE
    """The most seconds before a process that keeps failing is started again."""


_EVERYTHING = StackPlan()


class Stack:
    """Embedded servers, migrations and processes over one data directory; a context manager."""

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        ports: Literal["free", "configured"] = "configured",
        env_overrides: Mapping[str, str] | None = None,
        plan: StackPlan = _EVERYTHING,
        output: Output | None = None,
    ) -> None:
        """Prepare a stack; nothing starts before `start`.

        Args:
            data_dir: the directory for all data; LOCAL_DATA_DIR by default.
            ports: `free` puts every listener on a free port of 127.0.0.1 and all data under `data_dir`.
            env_overrides: environment variables that replace the inherited ones. An empty DATABASE_URL or REDIS_URL
                starts the embedded server whatever the environment says.
            plan: the processes to run; all by default.
            output: the destination of the children's output; `<data_dir>/logs/<name>.log` by default.
        """
        self._overrides = dict(env_overrides or {})
        self._configured = LocalSettings.load(self._overrides)
        self._settings = self._configured
        self.data_dir = (data_dir or self._configured.local_data_dir).resolve()
        self.postgres: EmbeddedPostgres | None = None
        self.valkey: EmbeddedValkey | None = None
        self._free_ports = ports == "free"
        self._programs = plan.programs
        self._migration = plan.migration
        self._longest_pause = plan.longest_pause
        self._output = output or LogFiles(self.data_dir / "logs")
        self._processes: dict[str, SupervisedProcess] = {}
        self._restart_thread = RestartThread()
        self._cleanup = contextlib.ExitStack()

    @property
    def settings(self) -> LocalSettings:
        """The settings of the running processes, with the actual ports, server addresses and directories."""
        return self._settings

    @property
    def gateway_url(self) -> str:
        """The base URL of the REST API."""
        scheme = "https" if self._settings.gateway_tls_certificate else "http"
        return f"{scheme}://{to_client_host(self._settings.gateway_host)}:{self._settings.gateway_port}"

    @property
    def env_file(self) -> Path:
        """The variables by which one more process joins the running stack."""
        return self.data_dir / "stack.env"

    def process(self, name: str) -> SupervisedProcess:
        """Return the supervised process of a program.

        Raises:
            KeyError: there is no program of this name.
        """
        return self._processes[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the programs."""
        return tuple(self._processes)

    def kill(self, name: str) -> None:
        """Kill a program, as a crash would; the supervisor starts it again."""
        self._processes[name].kill()

    def wait(self) -> None:
        """Block until the stack stops or a signal handler raises."""
        self._restart_thread.wait_for_pause()

    def start(self) -> None:
        """Start everything, and return when all of it is ready.

        Raises:
            StartFailed: something did not start; nothing is left running.
        """
        try:
            self._cleanup.enter_context(_lock_data_dir(self.data_dir))
            self._choose_ports_and_directories()
            self._restart_thread = RestartThread()
            self._cleanup.callback(self._restart_thread.end)
            self._start_servers()
            self._write_env_file()
            self._migrate()
            self._start_programs()
            self._cleanup.callback(self._restart_thread.pause)
            self._restart_thread.start(self._build_restarts())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop workers, gateway, services, Valkey and PostgreSQL, in this order; do nothing if not running."""
        self._cleanup.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _choose_ports_and_directories(self) -> None:
        if self._free_ports:
            self._settings = with_free_ports(self._configured, data_dir=self.data_dir, overrides=self._overrides)
        else:
            self._settings = with_defaults(self._configured, data_dir=self.data_dir)
        require_free(listen_addresses(self._settings))

    def _start_servers(self) -> None:
        require_configured_servers(self._settings)
        server_urls: dict[str, str] = {}
        if not self._settings.database_url:
            self.postgres = EmbeddedPostgres(self.data_dir / "postgres")
            server_urls["database_url"] = self._start_server(self.postgres)
        if not self._settings.redis_url:
            self.valkey = EmbeddedValkey(self.data_dir / "valkey")
            server_urls["redis_url"] = self._start_server(self.valkey)
        self._settings = self._settings.model_copy(update=server_urls)

    def _start_server(self, server: EmbeddedServer) -> str:
        self._cleanup.callback(server.stop)
        return server.start()

    def _write_env_file(self) -> None:
        """Write the variables by which one more process joins the stack; only the owner may read them."""
        lines = [f"{name}={shlex.quote(value)}\n" for name, value in stack_variables(self._settings).items()]
        self.env_file.unlink(missing_ok=True)
        with open(os.open(self.env_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.writelines(lines)
        self._cleanup.callback(self.env_file.unlink, missing_ok=True)

    def _migrate(self) -> None:
        if not self._migration:
            return
        command = process.wrap_command([sys.executable, *self._migration], directory=ROOT)
        with self._output.sink("migrate") as sink:
            child = subprocess.Popen(
                command, env=self._environment(), stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            child.wait(MIGRATION_SECONDS)
        except subprocess.TimeoutExpired:
            raise self._migration_failed(f"not done after {MIGRATION_SECONDS} s") from None
        finally:
            process.kill_group(child)
        if child.returncode != 0:
            raise self._migration_failed(process.describe_exit(child.returncode))

    def _migration_failed(self, reason: str) -> StartFailed:
        log = self._output.last_lines("migrate")
        key = "" if self.postgres else "DATABASE_URL: "
        return StartFailed(f"{key}the migrations did not run: {log[-1] if log else reason}", log=log)

    def _start_programs(self) -> None:
        for offset, program in enumerate(self._programs):
            environment = {**self._environment(), **metrics_variables(self._settings, offset=offset)}
            self._processes[program.name] = SupervisedProcess(
                program, directory=ROOT, environment=environment, output=self._output
            )
        self._cleanup.callback(self._stop_programs)
        for child in self._processes.values():
            child.launch()
        self._await_ready()

    def _environment(self) -> dict[str, str]:
        return child_environment(self._settings, overrides=self._overrides)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        waiting = [child for child in self._processes.values() if child.program.ready]
        while waiting:
            self._require_alive()
            # Programs are checked one by one in their order: a gateway that is asked before its services are ready
            # would log failures.
            if waiting[0].is_ready(self._settings):
                waiting.pop(0)
                continue
            if time.monotonic() > deadline:
                raise waiting[0].start_failure(f"not ready after {READY_SECONDS} s")
            time.sleep(0.1)
        self._require_alive()

    def _require_alive(self) -> None:
        for child in self._processes.values():
            if exit_reason := child.exit_reason():
                raise child.start_failure(f"stopped, {exit_reason}")

    def _build_restarts(self) -> list[tuple[Restart, Callable[[], str | None]]]:
        def restart(name: str, start: Callable[[], object]) -> Restart:
            return Restart(name, start=start, log_event=self._output.log_event, longest_pause=self._longest_pause)

        programs = [(restart(name, child.launch), child.exit_reason) for name, child in self._processes.items()]
        servers = [
            (restart(server.name, server.start), server.exit_reason)
            for server in (self.postgres, self.valkey)
            if server is not None
        ]
        return [*servers, *programs]

    def _stop_programs(self) -> None:
        for role in Role:
            members = [member for member in self._processes.values() if member.program.role is role]
            terminated = [child for member in members if (child := member.terminate())]
            process.wait_for_exit(terminated, deadline=time.monotonic() + GRACE_SECONDS)


@contextlib.contextmanager
def _lock_data_dir(data_dir: Path) -> Iterator[None]:
    """Hold the lock of the data directory.

    Raises:
        StartFailed: another stack holds it, or the directory cannot be written to.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "lock").open("a+")
    except OSError as error:
        raise StartFailed(f"LOCAL_DATA_DIR: cannot write to {data_dir} ({error.strerror}).") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise StartFailed(
                f"Another stack (process {holder}) is using {data_dir}: stop it, or set another LOCAL_DATA_DIR."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
