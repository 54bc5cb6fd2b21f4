"""Words that say something of columns, by the names of these, as users give them."""

from collections.abc import Mapping
from typing import get_args

from shared.contracts.vocabulary import TYPE_ALIASES, ChosenType, ColumnRole
from shared.errors import FieldError, InvalidInput


def parse_types(types: Mapping[str, str]) -> dict[str, str]:
    """Return the types of columns; words such as `int` are understood.

    Raises:
        InvalidInput: there is no such type.
    """
    types = {name: TYPE_ALIASES.get(kind.lower(), kind) for name, kind in types.items()}
    return parse_words("types", types, get_args(ChosenType))


def parse_roles(roles: Mapping[str, str]) -> dict[str, str]:
    """Return the roles of columns.

    Raises:
        InvalidInput: there is no such role.
    """
    return parse_words("roles", roles, get_args(ColumnRole))


def parse_words(field: str, words: Mapping[str, str], known: tuple[str, ...]) -> dict[str, str]:
    """Return words of which all are known.

    Raises:
        InvalidInput: one is not.
    """
    unknown = next((word for word in words.values() if word not in known), None)
    if unknown is not None:
        detail = f"knows {', '.join(known)}, not {unknown[:100]!r}"
        raise InvalidInput(f"{field} {detail}.", fields=[FieldError(field=field, detail=detail)])
    return dict(words)
