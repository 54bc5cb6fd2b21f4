"""Fixtures: the whole stack, started once, and a user of its REST API."""

from collections.abc import Iterator

import httpx
import pytest

from deploy.local.stack import Stack
from tests.e2e.user import User


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[Stack]:
    """Run every process of the system on free ports."""
    with Stack(tmp_path_factory.mktemp("stack"), ports="free", env_overrides={"LOG_LEVEL": "INFO"}) as stack:
        yield stack


@pytest.fixture(scope="session")
def user(stack: Stack) -> Iterator[User]:
    """Return a user of the stack's REST API."""
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
        yield User(client)
