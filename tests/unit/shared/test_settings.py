"""Settings: the error for a wrong value names its key."""

import base64

import pytest

from shared.settings.processes import Settings, load_settings


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@localhost/here")
    monkeypatch.setenv("REDIS_URL", "redis://localhost")
    return monkeypatch


@pytest.mark.parametrize("key", [b"0123456789abcdef", bytes(range(32))])
def test_a_signing_key_may_be_in_base64(environment: pytest.MonkeyPatch, key: bytes) -> None:
    environment.setenv("WEBHOOK_SECRET", "whsec_" + base64.b64encode(key).decode())
    secret = load_settings(Settings).webhook_secret
    assert secret is not None and secret.get_secret_value() == key
    assert "***" in str(secret)


def test_a_signing_key_may_be_any_text(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("WEBHOOK_SECRET", " correct horse battery\n")
    secret = load_settings(Settings).webhook_secret
    assert secret is not None and secret.get_secret_value() == b"correct horse battery"


@pytest.mark.parametrize("secret", [" " * 16, "whsec_%%%", "whsec_abcde", "whsec_", "whsec_c2hvcnQ=", "short"])
def test_a_signing_key_that_proves_nothing_is_refused(environment: pytest.MonkeyPatch, secret: str) -> None:
    environment.setenv("WEBHOOK_SECRET", secret)
    with pytest.raises(SystemExit) as caught:
        load_settings(Settings)
    assert "WEBHOOK_SECRET" in str(caught.value)
    assert secret not in str(caught.value) or secret in " whsec_"


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("postgresql://me@here/db?sslmode=require", "postgresql+asyncpg://me@here/db?ssl=require"),
        ("postgres://me:p%40ss@here:5433/db", "postgresql+asyncpg://me:p%40ss@here:5433/db"),
        ("postgresql+asyncpg:///db?host=/tmp", "postgresql+asyncpg:///db?host=%2Ftmp"),
    ],
)
def test_addresses_of_postgresql_are_taken_as_libpq_takes_them(
    environment: pytest.MonkeyPatch, url: str, stored: str
) -> None:
    environment.setenv("DATABASE_URL", url)
    assert load_settings(Settings).database_url == stored


@pytest.mark.parametrize(
    ("key", "url", "sentence"),
    [
        (
            "DATABASE_URL",
            "postgresql://me@here:abc/db",
            "DATABASE_URL: must have a number between 0 and 65535 as its port",
        ),
        ("REDIS_URL", "redis://here:99999/0", "REDIS_URL: must have a number between 0 and 65535 as its port"),
        (
            "DATABASE_URL",
            "postgresql://me@here/db?channel_binding=require",
            "DATABASE_URL: may have the options ssl, host, port, prepared_statement_cache_size, not channel_binding",
        ),
    ],
)
def test_an_address_that_no_driver_understands_is_refused(
    environment: pytest.MonkeyPatch, key: str, url: str, sentence: str
) -> None:
    environment.setenv(key, url)
    with pytest.raises(SystemExit) as caught:
        load_settings(Settings)
    assert str(caught.value) == sentence
