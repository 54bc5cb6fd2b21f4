"""Checks which module may import which."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "ingest_service", "worker_service", "report_service")
SHIPPED = (*SERVICES, "neuralearn", "shared", "deploy", "migrations", "protos")
OURS = (*SHIPPED, "docs", "tests")
CORE_MAY_IMPORT = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "pydantic", "rapidfuzz", "pint", "sqlglot"}
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
CONVERTS = ("servicer.py", "convert.py", "composition.py")


def list_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def list_sources(*folders: str) -> list[Path]:
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert paths, f"no sources in {folders}"
    return [path for path in paths if "shared/pb" not in path.as_posix()]


def is_within(path: Path, *parents: str) -> bool:
    relative = path.relative_to(ROOT).as_posix()
    return any(relative == parent or relative.startswith(parent + "/") for parent in parents)


def is_part_of(name: str, *modules: str) -> bool:
    return any(name == module or name.startswith(module + ".") for module in modules)


def list_offenders(paths: list[Path], *forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in list_imports(path)
        if is_part_of(name, *forbidden)
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_services_never_import_each_other(service: str) -> None:
    others = [other for other in OURS if other not in {service, "shared"}]
    assert list_offenders(list_sources(service), *others) == []


def test_shared_imports_no_service() -> None:
    assert list_offenders(list_sources("shared"), *(name for name in OURS if name != "shared")) == []


def test_what_is_shipped_imports_neither_tests_nor_docs() -> None:
    assert list_offenders(list_sources(*SHIPPED), "tests", "docs") == []


def test_core_is_pure() -> None:
    for path in list_sources("worker_service/core"):
        for name in list_imports(path):
            top = name.partition(".")[0]
            is_own = is_part_of(name, "worker_service.core", "shared.contracts")
            assert not (top in OURS and not is_own), f"{path} imports {name}"
            assert top not in IMPURE, f"{path} imports {name}"
            assert top in CORE_MAY_IMPORT or is_own or top in sys.stdlib_module_names, f"{path} imports {name}"


def test_contracts_are_pure() -> None:
    for path in list_sources("shared/contracts"):
        for name in list_imports(path):
            top = name.partition(".")[0]
            is_own = is_part_of(name, "shared.contracts", "shared.errors")
            assert not (top in OURS and not is_own), f"{path} imports {name}"
            assert top not in IMPURE, f"{path} imports {name}"


@pytest.mark.parametrize(
    ("package", "higher"),
    [
        ("worker_service/core", ("worker_service.planner", "worker_service.worker", "worker_service.pipeline")),
        ("worker_service/planner", ("worker_service.worker", "worker_service.pipeline")),
        ("worker_service/worker", ("worker_service.pipeline",)),
        ("worker_service/pipeline", ("worker_service.worker",)),
    ],
)
def test_worker_packages_import_only_lower_ones(package: str, higher: tuple[str, ...]) -> None:
    assert list_offenders(list_sources(package), *higher) == []


def test_only_composition_and_main_build_the_parts() -> None:
    """Settings are read where a process is put together, so that every other object can be built in a test."""
    for path in list_sources(*SERVICES):
        if any(is_part_of(name, "shared.settings.processes") for name in list_imports(path)):
            assert path.name in {"composition.py", "clients.py", "__main__.py", "app.py"}, f"{path} reads settings"


def test_the_gateway_knows_neither_database_nor_storage_nor_queue() -> None:
    assert (
        list_offenders(list_sources("gateway"), "shared.db", "shared.storage", "shared.queue", "shared.isolation") == []
    )


def test_the_gateway_calls_services_only_through_its_clients() -> None:
    outside = [path for path in list_sources("gateway") if not is_within(path, "gateway/clients")]
    assert list_offenders(outside, "grpc") == []


def test_generated_code_appears_only_where_values_are_converted() -> None:
    for path in list_sources(*SERVICES, "shared", "deploy"):
        if any(is_part_of(name, "shared.pb") for name in list_imports(path)):
            is_allowed = path.name in CONVERTS or is_within(
                path, "gateway/clients", "gateway/convert", "ingest_service/convert", "shared/rpc"
            )
            assert is_allowed, f"{path} imports generated code"


@pytest.mark.parametrize(
    ("module", "homes"),
    [
        ("sqlalchemy", ("shared/db", "migrations")),
        ("asyncpg", ("shared/db", "migrations")),
        ("google.genai", ("worker_service/planner/ai/gemini.py",)),
        ("aioboto3", ("shared/storage",)),
        ("arq", ("shared/queue",)),
        ("matplotlib", ("report_service",)),
    ],
)
def test_libraries_are_imported_in_one_package(module: str, homes: tuple[str, ...]) -> None:
    elsewhere = [
        path for path in list_sources(*SERVICES, "shared", "deploy", "migrations") if not is_within(path, *homes)
    ]
    assert list_offenders(elsewhere, module) == []


def test_grpc_stays_out_of_the_inner_packages() -> None:
    packages = ("worker_service/core", "worker_service/planner", "shared/db", "shared/storage", "shared/contracts")
    assert list_offenders(list_sources(*packages), "grpc") == []


def test_the_environment_is_read_in_one_module() -> None:
    for path in list_sources(*SERVICES, "shared", "deploy", "migrations"):
        if is_within(path, "shared/settings/base.py"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not attributes & {"environ", "getenv"}, f"{path} reads the environment"


def test_the_client_imports_nothing_of_the_services() -> None:
    ours = [name for name in OURS if name != "neuralearn"]
    recipes = ROOT / "neuralearn/recipes.py"
    sources = [path for path in list_sources("neuralearn") if path != recipes]
    assert list_offenders(sources, *ours) == []
    allowed = {"httpx", "typer", "rich", "neuralearn", *sys.stdlib_module_names}
    imported = {name.split(".")[0] for path in sources for name in list_imports(path)}
    assert imported <= allowed
    # What carries recipes out needs the core, which is imported when it is used.
    core = {name for name in list_imports(recipes) if is_part_of(name, *ours)}
    assert all(is_part_of(name, "worker_service.core") for name in core)


def test_the_client_loads_no_library_of_the_core() -> None:
    code = "import neuralearn, sys; assert not {'numpy', 'pandas', 'pyarrow', 'pydantic', 'sklearn'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True)
