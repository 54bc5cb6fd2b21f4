"""The check of the columns that options name against those of the table."""

from collections.abc import Sequence

from shared.contracts.column_names import match_name, similar_name
from shared.contracts.run_options import RunOptions
from shared.errors import FieldError, InvalidInput


def check_columns(options: RunOptions, columns: Sequence[str]) -> None:
    """Make sure that a table has the columns named in options.

    Raises:
        InvalidInput: a named column is missing, or the options do not agree on the target.
    """
    run = options.resolve(columns)
    targets = {match_name(name, columns) or name for name in options.named_columns()["target"]}
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
    for option, names in options.named_columns().items():
        for name in names:
            if match_name(name, columns) is None:
                raise _unknown_column(option, name, columns)


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
