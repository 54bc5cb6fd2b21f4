"""What parses files of strangers reaches no network, no other process, and no file but its own."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.isolation import sandbox
from shared.isolation.isolation import Isolation

ROOT = Path(__file__).parents[2]
SECRET = "canary-of-the-sandbox"
pytestmark = pytest.mark.skipif(
    sandbox.landlock_version() == 0 or not sandbox.has_seccomp(), reason="this kernel has no Landlock or no seccomp"
)


def attempt(action: Callable[..., Any], *args: Any) -> str:
    try:
        return f"done: {action(*args)!r}"
    except OSError as error:
        return type(error).__name__


def open_sockets() -> dict[str, str]:
    families = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6, "unix": socket.AF_UNIX, "netlink": socket.AF_NETLINK}
    return {name: attempt(socket.socket, family) for name, family in families.items()}


def read(path: str) -> str:
    return Path(path).read_text()


def touch_files(mine: Path, folder: Path, others: list[str]) -> dict[str, str]:
    """Read and write here and there; only arguments of type Path are one's own."""
    outcomes = {f"read {path}": attempt(read, path) for path in others}
    outcomes |= {f"write {path}": attempt(open, path, "ab") for path in others}
    outcomes["list"] = attempt(os.listdir, str(folder.parent))
    outcomes["link"] = attempt(os.link, others[0], str(folder / "link"))
    outcomes["symlink"] = attempt(read_through_symlink, others[0], folder / "symlink")
    outcomes["mine"] = attempt(read, str(mine))
    outcomes["write mine"] = attempt(open, str(mine), "ab")
    outcomes["write in my folder"] = attempt((folder / "new").write_text, "x")
    return outcomes


def read_through_symlink(path: str, link: Path) -> str:
    link.symlink_to(path)
    return link.read_text()


def reach_processes(pid: int) -> dict[str, str]:
    return {
        "signal": attempt(os.kill, pid, 0),
        "environment": attempt(read, f"/proc/{pid}/environ"),
        "memory": attempt(read, f"/proc/{pid}/mem"),
        "unshare": attempt(unshare),
    }


def unshare() -> None:
    import ctypes

    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "unshare")


LIMITS: dict[str, Any] = {"deadline": 30, "memory_bytes": 1 << 30}


async def test_no_socket_can_be_opened(isolation: Isolation) -> None:
    outcomes = await isolation.run(open_sockets, **LIMITS)
    assert set(outcomes.values()) == {"PermissionError"}, outcomes


async def test_no_file_but_ones_own_can_be_read_or_written(isolation: Isolation, tmp_path: Path) -> None:
    folder, mine, other = tmp_path / "folder", tmp_path / "mine.csv", tmp_path / "other.csv"
    folder.mkdir()
    mine.write_text("mine")
    other.write_text(SECRET)
    others = [str(other), "/etc/passwd", str(ROOT / "pyproject.toml"), str(Path.home() / ".bashrc")]
    outcomes = await isolation.run(touch_files, mine, folder, others, **LIMITS)
    allowed = {name for name, outcome in outcomes.items() if outcome.startswith("done")}
    assert allowed == {"mine", "write in my folder"}, outcomes
    assert SECRET not in str(outcomes)


async def test_no_other_process_can_be_reached(isolation: Isolation) -> None:
    outcomes = await isolation.run(reach_processes, os.getpid(), **LIMITS)
    assert set(outcomes.values()) == {"PermissionError"}, outcomes


LINKED = """
import sys

from shared.isolation import sandbox

import linked

sandbox.enter([])
for path in sys.argv[1:]:
    try:
        print(open(path).read())
    except OSError as error:
        print(type(error).__name__)
"""


def test_packages_that_are_links_to_where_they_are_kept_can_be_read(tmp_path: Path) -> None:
    kept, environment = tmp_path / "kept" / "linked", tmp_path / "environment" / "linked"
    for folder in (kept, environment):
        folder.mkdir(parents=True)
    (kept / "__init__.py").write_text("")
    (kept / "data.txt").write_text("data of the package")
    (environment / "__init__.py").symlink_to(kept / "__init__.py")
    (environment / "data.txt").symlink_to(kept / "data.txt")
    (tmp_path / "kept" / "other.txt").write_text(SECRET)
    paths = [environment / "data.txt", tmp_path / "kept" / "other.txt"]
    outcome = subprocess.run(
        [sys.executable, "-c", LINKED, *map(str, paths)],
        env={**os.environ, "PYTHONPATH": f"{environment.parent}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert outcome.stdout.split("\n")[:2] == ["data of the package", "PermissionError"]
