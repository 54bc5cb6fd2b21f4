"""Requests made from the description of the API, right and wrong ones: each is answered as described, none with 5xx."""

import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.e2e.user import User
from tests.security.callers import bearer, token
from tests.security.conftest import TokenStack, upload

pytestmark = pytest.mark.xdist_group("token stack")
EXCLUDED_CHECKS = (
    # OPTIONS is a preflight without credentials.
    "unsupported_method",
    # No pattern can say what a page token, a printable name or a name of a column is.
    "positive_data_acceptance",
)
REFUSALS = (400, 401, 403, 404, 405, 408, 409, 413, 415, 416, 422, 429, 431)
CONFIGURATION = """
headers = {{ Authorization = "Bearer {credential}" }}
checks.negative_data_rejection.expected-statuses = [{statuses}]
[[operations]]
include-path-regex = "^/dataset/\\\\{{dataset_id\\\\}}"
parameters = {{ "path.dataset_id" = "{dataset_id}" }}
[[operations]]
include-path-regex = "^/collaboration/"
parameters = {{ "path.collaboration_id" = "{team}" }}
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("selection", "examples", "least"),
    [
        (("--exclude-method", "DELETE"), 25, 1500),
        (("--include-method", "DELETE", "--phases", "coverage,fuzzing"), 20, 40),
    ],
    ids=["read and change", "delete"],
)
def test_every_operation_is_as_described(
    token_stack: TokenStack, tmp_path: Path, selection: tuple[str, ...], examples: int, least: int
) -> None:
    credential, team = token("sue"), f"team-{uuid4()}"
    with httpx.Client(base_url=token_stack.url, timeout=60, headers=bearer(credential)) as sue:
        dataset_id = upload(sue, collaboration_id=team, target="none")
        assert User(sue).wait(dataset_id)["status"] == "completed"
    configuration = tmp_path / "schemathesis.toml"
    statuses = ", ".join(f'"{status}"' for status in REFUSALS)
    configuration.write_text(
        CONFIGURATION.format(credential=credential, dataset_id=dataset_id, statuses=statuses, team=team)
    )
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(configuration)),
        *("run", f"{token_stack.url}/openapi.json", "--url", token_stack.url),
        *("--checks", "all", "--exclude-checks", ",".join(EXCLUDED_CHECKS), "--max-examples", str(examples)),
        # A stream that stays open as long as a preparation lasts.
        *("--exclude-path", "/dataset/{dataset_id}/events", "--request-timeout", "30", "--no-color", *selection),
        *("--seed", "14"),
    ]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=570, check=False)
    generated = re.search(r"(\d+) generated", ended.stdout)
    print("\n".join(ended.stdout.splitlines()[-12:]))
    assert ended.returncode == 0, ended.stdout[-6000:]
    assert generated is not None and int(generated.group(1)) >= least
