"""Builds the image and runs every process from it, without a container daemon: `python -m deploy.image_check`.

It needs root, and the Debian packages buildah and debootstrap. The base is a Debian of debootstrap; each process gets
its own mounts and process ids, a read-only root and the user of the image, as a container would, and the network of
this machine. The servers are embedded ones outside of it.
"""

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.entrypoint import ROLES
from deploy.local.embedded import EmbeddedPostgres, EmbeddedValkey
from deploy.local.ports import free_port
from neuralearn import Client
from shared.settings.base import inherited_environment

ROOT = Path(__file__).resolve().parents[1]
BASE, IMAGE = "localhost/neuralearn-base", "localhost/neuralearn"
PACKAGES = "python3,python3-venv,ca-certificates"
SERVICES = tuple(role for role in reversed(ROLES) if role != "migrate")
"""In the order in which they are started: the gateway last."""
READY_SECONDS = 90.0
CONTAINER = """
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
mount --bind "$DATA" "$ROOT/data"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
exec chroot --userspec="$USER_ID" "$ROOT" env -i "$@"
"""
"""What a container runtime does; `$@` are the variables and the command."""


@dataclass(frozen=True)
class Image:
    """A built image whose files are mounted."""

    root: Path
    variables: Mapping[str, str]
    user: str
    entrypoint: Sequence[str]


def main() -> None:
    """Build the image, prepare the sample with it, and print what was seen.

    Raises:
        SystemExit: something is missing, or a process does not work.
    """
    missing = [tool for tool in ("buildah", "debootstrap", "unshare", "nsenter") if shutil.which(tool) is None]
    if missing or os.geteuid():
        needs = f"the tools {', '.join(missing)}" if missing else "root"
        raise SystemExit(f"The image can't be built here: this needs {needs}.")
    started = time.monotonic()
    _build()
    print(f"built in {time.monotonic() - started:.0f} s")
    with _mounted_image() as image, tempfile.TemporaryDirectory(prefix="neuralearn-image-") as folder:
        size = int(_output("du", "-sm", "--one-file-system", str(image.root)).split()[0])
        print(f"{size:,} MiB, user {image.user}")
        _run(image, Path(folder))
    print("1 passed, 0 failed")


def _build() -> None:
    if not _output("buildah", "images", "--quiet", "--filter", f"reference={BASE}", check=False).strip():
        _build_base()
    # The certificates that this machine trusts, which may be more than Debian's.
    trusted = ["--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"]
    options = ["--isolation", "chroot", "--format", "docker", "--quiet", *trusted, "--build-arg", f"BASE={BASE}"]
    _call("buildah", "bud", *options, "-t", IMAGE, str(ROOT))


def _build_base() -> None:
    """Make the base image: a Debian with Python, as the Dockerfile's own base has."""
    with tempfile.TemporaryDirectory(prefix="neuralearn-base-") as folder:
        root = Path(folder) / "root"
        _call("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root))
        container = _output("buildah", "from", "scratch").strip()
        _call("buildah", "copy", "--quiet", container, str(root), "/")
        _call("buildah", "commit", "--quiet", "--rm", container, BASE)


@contextlib.contextmanager
def _mounted_image() -> Iterator[Image]:
    container = _output("buildah", "from", IMAGE).strip()
    try:
        root = Path(_output("buildah", "mount", container).strip())
        config = json.loads(_output("buildah", "inspect", "--type", "image", IMAGE))["OCIv1"]["config"]
        variables = dict(entry.split("=", 1) for entry in config["Env"])
        yield Image(root, variables, config["User"], config["Entrypoint"])
    finally:
        _call("buildah", "rm", container)


def _run(image: Image, folder: Path) -> None:
    """Run every process from the image, and prepare the sample."""
    data = folder / "data"
    data.mkdir()
    os.chown(data, *(int(part) for part in image.user.split(":")))
    postgres, valkey = EmbeddedPostgres(folder / "postgres"), EmbeddedValkey(folder / "valkey")
    ports = {f"{name.upper()}_PORT": str(free_port()) for name in ("gateway", "ingest", "pipeline", "report")}
    with contextlib.ExitStack() as stack:
        variables = {**image.variables, **ports, "DATABASE_URL": postgres.start(), "REDIS_URL": valkey.start()}
        stack.callback(valkey.stop)
        stack.callback(postgres.stop)
        container = _Containers(image, data, variables, folder / "logs")
        stack.callback(container.stop)
        container.start("migrate").wait(timeout=READY_SECONDS)
        for role in SERVICES:
            container.start(role)
        container.wait_until_ready()
        with Client(f"http://127.0.0.1:{ports['GATEWAY_PORT']}") as client:
            dataset = client.prepare(ROOT / "sample_dataset.csv", target="churned", timeout=READY_SECONDS)
            cleaned = client.read(dataset.dataset_id, "cleaned")
        lines = cleaned.count(b"\n") - 1
        print(f"prepared {dataset.filename}: {lines} rows, every process probed, root read-only")


class _Containers:
    """Processes of the image, each with its own mounts and process ids."""

    def __init__(self, image: Image, data: Path, variables: Mapping[str, str], logs: Path) -> None:
        self._image = image
        self._data = data
        self._variables = variables
        self._logs = logs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir()

    def start(self, role: str) -> subprocess.Popen[bytes]:
        """Start the process of a role."""
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", CONTAINER, "container"]
        environment = {**inherited_environment(), "ROOT": str(self._image.root), "DATA": str(self._data)}
        environment["USER_ID"] = self._image.user
        with (self._logs / role).open("wb") as log:
            self._processes[role] = subprocess.Popen(
                [*command, *self._assignments(), *self._image.entrypoint, role],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self._processes[role]

    def wait_until_ready(self) -> None:
        """Wait until the probe of every process succeeds.

        Raises:
            SystemExit: one ended, or did not succeed in time; the message has the end of its log.
        """
        deadline = time.monotonic() + READY_SECONDS
        for role in SERVICES:
            while problem := self._probe(role):
                if time.monotonic() > deadline or self._processes[role].poll() is not None:
                    log = (self._logs / role).read_text("utf-8", "replace")[-2000:]
                    raise SystemExit(f"{role} does not work ({problem}):\n{log}")
                time.sleep(0.5)

    def _probe(self, role: str) -> str:
        """Return why the probe of a process failed; empty if it did not."""
        child = self._child(role)
        if child is None:
            return "it does not run"
        enter = ["nsenter", "--target", str(child), "--mount", "--pid", "chroot", f"--userspec={self._image.user}"]
        command = [*enter, str(self._image.root), "env", "-i", *self._assignments(), *self._image.entrypoint, "probe"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else (done.stderr or done.stdout).strip()[-500:] or "no reason"

    def _child(self, role: str) -> int | None:
        """Return the process that is number 1 in its own namespace; None if it has ended."""
        children = _output("ps", "-o", "pid=", "--ppid", str(self._processes[role].pid), check=False).split()
        return int(children[0]) if children else None

    def _assignments(self) -> list[str]:
        return [f"{name}={value}" for name, value in self._variables.items()]

    def stop(self) -> None:
        """Stop all processes, as a container runtime does: a signal, time to hand back, an end."""
        for role in self._processes:
            # `unshare` passes no signal on.
            if (child := self._child(role)) is not None:
                os.kill(child, signal.SIGTERM)
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            process.kill()


def _call(*command: str) -> None:
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_environment())
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{shlex.join(command[:3])} … failed with exit code {error.returncode}") from None


def _output(*command: str, check: bool = True) -> str:
    return subprocess.run(command, check=check, stdout=subprocess.PIPE, text=True, env=_environment()).stdout


def _environment() -> dict[str, str]:
    # Without a daemon and without overlay mounts, which not every machine allows.
    return {**inherited_environment(), "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}


if __name__ == "__main__":
    main()
