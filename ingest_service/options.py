"""Options of an upload, and their check against the decoded table."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from shared.contracts.column_names import match_name, similar_name
from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import DEFAULT_OUTLIER_STRATEGY, DEFAULT_PRIVACY, OutlierStrategy, PrivacyMethod
from shared.db.datasets import NewRun
from shared.errors import FieldError, InvalidInput
from shared.queue import DEEP_QUEUE, FAST_QUEUE


@dataclass(frozen=True, kw_only=True)
class OptionDefaults:
    """What holds for uploads that leave it open."""

    outlier_strategy: OutlierStrategy = DEFAULT_OUTLIER_STRATEGY
    privacy: PrivacyMethod = DEFAULT_PRIVACY


@dataclass(frozen=True, kw_only=True)
class UploadOptions:
    """The options of an upload, checked and with defaults filled in."""

    user_id: str
    collaboration_id: str | None
    run: RunOptions
    recipe_content: bytes | None = None
    """A recipe that was sent, as JSON; its hash is in `run`."""
    webhook_url: str | None = None
    """The address that is notified when the preparation has ended."""

    def check_columns(self, columns: Sequence[str]) -> None:
        """Make sure that the table has the columns named in the options.

        Raises:
            InvalidInput: a named column is missing.
        """
        run = self.run.resolve(columns)
        targets = {match_name(name, columns) or name for name in self.run.named_columns()["target"]}
        targets |= run.columns_of({"target"})
        if len(targets) > 1 or any(run.roles.get(name, "target") != "target" for name in targets):
            raise InvalidInput(
                "roles and target do not agree on the target.",
                reason="AMBIGUOUS_TARGET",
                fields=[FieldError(field="roles", detail="must name the column that target names, and only that")],
            )
        if any(run.column_privacy.get(name) == "drop" for name in targets):
            raise InvalidInput(
                "column_privacy drops the column that is to be predicted.",
                reason="AMBIGUOUS_TARGET",
                fields=[FieldError(field="column_privacy", detail="must not drop the target")],
            )
        for option, names in self.run.named_columns().items():
            for name in names:
                if match_name(name, columns) is None:
                    raise _unknown_column(option, name, columns)

    @property
    def queue(self) -> str:
        """The queue that a run with these options waits in."""
        return DEEP_QUEUE if self.run.mode == "deep" else FAST_QUEUE

    def new_run(self) -> NewRun:
        """Return a new run with these options."""
        return NewRun(id=uuid4(), queue=self.queue, options=self.run, webhook_url=self.webhook_url)


def _unknown_column(option: str, name: str, names: Sequence[str]) -> InvalidInput:
    similar = similar_name(name, names)
    hint = "" if similar is None else f" Did you mean {_shorten(similar)!r}?"
    return InvalidInput(
        f"{option} names {_shorten(name)!r}, which is not a column of the table.{hint}",
        reason="UNKNOWN_TARGET" if option == "target" else "UNKNOWN_COLUMN",
        fields=[FieldError(field=option, detail="must name columns of the table")],
    )


def _shorten(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"
