"""Helpers of the decoding tests."""

from pathlib import Path

import pyarrow as pa
import pytest

from ingest_service.decoding import Decoded, Limits, decode_file
from shared.contracts.run_options import ReadOptions
from shared.errors import ServiceError

LIMITS = Limits(max_rows=1000, max_columns=50)


def decode(
    folder: Path, content: bytes, filename: str = "x.csv", limits: Limits = LIMITS, **options: object
) -> tuple[Decoded, pa.Table]:
    """Decode the bytes of a file and return the result with the table."""
    source, target = folder / "raw", folder / "table.arrow"
    source.write_bytes(content)
    decoded = decode_file(source, filename, target, limits, ReadOptions.model_validate(options))
    with pa.OSFile(str(target)) as file:
        return decoded, pa.ipc.open_file(file).read_all()


def refusal(folder: Path, content: bytes, filename: str = "x.csv", **options: object) -> ServiceError:
    """Return the error that decoding the bytes raises."""
    with pytest.raises(ServiceError) as caught:
        decode(folder, content, filename, **options)  # type: ignore[arg-type]
    return caught.value
