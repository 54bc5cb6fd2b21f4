"""A setting that is wrong stops `make run` with one sentence that names its key, before anything starts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from deploy.local.embedded import EmbeddedPostgres
from deploy.local.ports import free_port
from deploy.local.stack import ROOT

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "S3_BUCKET_NAME": "no-such-bucket"}


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """Address of an S3 server without a bucket."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def run(data_dir: Path, **environment: str) -> str:
    """Return what `make run` says before it refuses to start."""
    ports = {f"{name}_PORT": str(free_port()) for name in ("GATEWAY", "INGEST", "PIPELINE", "REPORT")}
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "neuralearn", "up"],
        cwd=data_dir,  # where no .env file is
        env={**inherited, "PYTHONPATH": str(ROOT), "LOCAL_DATA_DIR": str(data_dir), **ports, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert not list(data_dir.glob("p*")), "something was started"
    return (done.stdout + done.stderr).strip()


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"GATEWAY_PORTT": "9000"}, "GATEWAY_PORTT: is not a setting; did you mean GATEWAY_PORT?"),
        ({"DATABSE_URL": "postgresql://a"}, "DATABSE_URL: is not a setting; did you mean DATABASE_URL?"),
        (
            {"CORS_ORIGINS": "app.example.org"},
            "CORS_ORIGINS: must be * or origins like https://app.example.org, comma-separated, not 'app.example.org'",
        ),
        ({"MAX_ROWS": "many"}, "MAX_ROWS: must be a whole number"),
        (
            {"GATEWAY_HOST": "0.0.0.0"},
            "GATEWAY_HOST=0.0.0.0 lets other machines in, and nobody has to prove who calls: set AUTH_MODE=token, or "
            "ALLOW_OPEN=1 where the network keeps strangers out",
        ),
        (
            {"GRPC_HOST": "::"},
            "GRPC_HOST=:: lets other machines in, and nobody has to prove who calls: set AUTH_MODE=token, or "
            "ALLOW_OPEN=1 where the network keeps strangers out",
        ),
        ({"AUTH_MODE": "token"}, "AUTH_MODE=token needs SERVICE_SECRET, such as from openssl rand -base64 32"),
        (
            {"SERVICE_SECRET": "short"},
            "SERVICE_SECRET: must be at least 32 bytes long, such as from openssl rand -base64 32",
        ),
        ({"JWT_SECRET": "a" * 32}, "JWT_SECRET needs JWT_ISSUER and JWT_AUDIENCE too"),
        (
            {"JWT_SECRET": "a" * 32, "JWT_ALGORITHM": "RS256"},
            "JWT_SECRET is not for JWT_ALGORITHM=RS256; set JWT_JWKS",
        ),
        (
            {"JWT_JWKS": "http://issuer.example/keys", "JWT_ALGORITHM": "RS256"},
            "JWT_JWKS: must be the path of a file or an https:// address",
        ),
        ({"LOG_FORMAT": "yaml"}, "LOG_FORMAT: must be 'auto', 'json' or 'console'"),
    ],
)
def test_a_wrong_value(tmp_path: Path, environment: dict[str, str], sentence: str) -> None:
    assert run(tmp_path, **environment) == sentence


def test_a_database_that_is_not_there(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    url = postgres.url.rpartition("/")[0] + "/missing"
    sentence = 'DATABASE_URL: PostgreSQL refuses us (database "missing" does not exist)'
    assert run(tmp_path, DATABASE_URL=url) == sentence


def test_servers_that_do_not_answer(tmp_path: Path) -> None:
    port = free_port()
    answer = run(tmp_path, DATABASE_URL=f"postgresql://me@127.0.0.1:{port}/here")
    assert answer.startswith("DATABASE_URL: PostgreSQL does not answer there (")
    answer = run(tmp_path, REDIS_URL=f"redis://127.0.0.1:{port}")
    assert answer.startswith("REDIS_URL: no answer (")
    answer = run(tmp_path, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}", **CREDENTIALS)
    assert answer == f"AWS_ENDPOINT_URL: no object store answers at 127.0.0.1:{port}."


def test_a_bucket_that_is_not_there(tmp_path: Path, s3_url: str) -> None:
    answer = run(tmp_path, AWS_ENDPOINT_URL=s3_url, **CREDENTIALS)
    assert answer == "S3_BUCKET_NAME: there is no such bucket in the object store."
