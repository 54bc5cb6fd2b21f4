"""A user of the REST API."""

import time
from typing import Any

import httpx

ENDED = {"completed", "proposed", "failed", "cancelled"}


class User:
    """A client of the REST API that uploads datasets, waits for them and reads results."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def upload(self, content: bytes, filename: str = "x.csv", **fields: str) -> httpx.Response:
        """Post a file with form fields, and return the response whatever its status."""
        return self.client.post("/dataset/upload", files={"file": (filename, content)}, data=fields)

    def prepare(self, content: bytes, filename: str = "x.csv", *, timeout_seconds: float = 60, **fields: str) -> str:
        """Upload a file, wait until it is completed, and return the dataset's id."""
        response = self.upload(content, filename, **fields)
        assert response.status_code == 200, response.text
        dataset_id: str = response.json()["dataset_id"]
        status = self.wait(dataset_id, timeout_seconds=timeout_seconds)
        assert status["status"] == "completed", status
        return dataset_id

    def wait(self, dataset_id: str, *, timeout_seconds: float = 60) -> dict[str, Any]:
        """Poll the status until the run has ended, and return it."""
        deadline = time.monotonic() + timeout_seconds
        while (status := self.get(f"/dataset/{dataset_id}/status"))["status"] not in ENDED:
            assert time.monotonic() < deadline, status
            time.sleep(0.05)
        return status

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """Return the JSON object at a path, which must be answered with 200."""
        response = self.client.get(path, params=parameters)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body
