"""Who a program that refuses root runs as when root starts it."""

import os
import pwd
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from deploy.local.process import StartFailed

# Files inside the namespace are still root's.
OWNERS = {"namespace": 0, "nobody": 65534}


def unprivileged(data_dir: Path, *, probe: Callable[[str], Sequence[str]]) -> str:
    """Return the first identity (see `exec_wrapper`) under which `probe` succeeds; it then owns `data_dir`."""
    for identity in OWNERS:
        _give([data_dir], identity)
        if subprocess.run(probe(identity), capture_output=True, check=False).returncode == 0:
            _give(data_dir.rglob("*"), identity)
            return identity
    raise StartFailed(
        "PostgreSQL does not run as root, and this system lets root be nobody else: "
        "start as an ordinary user, or set DATABASE_URL."
    )


def has_name(user: int) -> bool:
    """Whether the user is known by name, which initdb insists on; a container may run under any number."""
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _give(paths: Iterable[Path], identity: str) -> None:
    owner = OWNERS[identity]
    for path in paths:
        if path.lstat().st_uid != owner:
            os.chown(path, owner, owner, follow_symlinks=False)
