"""Set-up of the forkserver: child processes die with their worker and stay single-threaded.

Importing this module changes the importing process, so only the forkserver imports it, by name (see `isolation.py`).
The library settings have to be set before numpy and pyarrow are loaded, which read them once, from C.
"""

import ctypes
import os
import signal
import sys

from shared.settings.base import set_variable

_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8
_LIBRARY_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # joblib would look for the machine's cores, which a child may not, and warn.
    "LOKY_MAX_CPU_COUNT": "1",
    # The allocators of Arrow reserve up to half of a limited address space.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    # A process that forks must not have threads.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}

FORKSERVER_PID = os.getpid()
"""The process that imported this module; its children inherit the value."""


def die_with_parent() -> None:
    """Make the kernel kill this process with SIGKILL as soon as its parent has ended (Linux only).

    Raises:
        OSError: the kernel refuses.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


def _limit_malloc_arenas() -> None:
    """Limit glibc to one malloc arena; it would reserve 64 MiB or more of address space for each thread."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def _prepare_forkserver() -> None:
    die_with_parent()
    # A signal to the whole process group is handled by the worker; the forkserver ends with the worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for name, value in _LIBRARY_SETTINGS.items():
        set_variable(name, value)
    _limit_malloc_arenas()


_prepare_forkserver()
