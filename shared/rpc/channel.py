"""Channels to gRPC services, one per process and target."""

import json
from typing import Any

import grpc

from shared.rpc.server import FLOW_CONTROL, MAX_MESSAGE_BYTES
from shared.rpc.tls import channel_credentials
from shared.settings.tls_files import TlsFiles

CHUNK_BYTES = 256 * 1024
"""Size of a chunk of a streamed file: a compromise of memory and speed."""

QUERY_SECONDS = 10.0
"""Deadline of a call that only reads rows, in seconds."""

RENDER_SECONDS = 120.0
"""Deadline of a call that may have to render a table or a chart first, in seconds."""

TRANSFER_SECONDS = 3600.0
"""Deadline of a call that transfers a whole file, in seconds."""

_NOT_RETRIED = (
    ("neuralearn.ingest.v1.IngestService", "UploadDataset"),
    ("neuralearn.ingest.v1.IngestService", "ImportDataset"),
    ("neuralearn.ingest.v1.IngestService", "PreviewDataset"),
    ("neuralearn.ingest.v1.IngestService", "RetryDataset"),
    ("neuralearn.ingest.v1.IngestService", "DeleteDataset"),
    ("neuralearn.ingest.v1.IngestService", "EraseUser"),
    ("neuralearn.pipeline.v1.PipelineService", "ListWorkers"),
    ("neuralearn.report.v1.ReportService", "GetTable"),
    ("neuralearn.report.v1.ReportService", "GetGraph"),
    ("neuralearn.report.v1.ReportService", "ListChanges"),
    ("neuralearn.report.v1.ReportService", "ListDifferences"),
    ("neuralearn.report.v1.ReportService", "ListRejects"),
    ("neuralearn.ingest.v1.IngestService", "ReviseDataset"),
    ("neuralearn.ingest.v1.IngestService", "CreateStoredRecipe"),
    ("neuralearn.ingest.v1.IngestService", "DeleteStoredRecipe"),
    ("neuralearn.ingest.v1.IngestService", "CreateComment"),
    ("neuralearn.ingest.v1.IngestService", "DeleteComment"),
)
"""Methods that are not idempotent, or that may fail only after a long time."""

_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 3,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            },
            {"name": [{"service": service, "method": method} for service, method in _NOT_RETRIED]},
        ],
    }
)


def open_channel(target: str, tls: TlsFiles | None = None) -> grpc.aio.Channel:
    """Return a channel that balances the load over all addresses of a target and retries idempotent calls.

    Args:
        target: the addresses.
        tls: the files of TLS; None for none.

    Raises:
        OSError: a file of TLS can't be read.
    """
    options: list[tuple[str, Any]] = [
        ("grpc.service_config", _SERVICE_CONFIG),
        ("grpc.max_receive_message_length", 8 * MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        *FLOW_CONTROL,
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
    ]
    if tls is None:
        return grpc.aio.insecure_channel(target, options=options)
    return grpc.aio.secure_channel(target, channel_credentials(tls), options=options)
