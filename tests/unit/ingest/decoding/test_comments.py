"""Comment lines between rows are left out; cells that begin with the same character stay."""

from pathlib import Path

import pytest

from tests.unit.ingest.decoding.decoding import decode


def test_comments_between_rows_are_left_out_and_listed(tmp_path: Path) -> None:
    content = b"# made by hand\nid,v,w\n1,2,x\n# sensor off, restarted\n2,3,y\n#\n3,4,z\n4,5,z\n# that was all\n"
    decoded, table = decode(tmp_path, content)
    assert table.to_pydict() == {"id": ["1", "2", "3", "4"], "v": ["2", "3", "4", "5"], "w": ["x", "y", "z", "z"]}
    assert decoded.header_row == 2
    assert "3 comment lines were left out, which begin with #: line 4, 6, 9." in decoded.notes


@pytest.mark.parametrize(
    "content",
    [
        "#id,v\n1,3\n2,3\n#3,4\n4,5\n",
        "tag,v\n#a,3\nb,3\n#c,4\nd,5\n",
        'id,v\n1,"\n# head\n\n# another, one\n"\n2,3\n3,4\n4,5\n',
    ],
)
def test_cells_that_begin_with_the_mark_stay(content: str, tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, content.encode())
    assert table.num_rows == 4
    assert not any("comment" in note for note in decoded.notes)


def test_rows_in_the_width_of_the_table_and_errors_of_spreadsheets_stay(tmp_path: Path) -> None:
    tags = b"tag,count\n#love,12\nsun,3\nsea,4\n#fun,5\nmoon,6\nsky,7\nstar,8\n#a,b,5\n"
    assert decode(tmp_path, tags)[1]["tag"].to_pylist() == ["#love", "sun", "sea", "#fun", "moon", "sky", "star"]
    errors = b"price,qty\n1,a\n#N/A,b\n2,c\n#DIV/0!,d\n3,e\n# checked, by Bob\n4,f\n"
    assert decode(tmp_path, errors)[1]["price"].to_pylist() == ["1", "#N/A", "2", "#DIV/0!", "3", "4"]
