"""Without the services, the command line has the commands of users, and says what the others need."""

import subprocess
import sys

WITHOUT_SERVICES = "import sys; sys.modules['{missing}'] = None; from neuralearn.cli.app import main; main()"


def run(missing: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = WITHOUT_SERVICES.format(missing=missing)
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_commands_of_operators_are_absent_without_their_package() -> None:
    shown = run("deploy.commands", "--help")
    assert shown.returncode == 0
    assert "upload" in shown.stdout
    assert "autoscale" not in shown.stdout


def test_a_command_that_needs_the_services_says_so() -> None:
    refused = run("grpc", "check")
    assert refused.returncode == 1
    assert "pip install 'neuralearn[local]' (grpc is missing)" in refused.stderr
