"""What is done with personal data before a table is looked at any further."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow.compute as pc

from shared.contracts.run_options import NO_TARGET, RunOptions
from shared.contracts.vocabulary import LEFT_OUT_ROLES, ColumnRole
from shared.errors import InvalidInput
from worker_service.core.columns.column_profile import ColumnHints, infer_column, read_column
from worker_service.core.columns.personal_data import PersonalData, suspect_personal_data
from worker_service.core.parsing import Inference
from worker_service.core.profile import Profile, profile
from worker_service.core.recipe.apply import Outcome, apply, hide_columns
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.settle import settle
from worker_service.core.recipe.steps import HidePersonalData
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Frame
from worker_service.core.utility.selection import leave_out_harmful

_OF_PERSONS = {"email", "phone", "name", "national_id", "birth_date"}
"""What only rows about persons have."""
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

    @property
    def ignored(self) -> frozenset[str]:
        """The columns from which nothing is computed: a mask would make a predictor of what many share."""
        masked = {step.column for step in self.steps if step.method == "mask"}
        return self.options.columns_of(LEFT_OUT_ROLES) | (masked - {self.options.target or ""})

    def profile(self) -> Profile:
        """Return the profile of the table."""
        return profile(
            self.frame,
            target=self.options.target,
            types=self.options.types,
            hints=self.hints,
            ignored=self.ignored,
        )

    def apply(self, recipe: Recipe) -> Outcome:
        """Apply a recipe to the table, leave out the optional features that do harm, and settle the rest."""
        outcome = leave_out_harmful(apply(recipe, self.decoded, hash_key=self.hash_key))
        return settle(outcome, self.decoded, self.options)


def hide_personal_data(decoded: Frame, options: RunOptions, *, hash_key: bytes | None = None) -> PrivateTable:
    """Hide the personal data of a decoded table.

    Args:
        decoded: the decoded table.
        options: what the uploader chose.
        hash_key: the secret of the dataset's owner; needed if the options ask for hashes.

    Raises:
        InvalidInput: every column would be dropped.
    """
    options = options.resolve(decoded.names)
    steps = tuple(_propose(decoded, options))
    if steps and all(step.method == "drop" for step in steps) and len(steps) == len(decoded.names):
        raise InvalidInput(
            "Every column holds personal data and would be dropped; mask or hash it, or keep single columns with "
            "column_privacy.",
            reason="NO_COLUMN_LEFT",
        )
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
    """Return a step for each column that the options hide, by its name or because it holds personal data."""
    chosen = options.column_privacy
    kinds = {} if options.privacy == "keep" and not chosen else _find_personal_data(frame, options)
    methods = {name: chosen.get(name, options.privacy if name in kinds else "keep") for name in frame.names}
    for name, method in methods.items():
        if method == "keep" or (method != "drop" and not frame[name].known):
            continue
        kind = kinds.get(name, "other")
        is_target = method == "drop" and options.target == name
        why = f"The uploader asked to {method} it" if name in chosen else f"The privacy of the upload is {method}"
        read_as = _infer(frame, name, options).read_as
        yield HidePersonalData(
            kind="hide_personal_data",
            column=name,
            method=method,
            personal_data=kind,
            missing=() if read_as is None else read_as.missing,
            why=f"{why}{', so there is no target' if is_target else ''}.",
            confidence=1.0,
            rule="privacy",
        )


def _infer(frame: Frame, name: str, options: RunOptions) -> Inference:
    return infer_column(frame[name], ColumnHints(type=options.types.get(name)))


def _find_personal_data(frame: Frame, options: RunOptions) -> dict[str, PersonalData]:
    """Return what the columns tell of persons; a column with the same cells as one that does tells the same.

    Where one column shows that the rows are persons, a column of names is taken for theirs.
    """
    typed = {name: read_column(frame[name], _infer(frame, name, options)) for name in frame.names}
    kinds: dict[str, PersonalData] = {}
    for is_about_persons in (False, True):
        for name in frame.names:
            # As read, a number has lost its zeros at the front; only amounts are never written as numbers of persons.
            is_amount = typed[name].is_number and not typed[name].is_integer
            columns = [] if name in kinds else [typed[name], *([] if is_amount else [frame[name]])]
            suspected = (suspect_personal_data(name, column, is_about_persons=is_about_persons) for column in columns)
            kind = next((kind for kind in suspected if kind is not None), None)
            if kind is not None:
                kinds[name] = kind
        if not set(kinds.values()) & _OF_PERSONS:
            break
    return {**_find_copies(frame, kinds), **kinds}


def _find_copies(frame: Frame, kinds: Mapping[str, PersonalData]) -> dict[str, PersonalData]:
    """Return the columns that have the same text as one of personal data, apart from letter case and spaces."""
    if not kinds:
        return {}
    texts = {name: pc.utf8_lower(pc.utf8_trim_whitespace(render(frame[name].array))) for name in frame.names}
    return {
        name: kind
        for original, kind in kinds.items()
        for name, text in texts.items()
        if name not in kinds and frame[name].known > 1 and text.equals(texts[original])
    }


def _without_hidden(options: RunOptions, steps: Sequence[HidePersonalData]) -> RunOptions:
    """Return the options without what is said of columns as they were before; hidden values are never guessed."""
    hidden = {step.column for step in steps}
    dropped = {step.column for step in steps if step.method == "drop"}
    roles = {name: role for name, role in options.roles.items() if name not in dropped}
    target = NO_TARGET if options.target in dropped else options.target
    return options.model_copy(
        update={
            "target": target,
            "types": {name: kind for name, kind in options.types.items() if name not in hidden},
            "units": {name: unit for name, unit in options.units.items() if name not in hidden},
            "roles": {**dict.fromkeys(hidden - dropped, _UNGUESSED), **roles},
        }
    )
