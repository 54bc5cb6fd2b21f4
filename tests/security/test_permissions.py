"""Every rpc and every REST route × every kind of caller, on a whole stack."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from gateway.app import create_app
from shared.errors import ServiceError
from shared.identity.permissions import PERMISSIONS
from shared.pb.neuralearn.common.v1.dataset_pb2 import DatasetOptions
from shared.pb.neuralearn.ingest.v1 import ingest_pb2
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2
from shared.pb.neuralearn.report.v1 import report_pb2
from shared.rpc.status import from_rpc_error
from shared.settings.processes import GatewaySettings
from tests.integration.ingest.uploads import upload_messages
from tests.security.callers import bearer, token
from tests.security.conftest import CSV, TEAM, TokenStack, upload

pytestmark = pytest.mark.xdist_group("token stack")

SERVICES = {
    "ingest": ingest_pb2.DESCRIPTOR.services_by_name["IngestService"],
    "pipeline": pipeline_pb2.DESCRIPTOR.services_by_name["PipelineService"],
    "report": report_pb2.DESCRIPTOR.services_by_name["ReportService"],
}
METHODS = [(name, method) for name, service in SERVICES.items() for method in service.methods]
ROLES = {"owner": 3, "co-owner": 3, "key": 3, "editor": 2, "viewer": 1, "stranger": 0}
READERS = {"read-only key": 3, "read-only token": 3}
UNKNOWN = (
    "anonymous",
    "expired token",
    "forged token",
    "unsigned token",
    "expired key",
    "revoked key",
    "guessed key",
)
CALLERS = (*ROLES, *READERS, "operator key", *UNKNOWN)
GRAPH = "histogram-2"
OWN = (
    *("UploadDataset", "ImportDataset", "PreviewDataset", "ListDatasets", "GetUsage", "ListAuditEvents", "EraseUser"),
    *("ListStoredRecipes", "GetStoredRecipe", "DeleteStoredRecipe"),
)
STORE = "CreateStoredRecipe"
"""It is about what the caller owns, and names a dataset that it must be able to read."""
COMMENT = ("CreateComment", "ResolveComment")
MEMBERS = ("ListMembers", "PutMember", "RemoveMember", "ListCollaborationGraphs", "ListCleanedDatasets")
OPERATE = ("StartRun", "GetRun", "InferTypes", "CheckRecipe", "ListQueues", "ListWorkers")
WRITES = (
    "EraseUser",
    "UploadDataset",
    "ImportDataset",
    "PreviewDataset",
    "CancelDataset",
    "RetryDataset",
    "ApplyDataset",
    "PrepareDataset",
    "ReviseDataset",
    "DeleteDataset",
    "DeleteStoredRecipe",
    *COMMENT,
    "DeleteComment",
    STORE,
)
NEEDED = {
    "CancelDataset": 2,
    "RetryDataset": 2,
    "ApplyDataset": 2,
    "PrepareDataset": 2,
    "ReviseDataset": 2,
    "DeleteDataset": 3,
    "PutMember": 3,
    "RemoveMember": 3,
}


def expected(rpc: str, caller: str) -> str:
    """Return what a caller is to be answered, written down apart from the table of permissions."""
    if caller in UNKNOWN:
        return "unauthenticated"
    if rpc in OPERATE:
        return "allowed" if caller == "operator key" else "denied"
    if caller == "operator key":
        # It is nobody in a dataset or a collaboration, but its scope is looked at first where there is no dataset.
        return "denied" if rpc in (*OWN, *MEMBERS, STORE) else "missing"
    if caller in READERS and rpc in (*WRITES, "PutMember", "RemoveMember"):
        return "denied"
    if rpc == "EraseUser":
        return "denied"  # the walk names a user that is none of the callers
    if rpc in OWN:
        return "allowed"
    role = {**ROLES, **READERS}[caller]
    if role == 0:
        return "missing"
    return "allowed" if role >= NEEDED.get(rpc, 1) else "denied"


def outcome_of(error: ServiceError | None) -> str:
    """Return the class of an answer."""
    if error is None:
        return "allowed"
    kind = type(error).__name__
    assert kind not in ("ServiceError", "Unavailable"), f"{kind}: {error.detail}"
    if error.reason in ("DATASET_NOT_FOUND", "COLLABORATION_NOT_FOUND"):
        return "missing"
    return {"Unauthenticated": "unauthenticated", "PermissionDenied": "denied"}.get(kind, "allowed")


def test_every_rpc_declares_its_permission() -> None:
    assert {f"/{method.containing_service.full_name}/{method.name}" for _, method in METHODS} == set(PERMISSIONS)


def request_for(method: MethodDescriptor, dataset_id: str) -> Any:
    """Return a request that names the dataset or the collaboration."""
    request = GetMessageClass(method.input_type)()
    values = {
        "dataset_id": dataset_id,
        "collaboration_id": TEAM,
        "graph_id": GRAPH,
        "user_id": "temp",
        "role": 1,
        "name": "walk",
    }
    for field in method.input_type.fields:
        if field.name in values and not (
            field.name == "user_id" and method.name in (*OWN, STORE, *COMMENT) and method.name != "EraseUser"
        ):
            setattr(request, field.name, values[field.name])
        if field.enum_type is not None and field.name in ("table", "format"):
            setattr(request, field.name, 2)
    return request


def call(channel: grpc.Channel, method: MethodDescriptor, request: Any, headers: dict[str, str]) -> ServiceError | None:
    """Call an rpc, and return the error it answers, or None."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    response = GetMessageClass(method.output_type)
    rpc = getattr(channel, kind)(path, lambda message: message.SerializeToString(), response.FromString)
    metadata = [(name.lower(), value) for name, value in headers.items()]
    if method.client_streaming:
        request = iter(upload_messages(options=DatasetOptions()))
    try:
        answer = rpc(request, timeout=30, metadata=metadata)
        if method.server_streaming:
            next(answer, None)
            answer.cancel()
    except grpc.RpcError as error:
        return from_rpc_error(error)  # type: ignore[arg-type]
    return None


@pytest.fixture(scope="module")
def channels(token_stack: TokenStack) -> Iterator[dict[str, grpc.Channel]]:
    channels = {name: grpc.insecure_channel(token_stack.target(name)) for name in SERVICES}
    yield channels
    for channel in channels.values():
        channel.close()


def fresh_dataset(token_stack: TokenStack) -> str:
    with httpx.Client(base_url=token_stack.url, timeout=60, headers=bearer(token("ada"))) as ada:
        return upload(ada, collaboration_id=TEAM)


def test_every_rpc_by_every_caller(token_stack: TokenStack, channels: dict[str, grpc.Channel]) -> None:
    wrong, counts = [], Counter[str]()
    for service, method in METHODS:
        for caller in CALLERS:
            is_last = method.name == "DeleteDataset" and expected(method.name, caller) == "allowed"
            dataset_id = fresh_dataset(token_stack) if is_last else token_stack.dataset_id
            error = call(channels[service], method, request_for(method, dataset_id), token_stack.headers(caller))
            outcome = outcome_of(error)
            counts[outcome] += 1
            if outcome != expected(method.name, caller):
                wrong.append((method.name, caller, outcome, error and error.reason))
    print(f"{len(METHODS)} rpcs × {len(CALLERS)} callers: {dict(counts)}")
    assert wrong == []


ROUTE_RPCS = {
    ("POST", "/dataset/upload"): "UploadDataset",
    ("POST", "/dataset/preview"): "PreviewDataset",
    ("GET", "/dataset/{dataset_id}/status"): "GetDataset",
    ("GET", "/dataset/{dataset_id}/events"): "WatchRun",
    ("POST", "/dataset/{dataset_id}/cancel"): "CancelDataset",
    ("POST", "/dataset/{dataset_id}/retry"): "RetryDataset",
    ("POST", "/dataset/{dataset_id}/apply"): "ApplyDataset",
    ("POST", "/dataset/{dataset_id}/prepare"): "PrepareDataset",
    ("PATCH", "/dataset/{dataset_id}/recipe"): "ReviseDataset",
    ("POST", "/dataset/{dataset_id}/undo"): "ReviseDataset",
    ("DELETE", "/dataset/{dataset_id}"): "DeleteDataset",
    ("GET", "/dataset/{dataset_id}/rows"): "QueryRows",
    ("GET", "/dataset/{dataset_id}/utility"): "GetUtility",
    ("GET", "/dataset/{dataset_id}/export"): "ExportRecipe",
    ("POST", "/dataset/{dataset_id}/recipe/dry-run"): "TryRecipe",
    ("POST", "/recipes"): STORE,
    ("GET", "/recipes"): "ListStoredRecipes",
    ("GET", "/recipes/{recipe_id}"): "GetStoredRecipe",
    ("DELETE", "/recipes/{recipe_id}"): "DeleteStoredRecipe",
    ("POST", "/dataset/{dataset_id}/comments"): "CreateComment",
    ("GET", "/dataset/{dataset_id}/comments"): "ListComments",
    ("PATCH", "/dataset/{dataset_id}/comments/{comment_id}"): "ResolveComment",
    ("DELETE", "/dataset/{dataset_id}/comments/{comment_id}"): "DeleteComment",
    ("GET", "/datasets"): "ListDatasets",
    ("GET", "/datasets/status"): "ListDatasets",
    ("GET", "/usage"): "GetUsage",
    ("GET", "/audit"): "ListAuditEvents",
    ("GET", "/queues"): "ListQueues",
    ("GET", "/workers"): "ListWorkers",
    ("DELETE", "/users/{user_id}/data"): "EraseUser",
    ("GET", "/collaboration/{collaboration_id}/members"): "ListMembers",
    ("PUT", "/collaboration/{collaboration_id}/members/{user_id}"): "PutMember",
    ("DELETE", "/collaboration/{collaboration_id}/members/{user_id}"): "RemoveMember",
    ("GET", "/collaboration/{collaboration_id}/graphs"): "ListCollaborationGraphs",
    ("GET", "/collaboration/{collaboration_id}/datasets/cleaned"): "ListCleanedDatasets",
}
"""The rpc behind each route; those of results are not listed: all of them need to read the dataset."""
PUBLIC = ("/", "/health", "/health/live")
"""Routes that name no dataset."""


def routes() -> list[tuple[str, str]]:
    paths = create_app(GatewaySettings()).openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def rpc_of(method: str, path: str) -> str | None:
    if path in PUBLIC:
        return None
    return ROUTE_RPCS.get((method, path), "GetTable" if path.startswith("/dataset/{dataset_id}/") else "undeclared")


def test_every_route_declares_its_rpc() -> None:
    undeclared = [route for route in routes() if rpc_of(*route) == "undeclared"]
    assert undeclared == []


def test_every_route_by_every_caller(token_stack: TokenStack) -> None:
    wrong, counts = [], Counter[str]()
    with httpx.Client(base_url=token_stack.url, timeout=60) as client:
        for method, path in routes():
            rpc = rpc_of(method, path)
            for caller in CALLERS:
                want = "allowed" if rpc is None else expected(rpc, caller)
                is_last = rpc == "DeleteDataset" and want == "allowed"
                dataset_id = fresh_dataset(token_stack) if is_last else token_stack.dataset_id
                status, reason = ask(client, method, path, dataset_id, token_stack.headers(caller))
                assert status < 500, (method, path, caller, status, reason)
                outcome = {401: "unauthenticated", 403: "denied"}.get(status, "allowed")
                if reason in ("DATASET_NOT_FOUND", "COLLABORATION_NOT_FOUND"):
                    outcome = "missing"
                counts[outcome] += 1
                if outcome != want:
                    wrong.append((method, path, caller, outcome, reason))
    print(f"{len(routes())} routes × {len(CALLERS)} callers: {dict(counts)}")
    assert wrong == []


def ask(client: httpx.Client, method: str, path: str, dataset_id: str, headers: dict[str, str]) -> tuple[int, str]:
    url = path.format(
        dataset_id=dataset_id,
        collaboration_id=TEAM,
        user_id="temp",
        graph_id=GRAPH,
        recipe_id=dataset_id,
        comment_id=dataset_id,
    )
    required = {"diff": {"from": 1}, "export": {"format": "odcs"}}.get(path.rpartition("/")[2])
    body: dict[str, Any] = {"params": required} if required else {}
    if path in ("/dataset/upload", "/dataset/preview"):
        body = {"files": {"file": ("a.csv", "a,b\n1,2\n")}}
    if (method, path) == ("POST", "/recipes"):
        body = {"json": {"name": "walk", "dataset_id": dataset_id}}
    if rpc_of(method, path) in ("ReviseDataset", "TryRecipe"):
        body = {"json": {}}
    if path.endswith(("/comments", "/comments/{comment_id}")):
        body = {"json": {"text": "walk"} if method == "POST" else {"resolved": True}} if method != "GET" else {}
        body = {} if method == "DELETE" else body
    if method == "PUT":
        body = {"json": {"role": "viewer"}}
    with client.stream(method, url, headers=headers, **body) as answer:
        if answer.headers.get("content-type") == "application/problem+json":
            answer.read()
            return answer.status_code, str(answer.json()["reason"])
        return answer.status_code, ""


def test_a_recipe_is_repeated_only_by_who_may_read_it(token_stack: TokenStack) -> None:
    file = {"file": ("people.csv", CSV)}
    with httpx.Client(base_url=token_stack.url, timeout=60) as client:
        ada = token_stack.headers("owner")
        stored = client.post("/recipes", json={"name": "x", "dataset_id": token_stack.dataset_id}, headers=ada).json()
        for caller, of_dataset, of_recipe in (("viewer", 200, 404), ("stranger", 404, 404), ("owner", 200, 200)):
            headers = token_stack.headers(caller)
            for fields, status in (
                ({"recipe_of": token_stack.dataset_id}, of_dataset),
                ({"recipe": stored["recipe_id"]}, of_recipe),
            ):
                answer = client.post("/dataset/upload", files=file, data=fields, headers=headers)
                assert answer.status_code == status, (caller, fields, answer.text)
            listed = client.get("/recipes", headers=headers).json()["recipes"]
            assert (stored["recipe_id"] in [item["recipe_id"] for item in listed]) == (caller == "owner")
        stranger = token_stack.headers("stranger")
        assert client.delete(f"/recipes/{stored['recipe_id']}", headers=stranger).status_code == 404
        assert client.get(f"/recipes/{stored['recipe_id']}", headers=stranger).status_code == 404


def test_a_dataset_is_not_compared_with_what_its_reader_may_not_see(token_stack: TokenStack) -> None:
    with httpx.Client(base_url=token_stack.url, timeout=60, headers=token_stack.headers("stranger")) as client:
        own = client.post("/dataset/upload", files={"file": ("x.csv", CSV)}).json()["dataset_id"]
        answer = client.get(f"/dataset/{own}/diff", params={"from": 1, "of": token_stack.dataset_id})
    assert (answer.status_code, answer.json()["reason"]) == (404, "DATASET_NOT_FOUND")
    assert token_stack.dataset_id in answer.json()["detail"]


@pytest.mark.parametrize("suffix", ["status", "cleaned", "raw", "profile", "events", "logs/cleaning"])
def test_what_is_anothers_looks_as_if_it_did_not_exist(token_stack: TokenStack, suffix: str) -> None:
    missing = token_stack.dataset_id[:-4] + "0000"
    with httpx.Client(base_url=token_stack.url, timeout=60, headers=token_stack.headers("stranger")) as client:
        of_another, of_nobody = (client.get(f"/dataset/{id_}/{suffix}") for id_ in (token_stack.dataset_id, missing))
    assert of_another.status_code == of_nobody.status_code == 404

    def without_ids(answer: httpx.Response, dataset_id: str) -> dict[str, Any]:
        body = {name: value for name, value in answer.json().items() if name != "request_id"}
        return {name: str(value).replace(dataset_id, "…") for name, value in body.items()}

    assert without_ids(of_another, token_stack.dataset_id) == without_ids(of_nobody, missing)
    names = [set(answer.headers) for answer in (of_another, of_nobody)]
    assert names[0] == names[1]
