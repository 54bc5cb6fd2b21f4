"""Parameters of a query that do not exist are refused, with the one that was probably meant."""

import httpx
import pytest

from tests.fakes.services import DATASET_ID
from tests.integration.gateway.forms import assert_problem


@pytest.mark.parametrize(
    ("path", "field", "hint"),
    [
        (f"/dataset/{DATASET_ID}/cleaned?fromat=parquet", "fromat", "did you mean format?"),
        ("/datasets?user=ada", "user", "did you mean user_id?"),
        (f"/dataset/{DATASET_ID}/status?verbose=1", "verbose", "this path takes none"),
        ("/usage?xyz=1", "xyz", "there are user_id"),
        ("/health?deep=1", "deep", "this path takes none"),
    ],
)
async def test_unknown_parameters_are_refused(client: httpx.AsyncClient, path: str, field: str, hint: str) -> None:
    body = assert_problem(await client.get(path), 422, "INVALID_INPUT")
    assert body["errors"] == [{"field": field, "detail": f"There is no such parameter; {hint}"}]


async def test_an_upload_has_parameters_and_no_others(client: httpx.AsyncClient) -> None:
    body = assert_problem(await client.post("/dataset/upload?mod=fast"), 422, "INVALID_INPUT")
    assert body["errors"][0]["detail"] == "There is no such parameter; did you mean mode?"
