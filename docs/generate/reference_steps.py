"""The reference of recipe steps, from their docstrings."""

import ast
import inspect
from itertools import pairwise
from typing import Any, get_args

from docs.generate.markdown import table
from worker_service.core.recipe import steps
from worker_service.core.recipe.steps.base import Step

SHARED = ("why", "confidence", "rule")


def page() -> str:
    """Return the page."""
    shared = ", ".join(f"`{name}`" for name in SHARED)
    parts = [
        f"# Steps of a recipe\n\nA recipe is a list of these. Every step also has {shared}. The `kind` names the step; its "
        "phase says in which log it appears and which table it makes: cleaning makes the cleaned table, features derive the "
        "engineered one, and outliers are treated in both or in the engineered one alone."
    ]
    kinds: list[type[Step]] = sorted(get_args(steps.AnyStep), key=_kind_of)
    parts += [_step(kind) for kind in kinds]
    return "\n\n".join(parts) + "\n"


def _kind_of(step: Any) -> str:
    return str(get_args(step.model_fields["kind"].annotation)[0])


def _step(kind: Any) -> str:
    name = _kind_of(kind)
    phase = getattr(kind, "phase", None)
    where = f"Phase: {phase}." if isinstance(phase, str) else "Phase: a parameter."
    documented = {field: text for base in reversed(kind.__mro__[:-1]) for field, text in _docstrings(base).items()}
    rows = [
        (f"`{field}`", _type(info.annotation), documented.get(field, ""))
        for field, info in kind.model_fields.items()
        if field not in (*SHARED, "kind")
    ]
    return f"## {name}\n\n{inspect.getdoc(kind)}\n\n{where}\n\n{table(('Parameter', 'Type', 'What'), rows)}"


def _docstrings(kind: type[Any]) -> dict[str, str]:
    """The string below each field of a class."""
    try:
        body = ast.parse(inspect.getsource(kind)).body[0]
    except (OSError, TypeError, IndentationError):
        return {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    return {
        field.target.id: " ".join(str(text.value.value).split())
        for field, text in pairwise(statements)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def _type(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    for prefix in ("typing.", "worker_service.core.parsing.spec.", "datetime."):
        text = text.replace(prefix, "")
    return f"`{text}`"
