"""Damaged and crafted files of every format are read or refused; none breaks the reader or hands out memory."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from ingest_service.decoder import Decoder, DecoderLimits
from ingest_service.decoding import Limits
from shared.contracts.run_options import ReadOptions
from shared.errors import LimitExceeded, Unprocessable
from shared.isolation.isolation import Isolation
from tests.unit.ingest.decoding.workbooks import workbook

VARIANTS = 200
ROWS = [[f"{row}", f"name {row}", f"{row / 7:.3f}"] for row in range(60)]
CSV = ("id,name,share\n" + "\n".join(",".join(row) for row in ROWS)).encode()
TABLE = pa.table(
    {
        "id": pa.array(range(60), pa.int32()),
        "name": pa.array([f"name {row}" for row in range(60)]),
        "bytes": pa.array([f"b{row}".encode() for row in range(60)], pa.binary()),
        "day": pa.array(range(60), pa.date32()),
        "moment": pa.array(range(60), pa.timestamp("ns", tz="UTC")),
        "tag": pa.array([f"t{row % 3}" for row in range(60)]).dictionary_encode(),
        "list": pa.array([[row, row + 1] for row in range(60)]),
        "struct": pa.array([{"x": row, "y": str(row)} for row in range(60)]),
        "sum": pa.array(range(60), pa.uint64()),
    }
)


def arrow(table: pa.Table, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _feather() -> bytes:
    sink = io.BytesIO()
    feather.write_feather(TABLE.drop(["list", "struct", "tag"]), sink, version=1)
    return sink.getvalue()


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    return sink.getvalue()


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue().to_pybytes())


def _zip(data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", data)
    return sink.getvalue()


SEEDS: dict[str, Callable[[], bytes]] = {
    "csv": lambda: CSV,
    "csv.gz": lambda: gzip.compress(CSV),
    "csv.bz2": lambda: bz2.compress(CSV),
    "csv.xz": lambda: lzma.compress(CSV),
    "csv.zst": lambda: _zstd(CSV),
    "zip": lambda: _zip(CSV),
    "xlsx": lambda: workbook(first=[["id", "name", "share"], *(list[str | float](row) for row in ROWS)]),
    "json": lambda: b'[{"id": 1, "name": "Ada", "more": {"x": [1, 2]}}, {"id": 2.5, "name": null}]',
    "jsonl": lambda: b'{"id": 1, "name": "Ada"}\n{"id": 2, "name": "Li"}\n' * 20,
    "parquet": _parquet,
    "arrow": lambda: arrow(TABLE),
    "lz4.arrow": lambda: arrow(TABLE, "lz4"),
    "feather": _feather,
}


def damaged(seed: bytes, number: int) -> bytes:
    """Return a file with some bytes changed, cut out, repeated or replaced by extreme numbers."""
    random = np.random.default_rng((number, len(seed)))
    data = bytearray(seed)
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(0, len(data)))
        match int(random.integers(0, 5)):
            case 0:
                data[at] ^= 1 << int(random.integers(0, 8))
            case 1:
                data[at : at + 4] = struct.pack("<i", int(random.choice([-1, 2**31 - 1, -(2**31), 0, 10**6])))
            case 2:
                data[at : at + 8] = struct.pack("<q", int(random.choice([-1, 2**63 - 1, -6_000_000, 10**9])))
            case 3:
                del data[at : at + int(random.integers(1, 64))]
            case _:
                data[at:at] = data[at : at + int(random.integers(1, 64))]
        data = data or bytearray(b"x")
    return bytes(data)


@pytest.fixture(scope="module")
def decoder(isolation: Isolation) -> Decoder:
    limits = DecoderLimits(table=Limits(max_rows=1000, max_columns=50), memory_bytes=1 << 30, concurrency=2)
    return Decoder(large=isolation, small=isolation, limits=limits)


async def decoded(decoder: Decoder, content: bytes, name: str, folder: Path) -> str:
    """Return `read` with a table of valid cells, or the reason of a refusal; a defect of ours is raised."""
    source, target = folder / "source", folder / "table.arrow"
    source.write_bytes(content)
    target.unlink(missing_ok=True)
    try:
        await decoder.decode(source, f"table.{name}", target, ReadOptions())
    except (Unprocessable, LimitExceeded) as error:
        return error.reason
    with pa.memory_map(str(target)) as file, pa.ipc.open_file(file) as reader:
        reader.read_all().validate(full=True)
    return "read"


@pytest.mark.filterwarnings("ignore:Feather V1")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SEEDS)
async def test_damaged_files_are_read_or_refused(decoder: Decoder, name: str, tmp_path: Path) -> None:
    seed = SEEDS[name]()
    outcomes = Counter([await decoded(decoder, seed, name, tmp_path)])
    assert outcomes["read"] == 1
    for number in range(VARIANTS):
        outcomes[await decoded(decoder, damaged(seed, number), name, tmp_path)] += 1
    print(f"{name}: {dict(outcomes)}")
    assert outcomes.total() == VARIANTS + 1


@pytest.mark.parametrize("kind", [pa.binary(), pa.string()])
async def test_offsets_outside_of_the_data_hand_out_no_memory(
    decoder: Decoder, kind: pa.DataType, tmp_path: Path
) -> None:
    content = arrow(pa.table({"secret": pa.array(["a" * 8, "b" * 8]).cast(kind)}))
    offsets = struct.pack("<iii", 0, 8, 16)
    assert content.count(offsets) == 1
    for crafted in (struct.pack("<iii", -6_000_000, 8, 16), struct.pack("<iii", 0, 8, 6_000_000)):
        assert await decoded(decoder, content.replace(offsets, crafted), "arrow", tmp_path) == "UNREADABLE_FILE"


async def test_lists_outside_of_their_values_are_refused(decoder: Decoder, tmp_path: Path) -> None:
    content = arrow(pa.table({"list": pa.array([[1, 2], [3]], pa.list_(pa.int64()))}))
    offsets = struct.pack("<iii", 0, 2, 3)
    crafted = content.replace(offsets, struct.pack("<iii", 0, 2, 1000))
    assert await decoded(decoder, crafted, "arrow", tmp_path) == "UNREADABLE_FILE"


@pytest.mark.parametrize("name", ["parquet", "arrow"])
async def test_moments_beyond_the_calendar_become_text(decoder: Decoder, name: str, tmp_path: Path) -> None:
    table = pa.table(
        {
            "day": pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32()),
            "moment": pa.array([0, 2**43], pa.int64()).cast(pa.timestamp("s")),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    content = sink.getvalue() if name == "parquet" else arrow(table)
    assert await decoded(decoder, content, name, tmp_path) == "read"
    with pa.memory_map(str(tmp_path / "table.arrow")) as file, pa.ipc.open_file(file) as reader:
        assert {str(kind) for kind in reader.schema.types} == {"string"}
