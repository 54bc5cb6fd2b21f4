"""The settings reference, from the settings classes."""

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs.generate.markdown import table
from shared.settings.base import EnvironmentSettings
from shared.settings.parts import WebhookPresenceSettings
from shared.settings.processes import (
    GatewaySettings,
    IngestSettings,
    LocalSettings,
    PipelineSettings,
    ReportSettings,
    Settings,
    WorkerSettings,
)

PROCESSES: dict[str, type[EnvironmentSettings]] = {
    "gateway": GatewaySettings,
    "ingest": IngestSettings,
    "pipeline": PipelineSettings,
    "worker": WorkerSettings,
    "report": ReportSettings,
}
NEEDED_IN_PRODUCTION = ("database_url", "redis_url")
HIDDEN = {"failpoints", "can_sign_webhooks"}


def page() -> str:
    """Return the page."""
    rows = [
        (f"`{name.upper()}`", _default(name, info), ", ".join(_readers(name)), _description(name, info))
        for name, info in LocalSettings.model_fields.items()
        if name not in HIDDEN
    ]
    introduction = (
        "# Settings",
        "Environment variables, or lines of a `.env` file in the working directory; the environment outranks the file. A "
        "wrong value stops the start-up with one sentence that names its key, and so does a key that looks like a "
        "misspelled one. `.env.example` in the repository lists them all.",
        "Each process reads only what stands in its column, so no process holds a secret that it does not use.",
    )
    return "\n\n".join((*introduction, table(("Key", "Default", "Read by", "What"), sorted(rows)))) + "\n"


def _default(name: str, info: FieldInfo) -> str:
    if name in NEEDED_IN_PRODUCTION:
        return "required; `make run` starts a server"
    if info.default is None or info.default is PydanticUndefined or info.default == "":
        return ""
    return f"`{info.default}`"


def _description(name: str, info: FieldInfo) -> str:
    """The description of the processes where `make run` has one of its own."""
    fields: dict[str, FieldInfo] = Settings.model_fields
    return fields.get(name, info).description or ""


def _readers(name: str) -> list[str]:
    readers = [process for process, kind in PROCESSES.items() if name in kind.model_fields]
    if name == "webhook_secret" and issubclass(IngestSettings, WebhookPresenceSettings):
        readers.append("ingest (whether it is set)")
    return readers or ["`make run`"]


def example() -> str:
    """Return the text of `.env.example`."""
    lines = [
        "# Copy to .env and uncomment what you set; the settings reference of the documentation has the same list.",
        "",
    ]
    for name, info in sorted(LocalSettings.model_fields.items()):
        if name not in HIDDEN:
            default = "" if info.default in (None, PydanticUndefined) else info.default
            lines += [f"# {info.description}", f"#{name.upper()}={default}", ""]
    return "\n".join(lines)
