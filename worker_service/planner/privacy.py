"""What is done with personal data before a table is looked at any further."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import LEFT_OUT_ROLES, ColumnRole
from worker_service.core.columns.column_profile import ColumnHints, infer_column, read_column
from worker_service.core.columns.personal_data import NOUNS, suspect_personal_data
from worker_service.core.profile import Profile, profile
from worker_service.core.recipe.apply import Outcome, apply, hide_columns
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import HidePersonalData
from worker_service.core.table.frame import Frame

_UNGUESSED: ColumnRole = "sensitive"


@dataclass(frozen=True, eq=False)
class PrivateTable:
    """A decoded table with the choices of its uploader, and its personal data hidden as these say."""

    decoded: Frame
    """The table as it was uploaded."""
    frame: Frame
    """The table that everything is computed from."""
    options: RunOptions
    """The options, without what they say of columns that are hidden."""
    steps: tuple[HidePersonalData, ...]
    """The first steps of the recipe."""
    hints: Mapping[str, ColumnHints]
    """What is known of columns beside their cells."""
    hash_key: bytes | None = field(repr=False)

    def profile(self) -> Profile:
        """Return the profile of the table."""
        return profile(
            self.frame,
            target=self.options.target,
            types=self.options.types,
            hints=self.hints,
            ignored=self.options.columns_of(LEFT_OUT_ROLES),
        )

    def apply(self, recipe: Recipe) -> Outcome:
        """Apply a recipe to the table."""
        return apply(recipe, self.decoded, hash_key=self.hash_key)


def hide_personal_data(decoded: Frame, options: RunOptions, *, hash_key: bytes | None = None) -> PrivateTable:
    """Hide the personal data of a decoded table.

    Args:
        decoded: the decoded table.
        options: what the uploader chose.
        hash_key: the secret of the dataset's owner; needed if the options ask for hashes.
    """
    options = options.resolve(decoded.names)
    steps = tuple(_propose(decoded, options))
    options = _without_hidden(options, steps)
    hidden = {step.column: ColumnHints(personal_data=step.personal_data, privacy=step.method) for step in steps}
    shown = {name: ColumnHints(personal_data="none") for name, how in options.column_privacy.items() if how == "keep"}
    in_unit = {name: replace(shown.get(name, ColumnHints()), unit=unit) for name, unit in options.units.items()}
    return PrivateTable(
        decoded=decoded,
        frame=hide_columns(decoded, steps, hash_key=hash_key),
        options=options,
        steps=steps,
        hints={**hidden, **shown, **in_unit},
        hash_key=hash_key,
    )


def _propose(frame: Frame, options: RunOptions) -> Iterator[HidePersonalData]:
    for name, column in frame.columns.items():
        chosen = options.column_privacy.get(name)
        method = chosen or options.privacy
        if method == "keep":
            continue
        inference = infer_column(column, ColumnHints(type=options.types.get(name)))
        kind = suspect_personal_data(name, read_column(column, inference))
        if kind is None and chosen is None:
            continue
        noun = NOUNS[kind or "other"]
        yield HidePersonalData(
            kind="hide_personal_data",
            column=name,
            method=method,
            personal_data=kind or "other",
            missing=() if inference.read_as is None else inference.read_as.missing,
            why=f"The uploader asked to {method} it."
            if chosen
            else f"It holds {noun}, and personal data was to be treated by {method}.",
            confidence=1.0,
            rule="privacy",
        )


def _without_hidden(options: RunOptions, steps: Sequence[HidePersonalData]) -> RunOptions:
    """Return the options without what is said of columns as they were before; hidden values are never guessed."""
    hidden = {step.column for step in steps}
    dropped = {step.column for step in steps if step.method == "drop"}
    roles = {name: role for name, role in options.roles.items() if name not in dropped}
    return options.model_copy(
        update={
            "types": {name: kind for name, kind in options.types.items() if name not in hidden},
            "units": {name: unit for name, unit in options.units.items() if name not in hidden},
            "roles": {**dict.fromkeys(hidden - dropped, _UNGUESSED), **roles},
        }
    )
