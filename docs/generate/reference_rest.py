"""The REST reference, from the OpenAPI document."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs.generate.markdown import anchor, cell, table

OPENAPI = Path(__file__).resolve().parents[1] / "reference" / "openapi.json"


def page() -> str:
    """Return the page."""
    document = json.loads(OPENAPI.read_text("utf-8"))
    parts = [
        "# REST\n\nEvery path, parameter and field, from [openapi.json](openapi.json). A running gateway shows the same "
        "at `/docs` (to try out) and `/redoc`.\n\nAny path may also answer 422, 500 and 503 with a "
        "[problem](#problem); see [errors](../guides/errors.md).",
    ]
    for tag in document["tags"]:
        parts.append(f"## {tag['name'].capitalize()}\n\n{tag['description']}")
        parts += [text for path in document["paths"] for text in _operations(document, path, tag["name"])]
    parts.append("## Documents")
    parts += [_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    return "\n\n".join(parts) + "\n"


def _operations(document: dict[str, Any], path: str, tag: str) -> Iterator[str]:
    for method, operation in document["paths"][path].items():
        if tag in operation["tags"]:
            yield _operation(method, path, operation)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"### {operation['summary']}", f"`{method.upper()} {path}` · `{operation['operationId']}`"]
    parts.append(operation["description"])
    if parameters := operation.get("parameters"):
        rows = [_parameter(parameter) for parameter in parameters]
        parts.append(table(("Parameter", "In", "Type", "What"), rows))
    if body := operation.get("requestBody"):
        parts += _body(body)
    answers = [
        (
            code,
            ", ".join(f"`{media}`" for media in answer.get("content", {})),
            _reference(answer),
            answer["description"],
        )
        for code, answer in sorted(operation["responses"].items())
        if code not in {"422", "500", "503"}
    ]
    parts.append(table(("Answer", "Media type", "Document", "What"), answers))
    return "\n\n".join(parts)


def _body(body: dict[str, Any]) -> Iterator[str]:
    """Yield what an operation takes: the fields of its form, or the schema of its JSON document."""
    form = body["content"].get("multipart/form-data")
    if form is None:
        schema = body["content"]["application/json"]["schema"]
        document = next(option for option in schema.get("anyOf", [schema]) if "$ref" in option)
        about = f"{schema['description']} " if "description" in schema else ""
        optional = "" if body.get("required") else ", and may be left out"
        yield f"{about}It is JSON, a {_type(document)}{optional}."
        return
    yield body["description"]
    fields = form["schema"]["properties"]
    described = [(f"`{name}`", _type(field), field.get("description", "")) for name, field in fields.items()]
    yield table(("Field", "Type", "What"), described)


def _parameter(parameter: dict[str, Any]) -> tuple[str, ...]:
    return f"`{parameter['name']}`", parameter["in"], _type(parameter["schema"]), parameter["description"]


def _media_types(answer: dict[str, Any]) -> str:
    return ", ".join(f"`{media_type}`" for media_type in answer.get("content", {}))


def _reference(answer: dict[str, Any]) -> str:
    schemas = [content.get("schema", {}) for content in answer.get("content", {}).values()]
    names = [_type(schema) for schema in schemas if "$ref" in schema]
    return ", ".join(dict.fromkeys(names))


def _schema(name: str, schema: dict[str, Any]) -> str:
    rows = [
        (f"`{field}`", _type(content), _description(content)) for field, content in schema.get("properties", {}).items()
    ]
    return f"### {name}\n\n{schema.get('description', '')}\n\n{table(('Field', 'Type', 'What'), rows)}"


def _description(content: dict[str, Any]) -> str:
    examples = [example for example in content.get("examples", []) if example is not None]
    example = f" For example `{json.dumps(examples[0], ensure_ascii=False)}`." if examples else ""
    return cell(content.get("description", "")) + example


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(option) for option in options))
    if "enum" in schema:
        return " or ".join(f"`{word}`" for word in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")
