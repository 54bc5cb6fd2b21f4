"""Programs for a run's child process, each with a fate of its own. They follow the signature of `prepare`."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import Unprocessable
from worker_service.worker.preparation import ARTIFACTS, Prepared, Report


def succeed(tell: Report, table: Path, target: Path, options: dict[str, Any]) -> Prepared:
    """Write tiny artifacts."""
    tell("writing", 80)
    for name in ARTIFACTS:
        (target / name).write_bytes(b"x")
    sizes = {"rows": 1, "columns": 1}
    return Prepared(
        summary={"cleaned": sizes, "engineered": sizes},
        features={},
        cleaning_logs=[],
        outlier_logs=[],
        feature_logs=[],
        graphs=[],
        report=None,
    )


def succeed_slowly(tell: Report, table: Path, target: Path, options: dict[str, Any]) -> Prepared:
    """Take three seconds, most of them in C."""
    tell("profiling", 30)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        np.linalg.svd(np.ones((300, 300)))
    return succeed(tell, table, target, options)


def refuse(tell: Report, table: Path, target: Path, options: dict[str, Any]) -> Prepared:
    """Find the data wanting."""
    raise Unprocessable("Nothing but noise.", reason="NOISE")


def crash(tell: Report, table: Path, target: Path, options: dict[str, Any]) -> Prepared:
    """Die like a segmentation fault."""
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def hang(tell: Report, table: Path, target: Path, options: dict[str, Any]) -> Prepared:
    """Never return."""
    while True:
        np.linalg.svd(np.ones((1000, 1000)))


def devour(tell: Report, table: Path, target: Path, options: dict[str, Any]) -> Prepared:
    """Want all memory there is."""
    return succeed(tell, table, target, {"big": np.ones(1 << 40)})


def blunder(tell: Report, table: Path, target: Path, options: dict[str, Any]) -> Prepared:
    """Hit a defect whose message holds a secret."""
    raise KeyError("postgresql://user:secret@host/db")
