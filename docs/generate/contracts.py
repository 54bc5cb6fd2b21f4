"""Write what is generated from the code: the schema of recipes, the description of REST, what the page knows of it, the
reference, and `.env.example`.
`make contracts` runs it; `make lint` fails where the committed files are not what it would write.
"""

import json
import sys
from pathlib import Path

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from docs.generate import (
    page_client,
    reference_grpc,
    reference_permissions,
    reference_rest,
    reference_settings,
    reference_steps,
    report_script,
)
from gateway.app import create_app
from gateway.openapi import RECIPE_SCHEMA
from shared.settings.processes import GatewaySettings
from worker_service.core.recipe.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
OPENAPI = REFERENCE / "openapi.json"
ENV_EXAMPLE = ROOT / ".env.example"
REPORT_STYLE = ROOT / "report_service" / "static" / "report.css"
REPORT_SCRIPT = ROOT / "report_service" / "static" / "report.js"
PAGE_SCRIPTS = {
    ROOT / "gateway" / "static" / "app" / "operations.js": page_client.operations,
    ROOT / "gateway" / "static" / "app" / "documents.d.ts": page_client.types,
}
PAGES = {
    REFERENCE / "rest.md": reference_rest.page,
    REFERENCE / "grpc.md": reference_grpc.page,
    REFERENCE / "permissions.md": reference_permissions.page,
    REFERENCE / "settings.md": reference_settings.page,
    REFERENCE / "steps.md": reference_steps.page,
}


class _LocalTimes(GenerateJsonSchema):
    """Describes moments as they are in a recipe: those of a table, which have no time zone."""

    def datetime_schema(self, schema: object) -> JsonSchemaValue:
        """Return the schema of a moment; `date-time` would demand a time zone (RFC 3339)."""
        return {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?$"}


def write_contracts() -> dict[Path, str]:
    """Write the files, and return what they held before."""
    paths = (RECIPE_SCHEMA, OPENAPI, ENV_EXAMPLE, *PAGES, *PAGE_SCRIPTS, REPORT_SCRIPT, REPORT_STYLE)
    before = {path: path.read_text("utf-8") if path.exists() else "" for path in paths}
    _write(RECIPE_SCHEMA, Recipe.model_json_schema(schema_generator=_LocalTimes))
    settings = GatewaySettings(_env_file=None)
    description = create_app(settings).openapi()
    _write(OPENAPI, description)
    for path, script in PAGE_SCRIPTS.items():
        path.write_text(script(description), encoding="utf-8")
    REPORT_SCRIPT.write_text(report_script.script(), encoding="utf-8")
    REPORT_STYLE.write_text((report_script.PAGE / "app.css").read_text("utf-8"), encoding="utf-8")
    ENV_EXAMPLE.write_text(reference_settings.example(), encoding="utf-8")
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
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
