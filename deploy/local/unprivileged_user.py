"""The identity of a program that refuses root when root starts it."""

import os
import pwd
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from deploy.local.process import StartFailed

# Owner of the data directory by identity; files inside the namespace still belong to root.
OWNERS = {"namespace": 0, "nobody": 65534}


def choose_identity(data_dir: Path, *, probe: Callable[[str], Sequence[str]]) -> str:
    """Return the first identity under which a program runs, and make it the owner of `data_dir`.

    Args:
        data_dir: the directory that the program writes to.
        probe: returns the command line that tries the program under an identity, as `exec_wrapper` defines it.

    Raises:
        StartFailed: the program runs under no identity.
    """
    for identity in OWNERS:
        _change_owner([data_dir], identity)
        if subprocess.run(probe(identity), capture_output=True, check=False).returncode == 0:
            _change_owner(data_dir.rglob("*"), identity)
            return identity
    raise StartFailed(
        "PostgreSQL does not run as root, and this system lets root be nobody else: "
        "start as an ordinary user, or set DATABASE_URL."
    )


def has_user_name(user: int) -> bool:
    """Return True if the user id has a name, which initdb requires; a container may run under any number."""
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _change_owner(paths: Iterable[Path], identity: str) -> None:
    owner = OWNERS[identity]
    for path in paths:
        if path.lstat().st_uid != owner:
            os.chown(path, owner, owner, follow_symlinks=False)
