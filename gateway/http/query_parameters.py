"""Refusing query parameters that a route does not have, as unknown form fields are refused."""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from gateway.http.problems import invalid_fields, suggestion
from shared.errors import FieldError

MAX_NAMED = 10
"""Of more unknown parameters, only the first are named."""


async def refuse_unknown_parameters(request: Request) -> None:
    """Check the query of a request before its route does anything.

    Raises:
        InvalidInput: naming each unknown parameter, and the one that was probably meant.
    """
    if not request.query_params:
        return
    known = _known_parameters(request.scope["route"].dependant)
    unknown = list(dict.fromkeys(name for name in request.query_params if name not in known))
    if unknown:
        raise invalid_fields([_unknown_field(name, known) for name in unknown[:MAX_NAMED]])


def _unknown_field(name: str, known: tuple[str, ...]) -> FieldError:
    hint = suggestion(name, known) if known else "this path takes none"
    return FieldError(field=name[:100], detail=f"There is no such parameter; {hint}")


def _known_parameters(dependant: Dependant) -> tuple[str, ...]:
    """The names of all query parameters of a route and of what it depends on."""
    names: list[str] = []
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names += annotation.model_fields
        else:
            names.append(field.alias)
    for dependency in dependant.dependencies:
        names += _known_parameters(dependency)
    return tuple(names)
