"""Odd words in options and files are answered as bad input, never by a defect."""

from pathlib import Path

import pytest

from gateway.upload.fields import column_names, words_by_column
from ingest_service.decoding import Limits, decode_file
from shared.contracts.run_options import ReadOptions
from shared.errors import Unprocessable
from tests.unit.ingest.decoding.workbooks import workbook

LIMITS = Limits(max_rows=1000, max_columns=50)


@pytest.mark.parametrize("sheet", ["²", "٣", "9" * 5000, "-1", "0"])
def test_digits_that_are_no_number_name_no_sheet(sheet: str, tmp_path: Path) -> None:
    source = tmp_path / "book.xlsx"
    source.write_bytes(workbook(first=[["a", "b"], ["1", "2"]]))
    with pytest.raises(Unprocessable) as refusal:
        decode_file(source, source.name, tmp_path / "table.arrow", LIMITS, ReadOptions(sheet=sheet))
    assert refusal.value.reason == "UNKNOWN_SHEET"


@pytest.mark.parametrize("cell", ["²", "٣", "1" * 5000, "①"])
def test_digits_that_are_no_number_are_cells(cell: str, tmp_path: Path) -> None:
    source = tmp_path / "table.csv"
    source.write_text(f"{cell},{cell}\n1,2\n3,4\n{cell},5\n")
    # A first row of numbers may be a row without a header above it.
    assert decode_file(source, source.name, tmp_path / "table.arrow", LIMITS).rows in (3, 4)


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(ValueError):
        words_by_column('{"\\ud800": "text"}')
    with pytest.raises(ValueError):
        words_by_column('{"a": "\\udfff"}')
    with pytest.raises(ValueError):
        column_names('["\\ud800"]')
