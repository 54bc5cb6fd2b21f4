"""Who a program that refuses root runs as when root starts it."""

import os
import pwd
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from deploy.local.process import StartFailed

NOBODY = "65534:65534"


def unprivileged(data_dir: Path, *, probe: Callable[[str], Sequence[str]]) -> str:
    """The first identity (see `tether`) under which `probe` succeeds; `data_dir` and its content then belong to it."""
    for identity in _candidates(data_dir):
        _give([data_dir], identity)
        if subprocess.run(probe(identity), capture_output=True, check=False).returncode == 0:
            _give(data_dir.rglob("*"), identity)
            return identity
    raise StartFailed(
        f"PostgreSQL does not run as root, and nobody else can reach it and {data_dir}: "
        "start as an ordinary user, or set DATABASE_URL."
    )


def has_name(user: int) -> bool:
    """Whether the user is known by name, which initdb insists on; a container may run under any number."""
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _candidates(data_dir: Path) -> Iterator[str]:
    yield "namespace"
    yield NOBODY
    # Below a private home directory, `sudo` finds only the owner of that home able to pass.
    for parent in data_dir.parents:
        status = parent.stat()
        if status.st_uid != 0:
            yield f"{status.st_uid}:{status.st_gid}"


def _give(paths: Iterable[Path], identity: str) -> None:
    user, group = (0, 0) if identity == "namespace" else map(int, identity.split(":"))
    for path in paths:
        if path.lstat().st_uid != user:
            os.chown(path, user, group, follow_symlinks=False)
