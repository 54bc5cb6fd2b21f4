"""Fixtures: a whole stack in token mode, with people who share a collaboration and a stranger."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import httpx
import pytest

from deploy.local.stack import Stack
from shared.db.api_keys import ApiKeys
from shared.db.session import Database
from tests.e2e.user import User
from tests.security.callers import TOKEN_MODE, bearer, token, unsigned_token

TEAM = "team-of-ada"
UNLIMITED = dict.fromkeys(("USER_RATE_LIMIT", "UPLOAD_RATE_LIMIT", "ADDRESS_RATE_LIMIT"), "none")
CSV = "name,age,city\n" + "".join(f"p{row},{20 + row % 50},{'Oslo' if row % 3 else 'Rome'}\n" for row in range(60))


@dataclass(frozen=True)
class TokenStack:
    """A stack in token mode, a prepared dataset of Ada's in her collaboration, and everybody's credentials."""

    stack: Stack
    dataset_id: str
    credentials: dict[str, str | None]

    @property
    def url(self) -> str:
        """The address of the gateway."""
        return self.stack.gateway_url

    def target(self, service: str) -> str:
        """Return the address of a gRPC service."""
        return f"127.0.0.1:{getattr(self.stack.settings, f'{service}_port')}"

    def headers(self, caller: str) -> dict[str, str]:
        """Return the headers by which a caller proves who it is."""
        return bearer(self.credentials[caller])


def upload(client: httpx.Client, **fields: str) -> str:
    """Upload the table and return the id of the dataset."""
    answer = client.post("/dataset/upload", files={"file": ("people.csv", CSV)}, data=fields)
    assert answer.status_code == 200, answer.text
    return cast(str, answer.json()["dataset_id"])


@pytest.fixture(scope="session")
def stack_in_token_mode(tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("tokens"), ports="free", env_overrides=TOKEN_MODE | UNLIMITED) as stack:
        yield stack


@pytest.fixture(scope="session")
async def token_stack(stack_in_token_mode: Stack) -> TokenStack:
    stack = stack_in_token_mode
    return TokenStack(stack, _share_dataset(stack), await _credentials(str(stack.settings.database_url)))


def _share_dataset(stack: Stack) -> str:
    """Prepare a dataset of Ada's in her collaboration, add the members, and return its id."""
    with httpx.Client(base_url=stack.gateway_url, timeout=60, headers=bearer(token("ada"))) as ada:
        dataset_id = upload(ada, collaboration_id=TEAM, target="none")
        assert User(ada).wait(dataset_id)["status"] == "completed"
        for user_id, role in (("vi", "viewer"), ("ed", "editor"), ("olga", "owner")):
            answer = ada.put(f"/collaboration/{TEAM}/members/{user_id}", json={"role": role})
            assert answer.status_code == 200, answer.text
    return dataset_id


async def _credentials(database_url: str) -> dict[str, str | None]:
    database = Database(database_url.replace("postgresql:", "postgresql+asyncpg:"))
    keys = ApiKeys(database)
    _, full = await keys.create(user_id="ada", name="full", scopes=("read", "write"), lifetime=None)
    _, reader = await keys.create(user_id="ada", name="reader", scopes=("read",), lifetime=timedelta(days=1))
    _, expired = await keys.create(user_id="ada", name="expired", scopes=("read", "write"), lifetime=-timedelta(days=1))
    revoked_key, revoked = await keys.create(user_id="ada", name="revoked", scopes=("read", "write"), lifetime=None)
    await keys.revoke(revoked_key.key_id)
    _, operator = await keys.create(user_id="ops", name="operator", scopes=("operate",), lifetime=None)
    await database.close()
    return {
        "anonymous": None,
        "owner": token("ada"),
        "co-owner": token("olga"),
        "editor": token("ed"),
        "viewer": token("vi"),
        "stranger": token("sam"),
        "key": full,
        "read-only key": reader,
        "operator key": operator,
        "read-only token": token("ada", scope="openid neuralearn:read"),
        "expired token": token("ada", exp=1),
        "forged token": token("ada", secret="another-secret-of-somebody-else-" + "0123456789" * 4),
        "unsigned token": unsigned_token("ada"),
        "expired key": expired,
        "revoked key": revoked,
        "guessed key": full[:-4] + "AAAA",
    }
