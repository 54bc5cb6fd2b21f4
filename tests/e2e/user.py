"""A user of the REST API."""

import time
from typing import Any

import httpx

ENDED = {"completed", "failed", "cancelled"}


class User:
    """Uploads, waits, and looks at results."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def upload(self, content: bytes, filename: str = "x.csv", **fields: str) -> httpx.Response:
        """POST a file with form fields."""
        return self.client.post("/dataset/upload", files={"file": (filename, content)}, data=fields)

    def prepare(self, content: bytes, filename: str = "x.csv", *, patience: float = 60, **fields: str) -> str:
        """Upload, wait until completed; the dataset's id."""
        answer = self.upload(content, filename, **fields)
        assert answer.status_code == 200, answer.text
        dataset_id: str = answer.json()["dataset_id"]
        status = self.wait(dataset_id, patience=patience)
        assert status["status"] == "completed", status
        return dataset_id

    def wait(self, dataset_id: str, *, patience: float = 60) -> dict[str, Any]:
        """Poll the status until the dataset has ended."""
        deadline = time.monotonic() + patience
        while (status := self.get(f"/dataset/{dataset_id}/status"))["status"] not in ENDED:
            assert time.monotonic() < deadline, status
            time.sleep(0.05)
        return status

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """GET JSON that must be there."""
        answer = self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()
        return value
