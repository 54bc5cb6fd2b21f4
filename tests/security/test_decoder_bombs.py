"""Small files that hold a decoder for long are refused soon, and owners share the decoders."""

import gzip
import resource
from pathlib import Path

import pytest

from ingest_service.decoding import Limits, decode_file
from shared.errors import LimitExceeded, Unprocessable

LIMITS = Limits(max_rows=100_000, max_columns=100)
MOST_CPU_SECONDS = 40
"""More than twice what they take on a slow machine, and a fraction of the two minutes that they took unbounded."""
BOMBS = {
    "newlines": b"\n" * 60_000_000,
    "carriage_returns": b"\r" * 60_000_000,
    "both": b"\r\n" * 30_000_000,
    "one_column": b"a\n" * 30_000_000,
    "ragged": b"a,b\n" + b"1,2,3\n" * 10_000_000,
    "high_bytes": b"\xe9" * 60_000_000,
    "quote": b'a,b\n"' + b"x" * 60_000_000,
    "commas": b"," * 60_000_000,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", BOMBS)
def test_small_files_do_not_hold_a_decoder(name: str, tmp_path: Path) -> None:
    source = tmp_path / "bomb.csv.gz"
    source.write_bytes(gzip.compress(BOMBS[name]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises((Unprocessable, LimitExceeded)):
        decode_file(source, source.name, tmp_path / "table.arrow", LIMITS)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < MOST_CPU_SECONDS


def test_json_lines_end_at_the_limit(tmp_path: Path) -> None:
    source = tmp_path / "bomb.jsonl"
    source.write_bytes(b'{"a": 1}\n' * 200_001)
    with pytest.raises(LimitExceeded, match="more than 100,000 rows × 1 column"):
        decode_file(source, source.name, tmp_path / "table.arrow", LIMITS)


def test_odd_rows_do_not_hold_a_decoder(tmp_path: Path) -> None:
    """Every row of a wide table lacks a cell, so that many ways to read it have to be weighed."""
    width = 100
    whole = ",".join("12.5" for _ in range(width)) + "\n"
    odd = ",".join("12.5" for _ in range(width - 1)) + "\n"
    source = tmp_path / "bomb.csv"
    names = ",".join(f"c{number}" for number in range(width))
    source.write_bytes(f"{names}\n{whole * 300}{odd * 30_000}".encode())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises(Unprocessable):
        decode_file(source, source.name, tmp_path / "table.arrow", LIMITS)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < MOST_CPU_SECONDS
