"""The gRPC reference, from the comments of the contracts."""

import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from docs.generate.markdown import anchor, table
from protos.export import export

_TYPES = {value: name.removeprefix("TYPE_").lower() for name, value in FieldDescriptorProto.Type.items()}


def page() -> str:
    """Return the page."""
    parts = [
        "# gRPC\n\nEvery rpc, message and enum, from the comments of the contracts in `protos/`. Each service also "
        "answers `grpc.health.v1.Health` and reflection. [Calling gRPC](../guides/grpc.md) shows how, in several languages."
    ]
    for file in _contracts():
        comments = {tuple(location.path): location.leading_comments for location in file.source_code_info.location}
        parts.append(f"## {file.package}")
        parts += _services(file, comments)
        parts += _messages(file, comments)
        parts += _enums(file, comments)
    return "\n\n".join(parts) + "\n"


def _contracts() -> list[FileDescriptorProto]:
    with tempfile.TemporaryDirectory() as folder:
        contracts = [path for path in export(Path(folder)) if "neuralearn" in path.parts]
        target = Path(folder) / "contracts.binpb"
        includes = [f"-I{folder}", f"-I{files('grpc_tools') / '_proto'}"]
        options = [f"--descriptor_set_out={target}", "--include_source_info"]
        if protoc.main(["protoc", *includes, *options, *map(str, contracts)]) != 0:
            raise SystemExit("protoc failed")
        return sorted(FileDescriptorSet.FromString(target.read_bytes()).file, key=lambda file: file.name)


def _services(file: FileDescriptorProto, comments: dict[tuple[int, ...], str]) -> Iterator[str]:
    for index, service in enumerate(file.service):
        yield f"### {service.name}\n\n{_comment(comments, 6, index)}"
        rows = []
        for position, method in enumerate(service.method):
            request, response = (name.rpartition(".")[2] for name in (method.input_type, method.output_type))
            request = f"{'stream of ' if method.client_streaming else ''}[{request}](#{anchor(request)})"
            response = f"{'stream of ' if method.server_streaming else ''}[{response}](#{anchor(response)})"
            rows.append((f"`{method.name}`", request, response, _comment(comments, 6, index, 2, position)))
        yield table(("Rpc", "Request", "Response", "What"), rows)


def _messages(file: FileDescriptorProto, comments: dict[tuple[int, ...], str]) -> Iterator[str]:
    for index, message in enumerate(file.message_type):
        rows = [
            (f"`{field.name}`", _type(field, message), _comment(comments, 4, index, 2, position))
            for position, field in enumerate(message.field)
        ]
        text = _comment(comments, 4, index)
        yield f"### {message.name}\n\n{text}\n\n{table(('Field', 'Type', 'What'), rows) if rows else ''}".rstrip()


def _enums(file: FileDescriptorProto, comments: dict[tuple[int, ...], str]) -> Iterator[str]:
    for index, enum in enumerate(file.enum_type):
        rows = [
            (f"`{value.name}`", str(value.number), _comment(comments, 5, index, 2, position))
            for position, value in enumerate(enum.value)
        ]
        yield f"### {enum.name}\n\n{_comment(comments, 5, index)}\n\n{table(('Value', 'Number', 'What'), rows)}"


def _comment(comments: dict[tuple[int, ...], str], *path: int) -> str:
    return " ".join(comments.get(path, "").split())


def _type(field: Any, message: DescriptorProto) -> str:
    name = field.type_name.rpartition(".")[2]
    if any(nested.name == name and nested.options.map_entry for nested in message.nested_type):
        return "map of text to text"
    if field.type_name.startswith(".google."):
        text = f"`{name}`"
    else:
        text = f"[{name}](#{anchor(name)})" if name else _TYPES[field.type]
    is_list = field.label == FieldDescriptorProto.LABEL_REPEATED
    return f"list of {text}" if is_list else f"optional {text}" if field.proto3_optional else text
