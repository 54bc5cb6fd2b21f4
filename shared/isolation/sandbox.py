"""The sandbox of a child process: no network, no other process, and no files but its own (Linux only).

Landlock limits files, TCP and signals, seccomp denies system calls; both need no privilege, last until the process
ends, and bind what it starts. Where a kernel has one of them not, the other still holds.

Source: https://docs.kernel.org/userspace-api/landlock.html, https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH, _VERSION_FLAG = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY, _TRUNCATE, _IOCTL = 1, 2, 4, 8, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_READ = _EXECUTE | _READ_FILE | _READ_DIRECTORY
_FILE_RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights over files that each version of Landlock knows; it denies those that are named and not granted."""
_TCP, _SCOPES = 3, 3
"""Binding and connecting; abstract sockets and signals."""

_READABLE = (
    *("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/nsswitch.conf"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/sys/fs/cgroup"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/full")

_DENIED_CALLS = {
    # socket, ptrace, process_vm_readv, process_vm_writev, io_uring_setup, bpf, perf_event_open, userfaultfd, mount,
    # unshare, setns, keyctl
    "x86_64": (0xC000003E, (41, 101, 310, 311, 425, 321, 298, 323, 165, 272, 308, 250)),
    "aarch64": (0xC00000B7, (198, 117, 270, 271, 425, 280, 241, 282, 40, 97, 268, 219)),
}
"""The architecture as seccomp names it, and the numbers of the system calls that are denied."""
_X32_CALLS = 0x40000000
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06


def landlock_version() -> int:
    """Return the version of Landlock that the kernel has; 0 for none."""
    if sys.platform != "linux":
        return 0
    version: int = _libc().syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    return max(0, version)


def has_seccomp() -> bool:
    """Return True if system calls can be denied here."""
    return sys.platform == "linux" and platform.machine() in _DENIED_CALLS and Path("/proc/sys/kernel/seccomp").exists()


def enter(paths: Iterable[Path]) -> None:
    """Confine this process for good, as far as the kernel can.

    Args:
        paths: what it may use beside the interpreter and its libraries: it may read the files, write in the
            directories, and write beside files that do not exist.

    Raises:
        OSError: the kernel refuses what it says it has.
    """
    version = landlock_version()
    if not version and not has_seccomp():
        return
    _call(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if version:
        _enter_landlock(version, paths)
    if has_seccomp():
        _enter_seccomp()


def _enter_landlock(version: int, paths: Iterable[Path]) -> None:
    handled = _FILE_RIGHTS_BY_VERSION[max(known for known in _FILE_RIGHTS_BY_VERSION if known <= version)]
    attributes = struct.pack("=Q", handled)
    if version >= 4:
        attributes += struct.pack("=Q", _TCP)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPES)
    libc = _libc()
    rules = _call(libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    try:
        for path, rights in _grants(paths).items():
            _grant(rules, path, rights & handled)
        _call(libc.syscall(_RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)


def _grants(paths: Iterable[Path]) -> dict[str, int]:
    everything = (1 << 16) - 1
    grants = dict.fromkeys((*_READABLE, *_code_directories()), _READ)
    grants |= dict.fromkeys(_DEVICES, _READ_FILE | _WRITE_FILE)
    for path in paths:
        if path.is_dir():
            grants[str(path)] = everything
        elif path.exists():
            grants.setdefault(str(path), _READ_FILE)
        else:
            grants[str(path.parent)] = everything
    return grants


def _code_directories() -> set[str]:
    """Return where the interpreter, its libraries and all loaded packages lie, but not what lies beside them."""
    directories = {sys.prefix, sys.base_prefix}
    packages = [module for name, module in sys.modules.items() if "." not in name]
    for module in packages:
        for location in getattr(module, "__path__", None) or [getattr(module, "__file__", None)]:
            if isinstance(location, str) and not location.startswith((sys.prefix, sys.base_prefix)):
                directories.add(location)
        # The files of an environment may be links to where they are kept.
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and os.path.islink(file):
            kept = os.path.realpath(file)
            directories.add(os.path.dirname(kept) if hasattr(module, "__path__") else kept)
    return directories


def _grant(rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no right
    try:
        if not os.path.isdir(path):
            rights &= _OF_FILES
        attributes = struct.pack("=Qi", rights, descriptor)
        _call(_libc().syscall(_ADD_RULE, rules, _RULE_PATH_BENEATH, attributes, 0))
    finally:
        os.close(descriptor)


def _enter_seccomp() -> None:
    architecture, denied = _DENIED_CALLS[platform.machine()]
    refuse = _ERRNO | errno.EACCES
    lines = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, 0, 1, _X32_CALLS),
        (_RETURN, 0, 0, refuse),
    ]
    for number in denied:
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    lines.append((_RETURN, 0, 0, _ALLOW))
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
    header = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(program))
    _call(_libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
