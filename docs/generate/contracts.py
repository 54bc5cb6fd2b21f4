"""Write what is generated from the code: the schema of a recipe, the description of the REST API, `.env.example`.

`make contracts` runs it; `make lint` fails where the committed files are not what it would write.
"""

import json
import sys
from pathlib import Path

from docs.generate import reference_settings
from gateway.app import create_app
from gateway.openapi import RECIPE_SCHEMA
from shared.settings.processes import GatewaySettings
from worker_service.core.recipe.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
OPENAPI = ROOT / "docs" / "reference" / "openapi.json"
ENV_EXAMPLE = ROOT / ".env.example"


def write_contracts() -> dict[Path, str]:
    """Write the files, and return what they held before."""
    before = {path: path.read_text("utf-8") if path.exists() else "" for path in (RECIPE_SCHEMA, OPENAPI, ENV_EXAMPLE)}
    _write(RECIPE_SCHEMA, Recipe.model_json_schema())
    settings = GatewaySettings(_env_file=None)
    _write(OPENAPI, create_app(settings).openapi())
    ENV_EXAMPLE.write_text(reference_settings.example(), encoding="utf-8")
    return before


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Write the contracts; with --check, exit with 1 where that changed anything."""
    changed = [path for path, text in write_contracts().items() if path.read_text("utf-8") != text]
    if "--check" in sys.argv and changed:
        names = ", ".join(str(path.relative_to(ROOT)) for path in changed)
        sys.exit(f"{names} was not up to date; commit it as `make contracts` has written it now")


if __name__ == "__main__":
    main()
