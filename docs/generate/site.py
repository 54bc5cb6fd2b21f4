"""Write the generated pages of the reference: REST, gRPC, settings and steps.

`make docs` runs it before it builds the site; the pages are not committed.
"""

from pathlib import Path

from docs.generate import reference_grpc, reference_rest, reference_settings, reference_steps

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
PAGES = {
    "rest.md": reference_rest.page,
    "grpc.md": reference_grpc.page,
    "settings.md": reference_settings.page,
    "steps.md": reference_steps.page,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
