"""The interceptor that decides about calls, in front of a fake service."""

from collections.abc import Sequence

import grpc
import pytest

from shared.errors import PermissionDenied
from shared.identity.access_control import AuditEvent, Decision, Target
from shared.identity.caller import OPEN_CALLER
from shared.pb.neuralearn.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from shared.pb.neuralearn.report.v1 import report_pb2, report_pb2_grpc
from shared.rpc import auth_interceptor
from shared.rpc.server import LOOPBACK, running_server
from tests.fakes.services import DATASET_ID, FakeIngest, FakeReport, served


class FakeAccess:
    """An access control that admits a number of times, and keeps what is recorded."""

    def __init__(self, admissions: int) -> None:
        self.admissions = admissions
        self.events: list[AuditEvent] = []

    async def decide(self, method: str, credentials: Sequence[str], target: Target) -> Decision:
        self.admissions -= 1
        refusal = PermissionDenied("Not any more.", reason="ROLE_TOO_LOW") if self.admissions < 0 else None
        return Decision(caller=OPEN_CALLER, refusal=refusal, is_audited=True)

    def is_service(self, credential: str) -> bool:
        return credential == "the gateway"

    async def record(self, event: AuditEvent) -> None:
        self.events.append(event)


async def test_a_stream_ends_when_its_caller_loses_access(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_interceptor, "RECHECK_SECONDS", -1.0)
    request = report_pb2.DownloadTableRequest(dataset_id=DATASET_ID, table=report_pb2.TABLE_KIND_CLEANED)
    async with (
        running_server(served(FakeReport()), LOOPBACK, access=FakeAccess(2)) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stream = report_pb2_grpc.ReportServiceStub(channel).DownloadTable(request)
        chunks = 0
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in stream:
                chunks += 1
    assert chunks == 1
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_change_of_a_member_is_recorded_with_its_role() -> None:
    access = FakeAccess(10)
    async with (
        running_server(served(FakeIngest()), LOOPBACK, access=access) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub = ingest_pb2_grpc.IngestServiceStub(channel)
        put = ingest_pb2.PutMemberRequest(collaboration_id="team", user_id="grace", role=ingest_pb2.ROLE_EDITOR)
        metadata = (("x-process-authorization", "the gateway"), ("x-client-address", "203.0.113.7"))
        await stub.PutMember(put, metadata=metadata)
        await stub.RemoveMember(ingest_pb2.RemoveMemberRequest(collaboration_id="team", user_id="grace"))
    members = [(event.action, event.collaboration_id, event.member) for event in access.events]
    assert members == [("PutMember", "team", "grace: editor"), ("RemoveMember", "team", "grace")]
    assert access.events[0].address == "203.0.113.7"
    assert access.events[1].address.startswith("ipv4:127.0.0.1:")


async def test_a_number_that_names_no_role_is_left_to_the_service() -> None:
    access = FakeAccess(1)
    async with (
        running_server(served(FakeIngest()), LOOPBACK, access=access) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        put = ingest_pb2.PutMemberRequest(collaboration_id="team", user_id="grace", role=99)  # type: ignore[arg-type]
        await ingest_pb2_grpc.IngestServiceStub(channel).PutMember(put)
    assert [event.member for event in access.events] == ["grace"]
