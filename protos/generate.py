"""Generate `shared/pb` from the contracts: `python protos/generate.py`.

protoc makes modules that import one another as `neuralearn.…`. The script rewrites these imports to
`shared.pb.neuralearn.…`, so that the modules need no entry of their own on the import path. The names on the wire
do not change.
"""

import re
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "protos"
OUTPUT = ROOT / "shared" / "pb"
PACKAGES = ("externalscaler", "neuralearn")
IMPORT = rf"^(from|import) ({'|'.join(PACKAGES)})\b"
VENDORED = ROOT / ".local" / "googleapis"


def vendor_google_api() -> None:
    """Copy the two google.api files to where buf reads them as a module and protoc as an include path."""
    directory = VENDORED / "google" / "api"
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("annotations.proto", "http.proto"):
        (directory / name).write_bytes(files("google.api").joinpath(name).read_bytes())


def generate(output: Path) -> None:
    """Run protoc over every contract, and rewrite the import prefix of the generated modules.

    Args:
        output: the directory to write to; what it holds of the packages is replaced.
    """
    for package in PACKAGES:
        shutil.rmtree(output / package, ignore_errors=True)
    output.mkdir(parents=True, exist_ok=True)
    contracts = sorted(path for package in PACKAGES for path in (CONTRACTS / package).rglob("*.proto"))
    services = [path for path in contracts if re.search(r"^service ", path.read_text(), re.MULTILINE)]
    includes = ["protoc", f"-I{CONTRACTS}", f"-I{VENDORED}", f"-I{files('grpc_tools') / '_proto'}"]
    run_protoc([*includes, f"--python_out={output}", f"--mypy_out=quiet:{output}", *map(str, contracts)])
    run_protoc([*includes, f"--grpc_python_out={output}", f"--mypy_grpc_out=quiet:{output}", *map(str, services)])
    for path in [*output.rglob("*.py"), *output.rglob("*.pyi")]:
        text = re.sub(IMPORT, r"\1 shared.pb.\2", path.read_text(), flags=re.MULTILINE)
        path.write_text(text)
    for directory in [output, *(path for path in output.rglob("*") if path.is_dir())]:
        (directory / "__init__.py").touch()


def run_protoc(arguments: list[str]) -> None:
    """Run protoc, and exit on an error.

    Args:
        arguments: the command line, beginning with the program's name.
    """
    if protoc.main(arguments) != 0:
        sys.exit("protoc failed")


if __name__ == "__main__":
    vendor_google_api()
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT)
