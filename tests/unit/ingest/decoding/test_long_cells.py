"""Cells longer than what Python's own reader takes are read in a fresh process, in every dialect."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.ingest.decoding.decoding import decode

LONG = "x" * 200_000
READ = """
import sys
from pathlib import Path
from ingest_service.decoding import Limits, decode_file
decoded = decode_file(Path(sys.argv[1]), "x.csv", Path(sys.argv[1] + ".arrow"), Limits(max_rows=100, max_columns=9))
print(decoded.rows, len(decoded.columns))
"""


@pytest.mark.parametrize(
    "content",
    [
        f'a,b\n1,"{LONG}"\n2,y\n3,z\n4,w\n5,w\n6,w\n',
        f'a b\n1 "{LONG}"\n2 y\n3 z\n4 w\n5 w\n6 w\n',
        f"a;'b'\n1;'{LONG}'\n2;'y'\n3;'z'\n4;'w'\n5;'w'\n6;'w'\n",
    ],
)
def test_long_cells(content: str, tmp_path: Path) -> None:
    (tmp_path / "raw").write_text(content)
    command = [sys.executable, "-c", READ, str(tmp_path / "raw")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[4])
    assert (ended.returncode, ended.stdout) == (0, "6 2\n"), ended.stderr


def test_an_odd_row_with_lines_in_a_cell_is_set_aside(tmp_path: Path) -> None:
    rows = "1,2,3\n" * 20
    decoded, table = decode(tmp_path, f'a,b,c\n{rows}1,"x;\ny|z",3,4,5\n'.encode())
    assert (table.num_rows, decoded.rejected_rows) == (20, 1)
