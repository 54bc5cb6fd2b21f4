"""How a command joins the stack that runs on this machine."""

import shlex

from shared.settings.base import environment_keys
from shared.settings.processes import LocalSettings


def join_local_stack() -> LocalSettings:
    """Return the settings of the environment; without DATABASE_URL, those of the stack that runs in LOCAL_DATA_DIR.

    Raises:
        SystemExit: a value is wrong; the sentence names its key.
    """
    settings = LocalSettings.load({})
    env_file = settings.local_data_dir / "stack.env"
    if "DATABASE_URL" in environment_keys() or not env_file.exists():
        return settings
    lines = (line.partition("=") for line in env_file.read_text("utf-8").splitlines() if line)
    return LocalSettings.load({name: "".join(shlex.split(value)) for name, _, value in lines})
