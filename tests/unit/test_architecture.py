"""The import law of the house: who may know whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "ingest_service", "worker_service", "report_service")
OURS = (*SERVICES, "shared", "deploy", "migrations", "tests")
CORE_MAY_USE = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "pydantic", "rapidfuzz"}
IMPURE = {
    "asyncio",
    "os",
    "time",
    "logging",
    "socket",
    "subprocess",
    "threading",
    "random",
    "secrets",
    "urllib",
    "http",
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "shared/pb" not in path.as_posix()]


def within(path: Path, *places: str) -> bool:
    relative = path.relative_to(ROOT).as_posix()
    return any(relative == place or relative.startswith(place + "/") for place in places)


def offenders(paths: list[Path], *forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path)
        if any(name == one or name.startswith(one + ".") for one in forbidden)
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_services_never_import_each_other(service: str) -> None:
    others = [other for other in OURS if other not in {service, "shared"}]
    assert offenders(sources(service), *others) == []


def test_shared_imports_no_service() -> None:
    assert offenders(sources("shared"), *(one for one in OURS if one != "shared")) == []


def test_core_is_pure() -> None:
    for path in sources("worker_service/core"):
        for name in imports(path):
            top = name.partition(".")[0]
            is_own = name.startswith(("worker_service.core", "shared.contracts"))
            assert not (top in OURS and not is_own), f"{path} imports {name}"
            assert top not in IMPURE, f"{path} imports {name}"
            assert top in CORE_MAY_USE or is_own or _is_standard(top), f"{path} imports {name}"


def _is_standard(name: str) -> bool:
    import sys

    return name in sys.stdlib_module_names


def test_the_gateway_knows_neither_database_nor_storage_nor_queue() -> None:
    assert offenders(sources("gateway"), "shared.db", "shared.storage", "shared.queue", "shared.isolation") == []


def test_generated_code_appears_only_where_values_are_converted() -> None:
    for path in sources(*SERVICES, "shared", "deploy"):
        if any(name.startswith("shared.pb") for name in imports(path)):
            at_home = path.name in {"servicer.py", "convert.py", "composition.py", "clients.py"}
            assert at_home or within(path, "gateway", "shared/rpc"), f"{path} imports generated code"


@pytest.mark.parametrize(
    ("module", "homes"),
    [
        ("sqlalchemy", ("shared/db", "migrations")),
        ("asyncpg", ("shared/db", "migrations")),
        ("google.genai", ("worker_service/planner/ai/gemini.py",)),
        ("aioboto3", ("shared/storage",)),
        ("arq", ("shared/queue.py",)),
        ("matplotlib", ("report_service",)),
    ],
)
def test_libraries_have_one_home(module: str, homes: tuple[str, ...]) -> None:
    elsewhere = [path for path in sources(*SERVICES, "shared", "deploy", "migrations") if not within(path, *homes)]
    assert offenders(elsewhere, module) == []


def test_grpc_stays_out_of_the_inner_rooms() -> None:
    rooms = ("worker_service/core", "worker_service/planner", "shared/db", "shared/storage")
    assert offenders(sources(*rooms), "grpc") == []


def test_the_environment_is_read_in_one_place() -> None:
    for path in sources(*SERVICES, "shared"):
        if within(path, "shared/settings/base.py"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not used & {"environ", "getenv"}, f"{path} reads the environment"
