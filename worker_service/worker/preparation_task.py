"""The input of a run's child process, apart from its programs, which load what no parent needs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import Stage
from worker_service.planner.ai.advisor import AdviceResult

ReportProgress = Callable[[Stage, int], None]
"""Called with the stage and the progress in percent."""


@dataclass(frozen=True, kw_only=True)
class PreparationTask:
    """The input of a child process; all paths are local."""

    table: Path
    """The decoded table as an Arrow IPC file."""
    target: Path
    """The folder that the artifacts are written to."""
    options: RunOptions
    profile: Path
    """The file in which `examine` keeps the profile for `prepare`."""
    advice: AdviceResult | None = None
    """The result of consulting a language model; None in fast mode."""
    hash_key: bytes | None = field(default=None, repr=False)
    """The secret of the dataset's owner, if the options need it."""
    recipe: Path | None = None
    """The recipe that is repeated, as JSON; None where one is proposed."""
    revised: Path | None = None
    """The folder with the recipe and the profile that are revised; None where none are."""
    rejects: Path | None = None
    """The lines of the file that are no rows, if there are any and a recipe is repeated."""

    @property
    def is_anew(self) -> bool:
        """True if the recipe is proposed anew, with what users changed of the one before."""
        return self.options.revision is not None and self.options.revision.is_anew
