"""A preview before the upload, against the whole stack."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from neuralearn import ApiError, Client
from tests.e2e.test_command_line import CommandLine

CSV = "Umsatz 2024;;\nPLZ;Preis;Ort\n" + "".join(f"0{1000 + n};{n},5;Köln\n" for n in range(60))


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.gateway_url) as client:
        yield client


def test_the_preview_is_what_the_upload_reads(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(CSV.encode("cp1252"))
    before = {dataset.dataset_id for dataset in client.datasets()}
    preview = client.preview(path, types={"Preis": "text"})
    assert {dataset.dataset_id for dataset in client.datasets()} == before
    dataset = client.prepare(path, types={"Preis": "text"})
    status = client.document(dataset.dataset_id, "status")
    assert {name: preview[name] for name in ("rows", "parse_plan")} == {
        name: status[name] for name in ("rows", "parse_plan")
    }
    profile = client.document(dataset.dataset_id, "profile")["columns"]
    assert [(column["name"], column["type"]) for column in preview["columns"]] == [
        (column["name"], column["type"]) for column in profile
    ]
    rows = client.rows(dataset.dataset_id, "raw")["rows"]
    assert preview["sample_rows"] == rows and len(rows) == 60
    assert [other["delimiter"] for other in preview["delimiters"]] == [";", ","]
    assert client.preview(path)["expected_seconds"] > 0


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        (b"a,b\n1,2\n3\n", {}, "RAGGED_ROW"),
        (b"a,b\n1,2\n3,4\n", {"target": "c"}, "UNKNOWN_TARGET"),
        (b"", {}, "EMPTY_FILE"),
    ],
)
def test_what_the_upload_would_refuse_is_refused(
    client: Client, content: bytes, options: dict[str, str], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    for send in (client.preview, client.upload):
        with pytest.raises(ApiError) as error:
            send(path, **options)  # type: ignore[arg-type]
        assert error.value.reason == reason


def test_the_command_line_shows_it(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(CSV.encode("cp1252"))
    run = CommandLine(stack, tmp_path)
    assert "Preis\tdecimal\t0,5, 1,5, 2,5" in run("preview", str(path))
    assert json.loads(run("preview", str(path), "--json", "-O", "header_row=1"))["parse_plan"]["header_row"] == 1
