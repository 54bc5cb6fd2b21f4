"""What columns are, by a sample of their rows: the same as the profile says."""

import pyarrow as pa
import pytest

from shared.errors import InvalidInput
from worker_service.core.profile import profile
from worker_service.core.table.frame import Frame
from worker_service.pipeline.type_inference_program import infer_types

TABLE = pa.table(
    {
        "zip": ["00501", "94105", "10115", "20095"] * 10,
        "price": ["1,5", "2,25", None, "4"] * 10,
        "day": ["2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04"] * 10,
        "sold": ["yes", "no", "no", "yes"] * 10,
        "count": list(range(40)),
        "note": [None] * 40,
    }
)


def stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def test_types_are_those_of_the_profile() -> None:
    columns = profile(Frame.from_table(TABLE), target="none").columns
    assert [(column.name, column.type) for column in infer_types(stream(TABLE), {})] == [
        (column.name, column.type) for column in columns
    ]


def test_a_chosen_type_counts() -> None:
    inferred = {column.name: column for column in infer_types(stream(TABLE), {"zip": "integer"})}
    assert (inferred["zip"].type, inferred["day"].type) == ("integer", "timestamp")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ARROW1\0\0",
        stream(TABLE)[:200],
        stream(TABLE)[:-300] + b"x" * 300,
        stream(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])),
        stream(pa.table({"x": [[1]]})),
        stream(pa.table({"x": [b"a\xff"]})),
    ],
    ids=["nothing", "magic", "cut", "damaged", "names", "nested", "binary"],
)
def test_bytes_that_are_no_table_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput) as error:
        infer_types(content, {})
    assert error.value.reason == "UNREADABLE_TABLE"
