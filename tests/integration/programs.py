"""Programs for a run's child process: one for each way to end. They have the signature of `prepare`."""

import os
import signal
import time

import numpy as np

from shared.contracts.artifacts import ARTIFACTS
from shared.contracts.run_result import RunResult
from shared.errors import Unprocessable
from worker_service.worker.preparation_task import PreparationTask, ReportProgress


def succeed(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """Write tiny artifacts."""
    report_progress("writing", 80)
    for name in ARTIFACTS:
        (task.target / name).write_bytes(b"x")
    sizes = {"rows": 1, "columns": 1}
    return RunResult(
        summary={"cleaned": sizes, "engineered": sizes},
        features={},
        logs={},
        graphs=[],
        report=None,
    )


def leave_a_link(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """Put a link to a file that the child may not read in the place of an artifact."""
    result = succeed(report_progress, task)
    (task.target / ARTIFACTS[0]).unlink()
    (task.target / ARTIFACTS[0]).symlink_to("/etc/passwd")
    return result


def succeed_slowly(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """Work for three seconds, most of them in C."""
    return _succeed_after(3, report_progress, task)


def succeed_late(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """Work for eight seconds, so that even on a busy machine another worker is done before."""
    return _succeed_after(8, report_progress, task)


def _succeed_after(seconds: float, report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    report_progress("profiling", 30)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        np.linalg.svd(np.ones((300, 300)))
    return succeed(report_progress, task)


def refuse(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """Refuse the data."""
    raise Unprocessable("Nothing but noise.", reason="NOISE")


def crash(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """End as by a segmentation fault."""
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def be_killed(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """End as by another process."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def hang(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """Never return."""
    while True:
        np.linalg.svd(np.ones((1000, 1000)))


def exhaust_memory(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """Allocate more memory than there is."""
    np.ones(1 << 40)
    return succeed(report_progress, task)


def fail_unexpectedly(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """Raise an unexpected error whose message holds a secret."""
    raise KeyError("postgresql://user:secret@host/db")
