"""What the forkserver imports first: it ties child processes to their worker's life and keeps them single-threaded.

Importing this module changes the importing process, so only the forkserver does, by name (see `isolation.py`). The
library settings have to be in place before numpy and pyarrow are loaded; they read them once, from C.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8
_LIBRARY_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Arrow's own allocators keep up to half of a limited address space for themselves.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    # A process that forks must not have threads.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}

FORKSERVER_PID = os.getpid()
"""The process that imported this module; its children inherit the value."""


def die_with_parent() -> None:
    """Have the kernel kill this process with SIGKILL as soon as its parent has ended (Linux only)."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


def _share_one_arena() -> None:
    """Keep glibc from reserving 64 MiB or more of address space for each thread."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def _prepare_forkserver() -> None:
    die_with_parent()
    # A signal to the whole process group is the worker's to answer; the forkserver ends with the worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for name, value in _LIBRARY_SETTINGS.items():
        os.putenv(name, value)
    _share_one_arena()


_prepare_forkserver()
