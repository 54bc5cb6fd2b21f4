"""The whole system under one supervisor: what is not configured is started, what dies is started again.

Start a stack from a thread that lives as long as the stack does: the kernel ends every child with the thread that
launched it, so that nothing outlives a killed supervisor.
"""

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import redis

from deploy.local import process
from deploy.local.configuration import environment, listeners, with_free_places, with_places
from deploy.local.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey
from deploy.local.output import LogFiles, Output
from deploy.local.ports import require_free
from deploy.local.process import StartFailed
from deploy.local.programs import PROGRAMS, Program, Role, reachable
from deploy.local.restart import LONGEST_PAUSE, Restart, Watch
from deploy.local.supervised import Supervised
from shared.settings.processes import LocalSettings

ROOT = Path(__file__).resolve().parents[2]
MIGRATION = ("-m", "alembic", "-c", "alembic.ini", "upgrade", "head")
MIGRATION_SECONDS = 120
READY_SECONDS = 90
GRACE_SECONDS = 5


class Stack:
    """Embedded servers, migrations and processes over one data directory; a context manager."""

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        ports: Literal["free", "configured"] = "configured",
        env_overrides: Mapping[str, str] | None = None,
        programs: Sequence[Program] = PROGRAMS,
        migration: Sequence[str] = MIGRATION,
        output: Output | None = None,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        """Prepare a stack; nothing starts before `start`.

        `data_dir` defaults to LOCAL_DATA_DIR. `ports="free"` puts every listener on a free port of 127.0.0.1 and all
        data under `data_dir`. An empty DATABASE_URL or REDIS_URL in `env_overrides` starts the embedded server whatever
        the environment says. `migration` are the interpreter's arguments; none skips it. `output` defaults to
        `<data_dir>/logs/<name>.log`. What keeps dying is started again after `longest_pause` seconds at most.
        """
        self._overrides = dict(env_overrides or {})
        self._configured = LocalSettings.load(self._overrides)
        self._settings = self._configured
        self.data_dir = (data_dir or self._configured.local_data_dir).resolve()
        self.postgres: EmbeddedPostgres | None = None
        self.valkey: EmbeddedValkey | None = None
        self._free_ports = ports == "free"
        self._programs = programs
        self._migration = migration
        self._longest_pause = longest_pause
        self._output = output or LogFiles(self.data_dir / "logs")
        self._supervised: dict[str, Supervised] = {}
        self._watch = Watch()
        self._undo = contextlib.ExitStack()

    @property
    def settings(self) -> LocalSettings:
        """What the processes run with: real ports, server addresses and directories."""
        return self._settings

    @property
    def gateway_url(self) -> str:
        """Where REST answers."""
        return f"http://{reachable(self._settings.gateway_host)}:{self._settings.gateway_port}"

    def process(self, name: str) -> Supervised:
        """The supervised process of a program; KeyError for an unknown name."""
        return self._supervised[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The programs."""
        return tuple(self._supervised)

    def kill(self, name: str) -> None:
        """SIGKILL a program as a crash would; the supervisor starts it again."""
        self._supervised[name].kill()

    def wait(self) -> None:
        """Block until the stack stops or a signal handler raises."""
        self._watch.wait_for_pause()

    def start(self) -> None:
        """Start everything and return when all of it is ready; StartFailed, with nothing left running, if it isn't."""
        try:
            self._undo.enter_context(_exclusive(self.data_dir))
            self._choose_places()
            self._watch = Watch()
            self._undo.callback(self._watch.end)
            self._start_servers()
            self._migrate()
            self._start_programs()
            self._undo.callback(self._watch.pause)
            self._watch.start(self._mortals())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop workers, gateway, services, Valkey and PostgreSQL, in this order; harmless when not running."""
        self._undo.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _choose_places(self) -> None:
        if self._free_ports:
            self._settings = with_free_places(self._configured, data_dir=self.data_dir, overrides=self._overrides)
        else:
            self._settings = with_places(self._configured, data_dir=self.data_dir)
        require_free(listeners(self._settings))

    def _start_servers(self) -> None:
        if self._settings.redis_url:
            _require_redis(self._settings.redis_url)
        found: dict[str, str] = {}
        if not self._settings.database_url:
            self.postgres = EmbeddedPostgres(self.data_dir / "postgres")
            found["database_url"] = self._start_server(self.postgres)
        if not self._settings.redis_url:
            self.valkey = EmbeddedValkey(self.data_dir / "valkey")
            found["redis_url"] = self._start_server(self.valkey)
        self._settings = self._settings.model_copy(update=found)

    def _start_server(self, server: EmbeddedServer) -> str:
        self._undo.callback(server.stop)
        return server.start()

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
            process.sweep(child)
        if child.returncode != 0:
            raise self._migration_failed(process.exit_reason(child.returncode))

    def _migration_failed(self, reason: str) -> StartFailed:
        log = self._output.last_lines("migrate")
        key = "" if self.postgres else "DATABASE_URL: "
        return StartFailed(f"{key}the migrations did not run: {log[-1] if log else reason}", log=log)

    def _start_programs(self) -> None:
        for program in self._programs:
            self._supervised[program.name] = Supervised(
                program, directory=ROOT, environment=self._environment(), output=self._output
            )
        self._undo.callback(self._stop_programs)
        for supervised in self._supervised.values():
            supervised.launch()
        self._await_ready()

    def _environment(self) -> dict[str, str]:
        return environment(self._settings, overrides=self._overrides)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        waiting = [supervised for supervised in self._supervised.values() if supervised.program.ready]
        while waiting:
            self._require_alive()
            # One by one in their order: a gateway asked before its services serve would log failures.
            if waiting[0].is_ready(self._settings):
                waiting.pop(0)
                continue
            if time.monotonic() > deadline:
                raise waiting[0].start_failure(f"not ready after {READY_SECONDS} s")
            time.sleep(0.1)
        self._require_alive()

    def _require_alive(self) -> None:
        for supervised in self._supervised.values():
            if death := supervised.death():
                raise supervised.start_failure(f"stopped, {death}")

    def _mortals(self) -> list[tuple[Restart, Callable[[], str | None]]]:
        def restart(name: str, start: Callable[[], object]) -> Restart:
            return Restart(name, start=start, say=self._output.say, longest_pause=self._longest_pause)

        programs = [
            (restart(name, supervised.launch), supervised.death) for name, supervised in self._supervised.items()
        ]
        servers = [
            (restart(server.name, server.start), server.death)
            for server in (self.postgres, self.valkey)
            if server is not None
        ]
        return [*servers, *programs]

    def _stop_programs(self) -> None:
        for role in Role:
            members = [supervised for supervised in self._supervised.values() if supervised.program.role is role]
            stopping = [child for member in members if (child := member.ask_to_stop())]
            process.await_end(stopping, deadline=time.monotonic() + GRACE_SECONDS)


@contextlib.contextmanager
def _exclusive(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's lock; StartFailed if another stack has it."""
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


def _require_redis(url: str) -> None:
    """Get one answer from the configured server, or StartFailed naming the key."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise StartFailed(f"REDIS_URL: no answer ({error}).") from None
