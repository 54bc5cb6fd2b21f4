"""Write the contracts with everything that they import, for clients in other languages.

`make protos-export` writes `.local/protos`; protoc, buf and proto loaders take that folder as their one include path.
"""

import shutil
import sys
from importlib.resources import files
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parent
GOOGLE_API = ("annotations.proto", "http.proto")
GOOGLE_PROTOBUF = ("descriptor.proto", "duration.proto", "struct.proto", "timestamp.proto")


def export(target: Path) -> list[Path]:
    """Write the contracts below `target`, and return the files."""
    shutil.copytree(CONTRACTS / "neuralearn", target / "neuralearn", dirs_exist_ok=True)
    sources = {f"google/api/{name}": files("google.api").joinpath(name) for name in GOOGLE_API}
    well_known = files("grpc_tools") / "_proto" / "google" / "protobuf"
    sources |= {f"google/protobuf/{name}": well_known.joinpath(name) for name in GOOGLE_PROTOBUF}
    for name, source in sources.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes())
    return sorted(target.rglob("*.proto"))


if __name__ == "__main__":
    for written in export(Path(sys.argv[1])):
        print(written)
