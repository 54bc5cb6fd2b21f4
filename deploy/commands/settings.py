"""The command that shows every setting with its value and where it comes from."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

app = typer.Typer()
_HIDDEN = "********"
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


@dataclass(frozen=True)
class Setting:
    """A key, its value as it may be shown, and where that comes from."""

    key: str
    value: str
    source: str
    """`environment`, `.env` or `default`."""
    description: str


@app.command(name="settings")
def list_settings(
    only_set: Annotated[bool, typer.Option("--set", help="Only those that are not at their default.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show every setting, its value and its source.

    Secrets are hidden.
    """
    listed = [setting for setting in read_settings() if not only_set or setting.source != "default"]
    if as_json:
        print(json.dumps([asdict(setting) for setting in listed]))
        return
    width = max((len(setting.key) for setting in listed), default=0)
    for setting in listed:
        print(f"{setting.key:<{width}}  {setting.value or '–'}  ({setting.source})")


def read_settings() -> list[Setting]:
    """Return all settings of all processes, by name.

    Raises:
        SystemExit: a value is wrong; the sentence names its key.
    """
    from shared.settings.base import variable_source
    from shared.settings.processes import LocalSettings

    settings = LocalSettings.load({})
    return [
        Setting(
            key=name.upper(),
            value=_shown(getattr(settings, name)),
            source=variable_source(name.upper()) if name in settings.model_fields_set else "default",
            description=field.description or "",
        )
        for name, field in sorted(LocalSettings.model_fields.items())
    ]


def _shown(value: Any) -> str:
    from pydantic import SecretBytes, SecretStr

    if value is None:
        return ""
    if isinstance(value, SecretStr | SecretBytes):
        return _HIDDEN
    return _PASSWORD.sub(rf"\1:{_HIDDEN}@", str(value))
