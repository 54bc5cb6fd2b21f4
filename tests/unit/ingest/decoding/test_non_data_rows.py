"""Totals, averages, section headings and notes anywhere in a table, and rows that only look like them."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest_service.decoding.non_data_rows import NonDataRows, find_non_data_rows
from ingest_service.decoding.non_data_rows.labels import is_note, label_kind
from ingest_service.decoding.non_data_rows.search import AVERAGES_ROW, NOTE, SECTION_HEADING, SUBTOTALS_ROW, TOTALS_ROW
from tests.unit.ingest.decoding.decoding import decode
from tests.unit.ingest.decoding.workbooks import workbook


def find(text: str, delimiter: str = ",") -> NonDataRows:
    header, *rows = (line.split(delimiter) for line in text.strip("\n").splitlines())
    columns = [pa.array([row[index] or None for row in rows], pa.string()) for index in range(len(header))]
    batch = pa.record_batch(columns, [f"f{index}" for index in range(len(header))])
    return find_non_data_rows(lambda: iter([batch]), header)


def test_subtotals_and_a_grand_total() -> None:
    text = """
region,customer,quantity,amount
North,Ada,3,10.50
North,Bo,4,20.25
Subtotal North,,7,30.75
South,Cy,1,5.00
South,Di,2,6.00
Subtotal South,,3,11.00
GRAND TOTAL,,10,41.75
"""
    assert find(text).roles == {2: SUBTOTALS_ROW, 5: SUBTOTALS_ROW, 6: TOTALS_ROW}


def test_totals_above_their_rows() -> None:
    text = """
region,customer,quantity
Total North,,7
North,Ada,3
North,Bo,4
Total South,,9
South,Cy,4
South,Di,5
"""
    assert find(text).roles == {0: SUBTOTALS_ROW, 3: SUBTOTALS_ROW}


def test_sections_that_end_in_a_subtotal() -> None:
    text = """
item,quantity,price
Fruit,,
apples,3,10.00
pears,5,12.00
Total fruit,8,22.00
Vegetables:,,
leeks,2,4.00
peas,9,3.00
beans,1,1.00
,12,8.00
"""
    assert find(text).roles == {
        0: SECTION_HEADING,
        3: SUBTOTALS_ROW,
        4: SECTION_HEADING,
        8: SUBTOTALS_ROW,
    }


def test_a_cross_table_has_a_total_though_its_row_has_no_gap() -> None:
    text = "region;Q1;Q2\nNord;1.200,50;3\nSüd;300,25;4\nWest;10,00;5\nGesamt;1.510,75;12"
    assert find(text, ";").roles == {3: TOTALS_ROW}


@pytest.mark.parametrize(
    "label",
    [
        "Total",
        "SUMME",
        "Gesamtsumme:",
        "Итого",
        "合计",
        "小計",
        "Razem",
        "Toplam",
        "Sous-total",
        "*** Total ***",
        "المجموع",
    ],
)
def test_words_for_a_total_in_many_languages(label: str) -> None:
    assert find(f"name,city,sales\na,x,10\nb,y,20\nc,z,30\n{label},,60").roles == {3: TOTALS_ROW}


def test_a_sum_without_a_label_is_a_total_if_its_row_has_gaps() -> None:
    assert find("name,n,m\na,1,10\nb,2,20\nc,4,30\n,7,60").roles == {3: TOTALS_ROW}
    assert not find("name,n,m\na,1,10\nb,2,20\nc,4,30\nd,7,60").roles
    assert not find("name,n,m\na,1,10\nb,2,20\nc,4,30\n,7,61").roles


def test_an_average_below_the_rows() -> None:
    text = "pupil,maths,physics\na,2,3\nb,4,5\nc,4,5\nAverage,3.33,4.33\n"
    assert find(text).roles == {3: AVERAGES_ROW}


def test_notes_below_the_table() -> None:
    text = """
country,year,value
A,2001,1
B,2001,2
C,2001,3
Source: national statistics office,,
* preliminary,,
"""
    assert find(text).roles == {3: NOTE, 4: NOTE}


def test_a_heading_in_a_column_of_numbers() -> None:
    text = "id,name,qty\nSpring,,\n1,a,3\n2,b,4\n3,c,1\nSummer,,\n4,d,2\n5,e,2\n"
    assert find(text).roles == {0: SECTION_HEADING, 4: SECTION_HEADING}


@pytest.mark.parametrize(
    "text",
    [
        "company,city,staff\nTotal Energies,Paris,100\nShell,London,200\nSum Ltd,Rome,300\nBP,London,350",
        "name,email,phone\nAda,a@x.org,1\nBo,,\nCy,c@x.org,3\nDi,d@x.org,4\nEd,,\nFay,f@x.org,6",
        "look,crime,years\nAverage,theft,5\nPlain,theft,5\nPretty,theft,5\nAverage,fraud,5\nPlain,fraud,4",
        "title,year,stars\nTotal Recall,1990,4\nMean Girls,2004,4\nThe Sum of All Fears,2002,4",
        "day,rain\n1,0\n2,1\n3,0\n4,1\n5,2",
        "item,n\nTotal,5\nx,1\ny,3",
    ],
)
def test_rows_that_only_look_like_totals_stay(text: str) -> None:
    assert find(text).roles == {}


def test_a_total_that_is_a_level_stays_and_is_reported() -> None:
    rows = [f"{year},{sex},{n}" for year in range(2001, 2005) for sex, n in (("men", 3), ("women", 4), ("Total", 7))]
    result = find("year,sex,n\n" + "\n".join(rows))
    assert result.roles == {}
    assert result.notes == (
        "Rows of “Total” are sums of other rows; they were left in, since they are as complete as the others.",
    )


@pytest.mark.parametrize("seed", [3, 11, 15])
def test_average_may_be_an_answer(seed: int) -> None:
    dice = random.Random(seed)
    answers = ["Average"] * 5 + ["Fairly High"] * 3 + ["Fairly Low"] * 2 + ["Very High"] * 2 + ["Very Low"]
    rows = [
        f"{dice.choice(answers)},{dice.choice(['Yes', 'No'])},{dice.choice(['Yes', 'No'])},{dice.randint(18, 90)},No,"
        f"{dice.choice(['Yes', 'No'])},{dice.uniform(40, 110):.2f},{number}"
        for number in range(1, 121)
    ]
    assert find("interest,votes,moved,age,owns,degree,length,id\n" + "\n".join(rows)).roles == {}


def test_rejects_name_the_line_and_the_role(tmp_path: Path) -> None:
    text = "region,who,n\nN,a,1\n\nN,b,2\nTotal N,,3\nregion,who,n\nS,c,4\nS,d\nS,e,5\nTotal S,,9\nTotal,,12\n"
    decoded, _ = decode(tmp_path, text.encode())
    assert (decoded.rows, decoded.mended_rows) == (5, 1)
    assert [(row["line"], row["why"]) for row in _rows(tmp_path)] == [
        (5, SUBTOTALS_ROW),
        (6, "the header again"),
        (8, "1 missing cell at its end was left empty"),
        (10, SUBTOTALS_ROW),
        (11, TOTALS_ROW),
    ]


def test_a_workbook_has_the_same_roles(tmp_path: Path) -> None:
    rows: list[list[str | float]] = [
        ["Sales 2024"],
        ["region", "who", "n"],
        ["N", "a", 1],
        ["N", "b", 2.5],
        ["Total N", "", 3.5],
        [],
        ["S", "c", 4],
        ["S", "d", 5],
        ["Total S", "", 9],
        ["Source: own figures"],
    ]
    decoded, _ = decode(tmp_path, workbook(Sales=rows), "x.xlsx")
    assert decoded.rows == 4
    assert [(row["line"], row["why"]) for row in _rows(tmp_path)] == [
        (5, SUBTOTALS_ROW),
        (9, SUBTOTALS_ROW),
        (10, NOTE),
    ]


def _rows(folder: Path) -> list[dict[str, object]]:
    rejects: list[dict[str, object]] = pq.read_table(folder / "rejects.parquet").to_pylist()
    return rejects


amounts = st.integers(1, 99_999).map(lambda cents: cents / 100)


@settings(max_examples=60, deadline=None)
@given(
    blocks=st.lists(st.lists(st.tuples(st.integers(1, 99), amounts), min_size=2, max_size=6), min_size=2, max_size=5)
)
def test_every_subtotal_of_a_sheet_is_found_and_no_other_row(blocks: list[list[tuple[int, float]]]) -> None:
    lines, expected = ["group,name,n,amount"], {}
    for number, block in enumerate(blocks):
        lines += [f"g{number},x{index},{n},{amount:.2f}" for index, (n, amount) in enumerate(block)]
        expected[len(lines) - 1] = SUBTOTALS_ROW
        lines.append(f"Total g{number},,{sum(n for n, _ in block)},{sum(amount for _, amount in block):.2f}")
    rows = [row for block in blocks for row in block]
    expected[len(lines) - 1] = TOTALS_ROW
    lines.append(f"Grand total,,{sum(n for n, _ in rows)},{sum(amount for _, amount in rows):.2f}")
    assert find("\n".join(lines)).roles == expected


def test_labels_and_notes() -> None:
    assert label_kind("Total") == ("total", True)
    assert label_kind("Total général :") == ("total", True)
    assert label_kind("North total") == ("total", False)
    assert label_kind("北区小计") == ("total", False)
    assert label_kind("Ø Mittelwert") == ("average", False)
    assert label_kind("Totally") == (None, False)
    assert label_kind("Summerville") == (None, False)
    assert is_note("Quelle: Statistisches Bundesamt")
    assert not is_note("Sources of light")
