"""The input and the output of a dry run, apart from its program, which loads what no parent needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.contracts.run_options import Revision, RunOptions

DryRun = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """The input of a child process."""

    table: Path
    """The decoded table as an Arrow IPC file."""
    recipe: bytes
    """The recipe as it was proposed or repeated, as JSON."""
    options: RunOptions
    revision: Revision
    hash_key: bytes | None
