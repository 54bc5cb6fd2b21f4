"""A script that becomes another program, which ends with the process that launched it.

    exec_wrapper.py SIGNAL PARENT IDENTITY DIRECTORY COMMAND...

SIGNAL reaches the program when its launcher (or the launcher's starting thread) ends, however it ends; Linux only.
PARENT is the launcher's process id. DIRECTORY becomes the working directory. IDENTITY is `same`, or for programs that
refuse root `namespace` (a user namespace in which root counts as nobody, with no change of file ownership) or `nobody`
(the user of that name, who may still enter the private directories of root).
A `preexec_fn` of `subprocess` would do the same, but it forks a process that may be using gRPC.
The script imports the standard library alone, so that it starts quickly.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
LINUX_CAPABILITY_VERSION_3 = 0x20080522
CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def main(arguments: list[str]) -> None:
    """Switch the identity, set the death signal, and become the command."""
    name, parent, identity, directory, *command = arguments
    switch_identity(identity)
    os.chdir(directory)
    # Changing credentials clears the death signal, so it is set afterwards.
    set_death_signal(int(parent), signal.Signals[name])
    os.execvp(command[0], command)  # noqa: S606  # the command is our own


def switch_identity(identity: str) -> None:
    """Become `identity`.

    Raises:
        OSError: the system does not allow it.
    """
    {"same": lambda: None, "namespace": enter_user_namespace, "nobody": become_nobody}[identity]()


def enter_user_namespace() -> None:
    """Enter a user namespace as nobody; on files the process keeps the rights of the real user.

    Raises:
        OSError: user namespaces are not available.
    """
    user, group = os.geteuid(), os.getegid()
    if _libc().unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are not available")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")


def become_nobody() -> None:
    """Give up root except for CAP_DAC_OVERRIDE, which survives exec as an ambient capability."""
    _libc().prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    mask = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(mask, mask, mask)
    # Without the capability the program still works in every directory that the user nobody may enter.
    if _libc().capset(header, effective_permitted_inheritable) == 0:
        _libc().prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def set_death_signal(parent: int, death_signal: signal.Signals) -> None:
    """Ask the kernel for `death_signal` when the parent ends, and stop at once if it already has.

    Args:
        parent: the process id of the launcher.
        death_signal: the signal to send.

    Raises:
        OSError: the kernel refused.
        SystemExit: the launcher has already ended.
    """
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
