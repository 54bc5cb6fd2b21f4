"""Parquet files are converted to CSV."""

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from report_service.table_form import TableForm
from report_service.tables import write_table
from shared.errors import Unavailable
from worker_service.core.table.canonical_text import render


def as_csv(table: pa.Table, folder: Path, *, safe: bool = False) -> str:
    source, target = folder / "table.parquet", folder / "table.csv"
    pq.write_table(table, source, row_group_size=2)
    write_table(source, target, TableForm(format="csv", is_safe=safe), name="cleaned")
    return target.read_bytes().decode()


def test_missing_and_empty_cells_differ(tmp_path: Path) -> None:
    table = pa.table({"a": ["x", "", None], "b": [1, None, 3]})
    assert as_csv(table, tmp_path) == '"a","b"\n"x",1\n"",\n,3\n'


def test_a_missing_cell_of_an_only_column_is_no_blank_line(tmp_path: Path) -> None:
    assert as_csv(pa.table({"v": ["red", "", None]}), tmp_path) == '"v"\n"red"\n""\n""\n'
    assert as_csv(pa.table({"v": [1.5, None]}), tmp_path) == '"v"\n1.5\n""\n'


def test_numbers_are_written_as_in_the_list_of_changes(tmp_path: Path) -> None:
    values = [12345678901.5, -1e10, 999999999999999.0, 1e15, 0.1, 1e-5, 1e-7, -0.0, 123456789012345.6, 1e300, 0.25]
    lines = as_csv(pa.table({"v": values, "w": [True] * len(values)}), tmp_path).splitlines()[1:]
    assert lines == [f"{text},true" for text in render(pa.array(values)).to_pylist()]
    assert lines[0] == "12345678901.5,true"


def test_text_is_quoted_and_kept(tmp_path: Path) -> None:
    table = pa.table({'a,"b"': ['comma, quote " and\nline', "日本語 🙂"]})
    assert as_csv(table, tmp_path) == '"a,""b"""\n"comma, quote "" and\nline"\n"日本語 🙂"\n'


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_midnights_are_written_as_dates(tmp_path: Path, unit: str) -> None:
    times = pa.array([datetime(2024, 1, 5), None, datetime(1969, 12, 31)], pa.timestamp(unit))
    assert as_csv(pa.table({"t": times}), tmp_path) == '"t"\n2024-01-05\n""\n1969-12-31\n'


def test_times_are_written_no_finer_than_needed(tmp_path: Path) -> None:
    times = [datetime(2024, 1, 5, 1, 2, 3), datetime(2024, 1, 5), None]
    fine = [datetime(2024, 1, 5, 1, 2, 3, 500_000), None, None]
    zoned = [datetime(2024, 1, 5, tzinfo=UTC), None, None]
    table = pa.table(
        {
            "t": pa.array(times, pa.timestamp("ns")),
            "fine": pa.array(fine, pa.timestamp("us")),
            "zoned": pa.array(zoned, pa.timestamp("us", "UTC")),
            "day": pa.array([date(2024, 1, 5)] * 3),
        }
    )
    assert as_csv(table, tmp_path).splitlines() == [
        '"t","fine","zoned","day"',
        "2024-01-05 01:02:03,2024-01-05 01:02:03.500,2024-01-05 00:00:00Z,2024-01-05",
        "2024-01-05 00:00:00,,,2024-01-05",
        ",,,2024-01-05",
    ]


def test_a_column_named_like_the_start_of_another_is_itself(tmp_path: Path) -> None:
    times = pa.array([datetime(2024, 1, 5)], pa.timestamp("us"))
    table = pa.table({"a": times, "a.b": ["x"], "c": pa.array(["y"]).dictionary_encode()})
    assert as_csv(table, tmp_path) == '"a","a.b","c"\n2024-01-05,"x","y"\n'


def test_a_table_without_rows_has_its_header(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([], pa.string()), "t": pa.array([], pa.timestamp("ns"))})
    assert as_csv(table, tmp_path) == '"a","t"\n'


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    source = tmp_path / "table.parquet"
    pq.write_table(pa.table({"a": ["x" * 100_000]}), source)
    with pytest.raises(Unavailable) as caught:
        write_table(source, Path("/dev/full"), TableForm(format="csv"), name="cleaned")
    assert caught.value.reason == "STORAGE_FULL"


def test_no_text_is_a_formula_where_csv_is_to_be_safe(tmp_path: Path) -> None:
    dangerous = ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＠x"]
    harmless = ["a=b", " x", "", "'=1", "1-2", "ä"]
    table = pa.table({"=name": [*dangerous, *harmless, None], "number": [-1.5] * 16})
    rows = list(csv.reader(io.StringIO(as_csv(table, tmp_path, safe=True), newline="")))
    assert rows[0] == ["'=name", "number"]
    assert [row[0] for row in rows[1:]] == [*(f"'{text}" for text in dangerous), *harmless, ""]
    assert {row[1] for row in rows[1:]} == {"-1.5"}
    assert as_csv(table, tmp_path).splitlines()[1].startswith('"=cmd|')
