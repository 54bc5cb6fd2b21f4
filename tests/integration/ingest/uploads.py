"""Uploads to IngestService over gRPC."""

import hashlib
from collections.abc import AsyncIterator
from uuid import uuid4

from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc as rpc
from shared.rpc.early_status import stream_to
from shared.rpc.status import service_errors

CSV = b"name,age\nAda,36\nGrace,85\n"


def upload_messages(
    content: bytes = CSV,
    *,
    filename: str = "people.csv",
    request_id: str = "",
    options: common.DatasetOptions | None = None,
    size: int | None = None,
) -> list[pb.UploadDatasetRequest]:
    chunks = [content[start : start + 1000] for start in range(0, len(content), 1000)]
    commit = pb.UploadCommit(
        size_bytes=len(content) if size is None else size,
        sha256=hashlib.sha256(content).hexdigest(),
        options=options or common.DatasetOptions(user_id=str(uuid4())),
    )
    return [
        pb.UploadDatasetRequest(header=pb.UploadHeader(filename=filename, request_id=request_id)),
        *(pb.UploadDatasetRequest(chunk=chunk) for chunk in chunks),
        pb.UploadDatasetRequest(commit=commit),
    ]


async def upload(stub: "rpc.IngestServiceAsyncStub", requests: list[pb.UploadDatasetRequest]) -> common.Dataset:
    async def request_stream() -> AsyncIterator[pb.UploadDatasetRequest]:
        for request in requests:
            yield request

    with service_errors():
        return (await stream_to(stub.UploadDataset, request_stream(), timeout=30, metadata=())).dataset
