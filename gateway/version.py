"""The version, which is written down once: in `pyproject.toml`."""

import importlib.metadata
import tomllib
from pathlib import Path


def project_version() -> str:
    """The installed distribution's version, or that of the source tree the gateway runs from."""
    try:
        return importlib.metadata.version("neuralearn")
    except importlib.metadata.PackageNotFoundError:
        project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
        return str(project["version"])
