"""Generate `shared/pb` from the contracts: `python protos/generate.py`.

The generated modules import one another as `neuralearn.…`; one substitution makes that `shared.pb.neuralearn.…`, so
that they need no entry on the import path of their own. The wire names stay canonical.
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
VENDORED = ROOT / ".local" / "googleapis"


def vendor_google_api() -> None:
    """Lay the two google.api files where buf can see them as a module; protoc finds them there too."""
    target = VENDORED / "google" / "api"
    target.mkdir(parents=True, exist_ok=True)
    for name in ("annotations.proto", "http.proto"):
        (target / name).write_bytes(files("google.api").joinpath(name).read_bytes())


def generate(output: Path) -> None:
    """Run protoc over every contract and rewrite the import prefix."""
    shutil.rmtree(output / "neuralearn", ignore_errors=True)
    output.mkdir(parents=True, exist_ok=True)
    contracts = sorted(CONTRACTS.glob("neuralearn/**/*.proto"))
    services = [path for path in contracts if re.search(r"^service ", path.read_text(), re.MULTILINE)]
    includes = ["protoc", f"-I{CONTRACTS}", f"-I{VENDORED}", f"-I{files('grpc_tools') / '_proto'}"]
    run([*includes, f"--python_out={output}", f"--mypy_out=quiet:{output}", *map(str, contracts)])
    run([*includes, f"--grpc_python_out={output}", f"--mypy_grpc_out=quiet:{output}", *map(str, services)])
    for path in [*output.rglob("*.py"), *output.rglob("*.pyi")]:
        text = re.sub(r"^(from|import) neuralearn\.", r"\1 shared.pb.neuralearn.", path.read_text(), flags=re.MULTILINE)
        path.write_text(text)
    for folder in [output, *(path for path in output.rglob("*") if path.is_dir())]:
        (folder / "__init__.py").touch()


def run(arguments: list[str]) -> None:
    """Run protoc, with the plugins of this environment on the path; stop on its first error."""
    if protoc.main(arguments) != 0:
        sys.exit("protoc failed")


if __name__ == "__main__":
    vendor_google_api()
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT)
