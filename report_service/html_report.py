"""A report as one HTML file that opens without network: a script, a style sheet, and the documents that they show.

The script is that of the page (`docs/generate/report_script.py`). Equal results make equal bytes: the file has neither
ids nor moments.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any

_STATIC = Path(__file__).parent / "static"
_MAX_CHART_BYTES = 1_200_000
_MAX_TEXT_CHARACTERS = 1_000
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src $style_hash; script-src $script_hash">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>$style</style>
</head>
<body>
<noscript>This report draws itself and needs JavaScript.</noscript>
<script type="application/json" id="documents">$documents</script>
<script type="module">$script</script>
</body>
</html>
""")

Document = Mapping[str, Any]
Log = Mapping[Any, Any]


@dataclass(frozen=True, kw_only=True)
class ReportFacts:
    """What a report is about."""

    filename: str
    mode: str
    rows: int
    columns: int
    parse_plan: Document | None
    profile: Document
    """As `trim_profile` returns it."""
    features: Document
    cleaning: Sequence[Log]
    outliers: Sequence[Log]
    engineering: Sequence[Log]
    change_counts: Mapping[str, int]
    """How many changes of each kind there are."""
    charts: Sequence[Document]
    written: Log | None
    """The written report; None where there is none."""


def compose_report(facts: ReportFacts) -> bytes:
    """Return the report; charts that would make it too large are left out, and it says how many."""
    charts = _first_charts(facts.charts)
    documents = {
        "status": {name: getattr(facts, name) for name in ("filename", "mode", "rows", "columns", "parse_plan")},
        "profile": facts.profile,
        "features": facts.features,
        "steps": _list_steps(facts),
        "outliers": [
            {**_select(log, "column", "table", "outliers"), "cellsChanged": log["cells_changed"]}
            for log in facts.outliers
        ],
        "amounts": [{"kind": kind, "amount": amount} for kind, amount in facts.change_counts.items()],
        "charts": charts,
        "left_out": len(facts.charts) - len(charts),
        "written": facts.written and _select(facts.written, "summary", "reasoning", "recommendations", "author"),
    }
    style, script = ((_STATIC / name).read_text("utf-8") for name in ("report.css", "report.js"))
    page = _PAGE.substitute(
        title=escape(facts.filename),
        style=style,
        script=script,
        style_hash=_source_hash(style),
        script_hash=_source_hash(script),
        documents=_embed(documents),
    )
    return page.encode("utf-8", "replace")


def _first_charts(charts: Sequence[Document]) -> list[Document]:
    chosen, size = [], 0
    for chart in charts:
        size += len(_embed(chart))
        if size > _MAX_CHART_BYTES:
            break
        chosen.append(chart)
    return chosen


def _list_steps(facts: ReportFacts) -> list[dict[str, Any]]:
    phases = {"cleaning": facts.cleaning, "outliers": facts.outliers, "features": facts.engineering}
    steps = [
        {
            "step": log["step"],
            "phase": phase,
            "state": log["state"],
            "why": log["why"][:_MAX_TEXT_CHARACTERS],
            "confidence": log.get("confidence"),
            "cellsChanged": log.get("cells_changed", 0),
        }
        for phase, logs in phases.items()
        for log in logs
    ]
    return sorted(steps, key=lambda step: int(step["step"]))


def _select(document: Log, *names: str) -> dict[str, Any]:
    return {name: document[name] for name in names}


def _embed(document: object) -> str:
    """Return JSON that no parser of HTML takes for markup."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _source_hash(text: str) -> str:
    """Return what a content security policy calls an inline script or style by (CSP level 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
