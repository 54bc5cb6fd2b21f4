"""`python -m migrations` brings DATABASE_URL's tables up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory


def main() -> None:
    """Upgrade to the newest revision; harmless where the tables are up to date."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    command.upgrade(config, "head")
    print(f"The tables are at revision {ScriptDirectory.from_config(config).get_current_head()}.")


if __name__ == "__main__":
    main()
