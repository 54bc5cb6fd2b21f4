"""File formats and parse options, from the upload to the cleaned table."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq

from tests.e2e.user import User


def test_a_messy_export(user: User) -> None:
    rows = "".join(f"C{row:03d};{20 + row % 50};{row % 7},5\n" for row in range(60))
    content = f"Export, all regions\n\nid;age;score\n{rows}TOTAL;60\n".encode()
    compressed = gzip.compress(content)
    dataset = user.prepare(compressed, "export.csv.gz", types="age=text")
    assert user.client.get(f"/dataset/{dataset}/raw").content == compressed
    plan = user.get(f"/dataset/{dataset}/status")["parse_plan"]
    assert (plan["compression"], plan["delimiter"], plan["header_row"], plan["rejected_rows"]) == ("gzip", ";", 3, 1)
    (reject,) = user.get(f"/dataset/{dataset}/rejects")["rejects"]
    assert (reject["line"], reject["text"]) == (64, "TOTAL;60")
    columns = {column["name"]: column for column in user.get(f"/dataset/{dataset}/profile")["columns"]}
    assert (columns["age"]["type"], columns["score"]["type"]) == ("text", "decimal")


def test_a_parquet_file(user: User) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"day": pa.array(range(40), pa.date32()), "size": [float(n % 9) for n in range(40)]}), file)
    dataset = user.prepare(file.getvalue(), "x.parquet")
    assert user.get(f"/dataset/{dataset}/status")["parse_plan"]["format"] == "parquet"
    cleaned = user.client.get(f"/dataset/{dataset}/cleaned", params={"format": "parquet"})
    assert pq.read_table(io.BytesIO(cleaned.content)).num_rows == 40


def test_options_that_make_no_sense(user: User) -> None:
    for fields, field in (
        ({"delimiter": "xy"}, "delimiter"),
        ({"encoding": "klingon"}, "encoding"),
        ({"header_row": "-1"}, "header_row"),
        ({"types": "age=rope"}, "types"),
        ({"types": "size=text"}, "types"),
    ):
        response = user.upload(b"age\n1\n2\n", **fields)
        assert response.status_code == 422, response.text
        assert response.json()["errors"][0]["field"] == field
