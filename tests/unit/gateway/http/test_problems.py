"""What the root answers with."""

import pytest

from gateway.routes.service import _prefers_json


@pytest.mark.parametrize(
    ("accept", "prefers_json"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json", True),
        ("application/json, text/plain, */*", False),
        ("application/json;q=0.9, text/html;q=0.5", True),
        ("text/html;q=0.5, application/*", True),
        ("application/json;q=x", False),
    ],
)
def test_the_accept_header_decides(accept: str, prefers_json: bool) -> None:
    assert _prefers_json(accept) is prefers_json
