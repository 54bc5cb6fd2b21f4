"""Identity and permissions as people meet them, on a whole stack in token mode."""

import subprocess
import sys
from typing import Any

import grpc
import httpx
import pytest

from deploy.local.stack import ROOT
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc as rpc
from tests.security.callers import bearer, token
from tests.security.conftest import CSV, TEAM, TokenStack, upload

pytestmark = pytest.mark.xdist_group("token stack")


def client_of(stack: TokenStack, user_id: str) -> httpx.Client:
    return httpx.Client(base_url=stack.url, timeout=60, headers=bearer(token(user_id)))


def listed(client: httpx.Client, **parameters: str) -> list[dict[str, Any]]:
    answer = client.get("/datasets", params=parameters)
    assert answer.status_code == 200, answer.text
    datasets: list[dict[str, Any]] = answer.json()["datasets"]
    return datasets


def test_the_owner_of_an_upload_is_its_caller(token_stack: TokenStack) -> None:
    with client_of(token_stack, "uma") as uma:
        dataset_id = upload(uma)
        assert [(dataset["dataset_id"], dataset["user_id"]) for dataset in listed(uma)] == [(dataset_id, "uma")]
        assert upload(uma, user_id="uma") != dataset_id
        for refused in (
            uma.post("/dataset/upload", files={"file": ("a.csv", CSV)}, data={"user_id": "ada"}),
            uma.get("/datasets", params={"user_id": "ada"}),
            uma.get("/usage", params={"user_id": "ada"}),
        ):
            assert (refused.status_code, refused.json()["reason"]) == (403, "OTHER_USER")
        assert len(listed(uma)) == 2, "a refused upload left something behind"
        assert uma.get("/usage").json()["user_id"] == "uma"


def test_a_collaboration_is_shared_with_its_members_alone(token_stack: TokenStack) -> None:
    with client_of(token_stack, "vi") as vi, client_of(token_stack, "sam") as sam:
        assert token_stack.dataset_id in {dataset["dataset_id"] for dataset in listed(vi)}
        assert listed(sam) == listed(sam, collaboration_id=TEAM) == []
        for client, reason in ((vi, "NOT_AN_EDITOR"), (sam, "NOT_AN_EDITOR")):
            fields = {"collaboration_id": TEAM}
            refused = client.post("/dataset/upload", files={"file": ("a.csv", CSV)}, data=fields)
            assert (refused.status_code, refused.json()["reason"]) == (403, reason)
        assert listed(sam) == []


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Basic YWRhOmFkYQ==")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer a\tb")],
        [("Authorization", "Bearer äöü".encode("latin-1"))],
        [("Authorization", "Bearer " + "A" * 30_000)],
        [("Authorization", f"Bearer {token('ada')}"), ("Authorization", f"Bearer {token('ada')}")],
        [("X-Process-Authorization", "Bearer x"), ("X-User-Id", "ada")],
        [("Cookie", f"access_token={token('ada')}")],
    ],
)
def test_an_odd_or_missing_credential_is_answered_401(token_stack: TokenStack, headers: list[tuple[str, Any]]) -> None:
    for method, path in (("GET", f"/dataset/{token_stack.dataset_id}/status"), ("POST", "/dataset/upload")):
        body = {"files": {"file": ("a.csv", CSV)}} if method == "POST" else {}
        answer = httpx.request(method, token_stack.url + path, headers=httpx.Headers(headers), **body)  # type: ignore[arg-type]
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_trail_says_who_did_what_from_where(token_stack: TokenStack) -> None:
    with client_of(token_stack, "tom") as tom, client_of(token_stack, "sam") as sam:
        dataset_id = upload(tom)
        assert sam.delete(f"/dataset/{dataset_id}").status_code == 404
        assert tom.delete(f"/dataset/{dataset_id}", headers={"X-Request-ID": "the-last"}).status_code == 204
        trail = tom.get("/audit", params={"dataset_id": dataset_id}).json()["events"]
        assert sam.get("/audit", params={"dataset_id": dataset_id}).json()["events"] == []
    assert [(event["action"], event["outcome"], event["caller_id"]) for event in trail] == [
        ("DeleteDataset", "ok", "tom"),
        ("DeleteDataset", "DATASET_NOT_FOUND", "sam"),
        ("UploadDataset", "ok", "tom"),
    ]
    assert {(event["address"], event["caller_kind"]) for event in trail} == {("127.0.0.1", "user")}
    assert trail[0]["request_id"] == "the-last"


def test_an_address_is_believed_of_the_gateway_alone(token_stack: TokenStack) -> None:
    metadata = (
        ("authorization", f"Bearer {token('eve')}"),
        ("x-process-authorization", token("eve")),
        ("x-client-address", "198.51.100.1"),
    )
    with grpc.insecure_channel(token_stack.target("ingest")) as channel:
        stub = rpc.IngestServiceStub(channel)
        with pytest.raises(grpc.RpcError):
            stub.DeleteDataset(pb.DeleteDatasetRequest(dataset_id=token_stack.dataset_id), metadata=metadata)
    with client_of(token_stack, "ada") as ada:
        newest = ada.get("/audit", params={"dataset_id": token_stack.dataset_id}).json()["events"][0]
    assert newest["caller_id"] == "eve"
    assert newest["address"].startswith("ipv4:127.0.0.1:")


def test_no_credential_appears_in_a_log(token_stack: TokenStack) -> None:
    logs = b"".join(path.read_bytes() for path in (token_stack.stack.data_dir / "logs").glob("*.log"))
    assert b"rpc finished" in logs
    for credential in filter(None, token_stack.credentials.values()):
        assert credential.encode() not in logs
        assert (credential[-20:].encode() not in logs) or credential.endswith(".")


def api_keys(stack: TokenStack, *arguments: str) -> str:
    """Run the management command and return what it prints."""
    command = [sys.executable, "-m", "neuralearn", "api-keys", *arguments]
    environment = {"DATABASE_URL": str(stack.stack.settings.database_url), "PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() or done.stderr.strip()


def test_keys_are_managed_from_the_command_line(token_stack: TokenStack) -> None:
    key = api_keys(token_stack, "create", "--user", "kim", "--name", "nightly", "--scope", "read", "--days", "30")
    key_id = key.split("_")[1]
    with httpx.Client(base_url=token_stack.url, headers=bearer(key)) as client:
        assert client.get("/usage").json()["user_id"] == "kim"
        row = next(line for line in api_keys(token_stack, "list", "--user", "kim").splitlines() if key_id in line)
        assert "nightly" in row and "read" in row and row.endswith("valid")
        assert key not in api_keys(token_stack, "list")
        assert api_keys(token_stack, "revoke", key_id) == f"Revoked {key_id}."
        assert client.get("/usage").json()["reason"] == "API_KEY_INVALID"
    assert api_keys(token_stack, "list", "--user", "kim").endswith("revoked")
    assert api_keys(token_stack, "revoke", "nobody") == "There is no API key nobody."
    assert "greater than or equal to 1" in api_keys(token_stack, "create", "--user", "kim", "--days", "0")
