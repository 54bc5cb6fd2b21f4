"""The permissions of every rpc and route, from the table that the services decide by."""

from collections.abc import Iterator

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor

from docs.generate.markdown import table
from shared.identity.permissions import PERMISSIONS
from shared.pb.neuralearn.ingest.v1 import ingest_pb2
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2
from shared.pb.neuralearn.report.v1 import report_pb2

_FILES = (ingest_pb2, pipeline_pb2, report_pb2)
_VERBS = ("get", "post", "put", "delete")


def page() -> str:
    """Return the page."""
    parts = [
        "# Permissions\n\nWho may call what in token mode; in open mode everybody may call everything. "
        "[Identity and permissions](../guides/identity.md) explains the words. Health and reflection are for everybody."
    ]
    for file in _FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            rows = [_row(service.full_name, method) for method in service.methods]
            parts.append(f"## {service.name}\n\n{table(('Rpc', 'REST', 'Scope', 'Who', 'In the audit trail'), rows)}")
    return "\n\n".join(parts) + "\n"


def _row(service: str, method: MethodDescriptor) -> tuple[str, ...]:
    permission = PERMISSIONS[f"/{service}/{method.name}"]
    routes = "<br>".join(f"`{route}`" for route in _routes(method))
    recorded = "always" if permission.is_audited else "refusals"
    return (f"`{method.name}`", routes, permission.scope, permission.describe(), recorded)


def _routes(method: MethodDescriptor) -> Iterator[str]:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    for binding in (rule, *rule.additional_bindings):
        for verb in _VERBS:
            if path := getattr(binding, verb):
                yield f"{verb.upper()} {path}"
