"""Become another program that dies with the process that launched it. Run as a script, on the standard library alone.

    tether.py SIGNAL PARENT IDENTITY DIRECTORY COMMAND...

SIGNAL reaches the program when its launcher (or the launcher's starting thread) ends, however it ends; Linux only.
PARENT is the launcher's process id. IDENTITY is `same`, `namespace` (a user namespace in which root counts as nobody,
for programs that refuse root, with no change of file ownership), or `UID:GID`. DIRECTORY becomes the working directory.
A subprocess `preexec_fn` would fork a process that may be using gRPC; this does not.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def main(arguments: list[str]) -> None:
    """Take the identity, tie the knot, become the command."""
    name, parent, identity, directory, *command = arguments
    assume(identity)
    os.chdir(directory)
    # Changing credentials clears the death signal, so it is set afterwards.
    die_with(int(parent), signal.Signals[name])
    os.execvp(command[0], command)


def assume(identity: str) -> None:
    """Become `identity`; OSError where the system does not allow it."""
    if identity == "namespace":
        enter_user_namespace()
    elif identity != "same":
        user, group = map(int, identity.split(":"))
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)


def enter_user_namespace() -> None:
    """Look like nobody from the inside while files still see the real user."""
    user, group = os.geteuid(), os.getegid()
    if _libc().unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are not available")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")


def die_with(parent: int, death_signal: signal.Signals) -> None:
    """Ask the kernel for `death_signal` when the parent ends, and stop at once if it already has."""
    if sys.platform != "linux":
        return
    if _libc().prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_PDEATHSIG failed")
    if os.getppid() != parent:
        raise SystemExit("the launcher is gone")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    main(sys.argv[1:])
