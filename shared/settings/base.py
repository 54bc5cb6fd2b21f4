"""Reading settings from the environment and an optional `.env` file; no other package reads the environment."""

import os
from collections.abc import Iterable
from typing import TypeVar

from pydantic import AliasChoices, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from rapidfuzz.distance import OSA

ENV_FILE = ".env"
_MOST_EDITS = 2
"""A key that differs from a known one by so few letters is taken for a slip."""
_SHORTEST_KEY = 8


class EnvironmentSettings(BaseSettings):
    """Read from the environment and `.env`; each field's name in capitals is its variable."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True)

    @classmethod
    def keys(cls) -> set[str]:
        """Return the variables that are read."""
        aliases = {
            name: field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else [name]
            for name, field in cls.model_fields.items()
        }
        return {str(alias).upper() for choices in aliases.values() for alias in choices}


AnySettings = TypeVar("AnySettings", bound=EnvironmentSettings)


def load_settings(kind: type[AnySettings], *, known: Iterable[str] = ()) -> AnySettings:
    """Read the settings, or stop the process with one sentence that names the key at fault.

    Args:
        kind: what the process needs.
        known: keys that other processes read; a variable close to one of these or of `kind` is a slip.

    Raises:
        SystemExit: a value is missing or wrong, or a variable looks like a misspelled key.
    """
    try:
        settings = kind()
    except ValidationError as error:
        raise SystemExit(sentence(error)) from None
    refuse_slips(environment_keys(), {*kind.keys(), *known})
    return settings


def refuse_slips(given: Iterable[str], known: set[str]) -> None:
    """Stop the process where a variable is not a known key but nearly one.

    Raises:
        SystemExit: with both names.
    """
    for name in given:
        if name in known or len(name) < _SHORTEST_KEY:
            continue
        close = [key for key in sorted(known) if OSA.distance(name, key, score_cutoff=_MOST_EDITS) <= _MOST_EDITS]
        if close:
            raise SystemExit(f"{name}: is not a setting; did you mean {close[0]}?")


def environment_keys() -> set[str]:
    """Return the names of all variables of this process and of its `.env` file."""
    try:
        with open(ENV_FILE, encoding="utf-8") as file:
            lines = [line.partition("=")[0].strip().removeprefix("export ") for line in file if "=" in line]
    except OSError:
        lines = []
    return {*os.environ, *(line for line in lines if line and not line.startswith("#"))}


def inherited_environment() -> dict[str, str]:
    """Return the variables that a child process starts with."""
    return dict(os.environ)


def sentence(error: ValidationError) -> str:
    """Return the first problem as a sentence that names the key."""
    first = error.errors()[0]
    problem = "is not set" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
    key = ".".join(str(part) for part in first["loc"]).upper()
    return f"{key}: {problem}" if key else problem
