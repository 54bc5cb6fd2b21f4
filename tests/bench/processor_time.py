"""The processor time of the processes of a stack."""

import psutil  # type: ignore[import-untyped]

from deploy.local.stack import Stack

_PROGRAMS = ("gateway", "ingest", "pipeline", "report", "worker-fast")


def cpu_seconds(stack: Stack) -> dict[str, float]:
    """Return the processor time that each process and its children have had, in seconds."""
    assert stack.postgres is not None and stack.valkey is not None
    pids = {name: stack.process(name).pid for name in _PROGRAMS}
    pids |= {"postgres": stack.postgres.pid, "redis": stack.valkey.pid}
    return {name: _tree_seconds(psutil.Process(pid)) for name, pid in pids.items()}


def _tree_seconds(root: psutil.Process) -> float:
    spent = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            spent += sum(process.cpu_times()[:4])  # its own, and that of the children that it has waited for
        except psutil.NoSuchProcess:
            continue
    return spent
