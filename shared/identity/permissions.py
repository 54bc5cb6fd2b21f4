"""The permission that every rpc needs; one that is not listed here is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.contracts.vocabulary import Role, Scope

Subject = Literal["caller", "dataset", "collaboration"]


@dataclass(frozen=True, kw_only=True)
class Permission:
    """What a caller needs."""

    scope: Scope
    """The scope of its credential."""
    subject: Subject = "caller"
    """What the request names, and the role is held in; with `caller` the answer holds only what is the caller's."""
    role: Role = "viewer"
    """The least role in the dataset or collaboration."""
    is_audited: bool = False
    """True if every such call is recorded in the audit trail; what is refused is recorded in any case."""

    def describe(self) -> str:
        """Return the permission in words."""
        if self.subject == "caller":
            return "processes and operators" if self.scope == "operate" else "every caller, for what is its own"
        return f"{self.role} of the {self.subject}"


def _dataset(role: Role, *, is_audited: bool | None = None) -> Permission:
    scope: Scope = "read" if role == "viewer" else "write"
    audited = role != "viewer" if is_audited is None else is_audited
    return Permission(scope=scope, subject="dataset", role=role, is_audited=audited)


def _collaboration(role: Role) -> Permission:
    scope: Scope = "read" if role == "viewer" else "write"
    return Permission(scope=scope, subject="collaboration", role=role, is_audited=role != "viewer")


_READ_OWN = Permission(scope="read")
_UPLOAD = Permission(scope="write", is_audited=True)
_COMMENT = Permission(scope="write", subject="dataset", role="viewer", is_audited=True)
_OPERATE = Permission(scope="operate")
_BY_SERVICE: Mapping[str, Mapping[str, Permission]] = {
    "neuralearn.ingest.v1.IngestService": {
        "UploadDataset": _UPLOAD,
        "ImportDataset": _UPLOAD,
        "PreviewDataset": Permission(scope="write"),
        "GetDataset": _dataset("viewer"),
        "ListDatasets": _READ_OWN,
        "CancelDataset": _dataset("editor"),
        "RetryDataset": _dataset("editor"),
        "ApplyDataset": _dataset("editor"),
        "PrepareDataset": _dataset("editor"),
        "ReviseDataset": _dataset("editor"),
        "DeleteDataset": _dataset("owner"),
        "GetUsage": _READ_OWN,
        "CreateStoredRecipe": _UPLOAD,
        "ListStoredRecipes": _READ_OWN,
        "GetStoredRecipe": _READ_OWN,
        "DeleteStoredRecipe": _UPLOAD,
        "CreateComment": _COMMENT,
        "ListComments": _dataset("viewer"),
        "ResolveComment": _COMMENT,
        "DeleteComment": _COMMENT,
        "ListMembers": _collaboration("viewer"),
        "PutMember": _collaboration("owner"),
        "RemoveMember": _collaboration("owner"),
        "ListAuditEvents": _READ_OWN,
        "EraseUser": Permission(scope="write"),
    },
    "neuralearn.pipeline.v1.PipelineService": {
        "StartRun": _OPERATE,
        "GetRun": _OPERATE,
        "WatchRun": _dataset("viewer"),
        "GetUtility": _dataset("viewer"),
        "ExportRecipe": _dataset("viewer"),
        "TryRecipe": _dataset("viewer", is_audited=True),
        "InferTypes": _OPERATE,
        "CheckRecipe": _OPERATE,
        "ListQueues": _OPERATE,
        "ListWorkers": _OPERATE,
    },
    "neuralearn.report.v1.ReportService": {
        "GetTable": _dataset("viewer", is_audited=True),
        "DownloadTable": _dataset("viewer"),
        "ListGraphs": _dataset("viewer"),
        "GetGraph": _dataset("viewer"),
        "DownloadGraphs": _dataset("viewer"),
        "GetProfile": _dataset("viewer"),
        "GetRecipe": _dataset("viewer"),
        "GetDrift": _dataset("viewer"),
        "ListVersions": _dataset("viewer"),
        "ListDifferences": _dataset("viewer"),
        "ListChanges": _dataset("viewer"),
        "ListRejects": _dataset("viewer"),
        "QueryRows": _dataset("viewer", is_audited=True),
        "GetFeatures": _dataset("viewer"),
        "ListCleaningLogs": _dataset("viewer"),
        "ListOutlierLogs": _dataset("viewer"),
        "ListFeatureLogs": _dataset("viewer"),
        "GetCleaningReport": _dataset("viewer"),
        "GetHtmlReport": _dataset("viewer"),
        "ListCollaborationGraphs": _collaboration("viewer"),
        "ListCleanedDatasets": _collaboration("viewer"),
    },
}

PERMISSIONS: Mapping[str, Permission] = {
    f"/{service}/{method}": permission
    for service, methods in _BY_SERVICE.items()
    for method, permission in methods.items()
}
"""The permission of each rpc, by its full name."""

PUBLIC_PREFIXES = ("/grpc.health.v1.Health/", "/grpc.reflection.", "/externalscaler.ExternalScaler/")
"""Rpcs that everybody may call: they name no dataset."""


def is_public(method: str) -> bool:
    """Return True if everybody may call an rpc."""
    return method.startswith(PUBLIC_PREFIXES)
