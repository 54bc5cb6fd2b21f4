"""The processes that parse files of strangers know no secret."""

import json
import os
import subprocess
import sys

SECRETS = {
    "DATABASE_URL": "postgresql://somebody:canary-password@127.0.0.1/neuralearn",
    "REDIS_URL": "redis://:canary-redis@127.0.0.1",
    "AWS_ACCESS_KEY_ID": "canary-key",
    "AWS_SECRET_ACCESS_KEY": "canary-secret",
    "GEMINI_API_KEY": "canary-gemini",
    "WEBHOOK_SECRET": "canary-webhook-of-16-bytes",
}


def test_children_start_without_secrets() -> None:
    command = [sys.executable, "-m", "tests.security.environment_probe"]
    ended = subprocess.run(command, env=os.environ | SECRETS, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    inherited = json.loads(ended.stdout.splitlines()[-1])
    assert "canary-password" in inherited["database_url"]
    assert any(variable.startswith("PATH=") for variable in inherited["child"])
    assert [variable for variable in inherited["child"] if "canary" in variable] == []
