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
