"""The reading of settings from the environment and an optional `.env` file."""

import os
from collections.abc import Iterable
from typing import Any, TypeVar

from dotenv import dotenv_values
from pydantic import AliasChoices, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from rapidfuzz.distance import OSA

ENV_FILE = ".env"
_MAX_EDIT_DISTANCE = 2
"""A variable within this edit distance of a known key is taken for a misspelling of it."""
_MIN_KEY_LENGTH = 8
"""Shorter variables are not checked, as they would be near to a known key by chance."""

_SENTENCES = {
    "missing": "is not set",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_parsing": "must be true or false",
    "literal_error": "must be {expected}",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:g} or less",
    "path_not_file": "must be the path of a file",
}
"""What the key must be, by pydantic's type of its problem; other problems come from us and have a sentence."""


class EnvironmentSettings(BaseSettings):
    """Settings read from the environment and `.env`; the variable of a field is its name in capitals."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True)

    @classmethod
    def keys(cls) -> set[str]:
        """Return the names of the variables that are read."""
        aliases = {
            name: field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else [name]
            for name, field in cls.model_fields.items()
        }
        return {str(alias).upper() for choices in aliases.values() for alias in choices}


AnySettings = TypeVar("AnySettings", bound=EnvironmentSettings)


def load_settings(kind: type[AnySettings], *, known: Iterable[str] = ()) -> AnySettings:
    """Read the settings, or stop the process with one sentence that names the key at fault.

    Args:
        kind: class of the settings.
        known: keys that other processes read; a variable that is nearly one of these or of `kind` is a misspelling.

    Raises:
        SystemExit: a value is missing or wrong, or a variable looks like a misspelled key.
    """
    settings = read_settings(kind)
    reject_misspelled_keys(environment_keys(), {*kind.keys(), *known})
    return settings


def read_settings(kind: type[AnySettings], **values: Any) -> AnySettings:
    """Read the settings; `values` take precedence over the environment.

    Raises:
        SystemExit: a value is missing or wrong, or `.env` can't be read.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        raise SystemExit(first_problem(error)) from None
    except UnicodeDecodeError:
        raise _not_text() from None


def _not_text() -> SystemExit:
    return SystemExit(f"{ENV_FILE}: is not text in UTF-8")


def reject_misspelled_keys(names: Iterable[str], known: set[str]) -> None:
    """Stop the process if a variable is nearly, but not exactly, a known key.

    Raises:
        SystemExit: a variable is misspelled; the message names it and the known key.
    """
    for name in names:
        if name in known or len(name) < _MIN_KEY_LENGTH:
            continue
        similar = next((key for key in sorted(known) if _is_misspelling(name, key)), None)
        if similar is not None:
            raise SystemExit(f"{name}: is not a setting; did you mean {similar}?")


def _is_misspelling(name: str, key: str) -> bool:
    return OSA.distance(name, key, score_cutoff=_MAX_EDIT_DISTANCE) <= _MAX_EDIT_DISTANCE


def environment_keys() -> set[str]:
    """Return the names of all variables of this process and of its `.env` file.

    Raises:
        SystemExit: the file is not text, or has a name without a value.
    """
    try:
        variables = dotenv_values(ENV_FILE, interpolate=False)
    except UnicodeDecodeError:
        raise _not_text() from None
    lone = next((name for name, value in variables.items() if value is None), None)
    if lone is not None:
        raise SystemExit(f"{ENV_FILE}: {lone[:100]!r} has no =, and so no value")
    return {*os.environ, *variables}


def variable_source(name: str) -> str:
    """Return where the value of a variable comes from: `environment` or `.env`."""
    return "environment" if name in os.environ else ENV_FILE


def forget_variables(names: Iterable[str]) -> None:
    """Remove variables from the environment of this process, and so from that of its later children."""
    for name in names:
        os.environ.pop(name, None)


def set_variable(name: str, value: str) -> None:
    """Set a variable of this process and its later children, also for libraries that read it from C."""
    os.environ[name] = value


def inherited_environment() -> dict[str, str]:
    """Return the variables that a child process starts with."""
    return dict(os.environ)


def first_problem(error: ValidationError) -> str:
    """Return the first problem as a sentence that names the key."""
    first = error.errors()[0]
    sentence = _SENTENCES.get(first["type"])
    problem = sentence.format(**first.get("ctx", {})) if sentence else first["msg"].removeprefix("Value error, ")
    key = ".".join(str(part) for part in first["loc"]).upper()
    return f"{key}: {problem}" if key else problem
