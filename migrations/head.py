"""The newest revision that this code knows."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory


def head_revision() -> str:
    """Return the newest revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None, "there are no revisions"
    return head
