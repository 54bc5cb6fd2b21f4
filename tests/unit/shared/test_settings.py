"""Settings: the error for a wrong value names its key."""

import base64
from pathlib import Path

import pytest

from shared.settings.base import environment_keys
from shared.settings.processes import LocalSettings, Settings, load_settings


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


ANY_TEXT = {
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "FAILPOINTS",
    "GATEWAY_HOSTS",
    "GEMINI_API_KEY",
    "JWT_AUDIENCE",
    "JWT_COLLABORATIONS_CLAIM",
    "JWT_ISSUER",
    "LOCAL_DATA_DIR",
    "METRICS_HOST",
    "SCRATCH_DIR",
    "STORAGE_DIR",
}
"""What they name turns out to be wrong only when it is used; then the key is named too."""


@pytest.mark.parametrize("key", sorted(LocalSettings.keys() - ANY_TEXT))
@pytest.mark.parametrize("value", ["?", "-1,5", "two words"])
def test_a_wrong_value_of_any_key_is_one_sentence(key: str, value: str) -> None:
    with pytest.raises(SystemExit) as caught:
        LocalSettings.load({key: value})
    sentence = str(caught.value)
    assert sentence.startswith(key)
    assert len(sentence) < 180 and "\n" not in sentence
    assert "nput" not in sentence and "pydantic" not in sentence


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"MAX_ROWS\n", ".env: 'MAX_ROWS' has no =, and so no value"),
        (b"# caf\xe9\nMAX_ROWS=5\n", ".env: is not text in UTF-8"),
        (b"MAX_ROWZ=5\n", "MAX_ROWZ: is not a setting; did you mean MAX_ROWS?"),
        (b"MAX_ROWS=five\n", "MAX_ROWS: must be a whole number"),
    ],
)
def test_a_faulty_file_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(LocalSettings.model_config, "env_file", ".env")
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SystemExit) as caught:
        LocalSettings.load({})
    assert str(caught.value) == sentence


def test_a_file_that_is_not_text_is_refused_whoever_looks_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"# caf\xe9\n")
    with pytest.raises(SystemExit, match="is not text in UTF-8"):
        environment_keys()


def test_a_file_may_have_comments_quotes_and_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(LocalSettings.model_config, "env_file", ".env")
    (tmp_path / ".env").write_text("# ours\n\nexport MAX_ROWS='7'\nPRIVACY=mask # for all\n")
    settings = LocalSettings.load({})
    assert (settings.max_rows, settings.privacy) == (7, "mask")
