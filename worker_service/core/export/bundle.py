"""The source of functions and of everything that they use, for programs that run without this project."""

import ast
import importlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType

_OURS = ("worker_service.", "shared.")
_FUTURE = "__future__"


@dataclass(frozen=True, eq=False)
class Bundle:
    """Definitions in an order in which they can be executed."""

    imports: tuple[str, ...]
    """The statements that import what the definitions use, sorted."""
    definitions: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Definition:
    source: str
    names: frozenset[str]
    """The names of its module, or of Python, that it uses."""


@dataclass(frozen=True, eq=False)
class _Module:
    name: str
    definitions: dict[str, _Definition] = field(default_factory=dict)
    """By every name that a definition binds."""
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """By name the module, and what is imported from it; None for the module itself."""


def bundle(module: ModuleType, names: Sequence[str]) -> Bundle:
    """Return the source of some functions of a module, and of all that they use from this project.

    Raises:
        ValueError: two definitions have the same name.
    """
    collected = _Collection()
    for name in names:
        collected.add(module.__name__, name)
    imports = {statement for statement in collected.imports if _FUTURE not in statement}
    return Bundle(tuple(sorted(imports)), tuple(collected.definitions.values()))


class _Collection:
    """Definitions and imports as they are found, dependencies first."""

    def __init__(self) -> None:
        self.definitions: dict[str, str] = {}
        self.imports: set[str] = set()
        self._origins: dict[str, str] = {}

    def add(self, module_name: str, name: str) -> None:
        """Add what a name of a module stands for; nothing for a name of Python itself."""
        module = _parse(module_name)
        if name in module.imports:
            origin, imported = module.imports[name]
            if origin.startswith(_OURS) and imported is not None:
                self.add(origin, imported)
            else:
                self.imports.add(_import_statement(origin, imported, name))
            return
        definition = module.definitions.get(name)
        if definition is None or self._origins.get(name) == module_name:
            return
        if name in self._origins:
            raise ValueError(f"{name} is defined in {module_name} and in {self._origins[name]}")
        self._origins[name] = module_name
        for used in sorted(definition.names - {name}):
            self.add(module_name, used)
        if definition.source not in self.definitions.values():
            self.definitions[name] = definition.source


def _import_statement(origin: str, imported: str | None, name: str) -> str:
    if imported is None:
        return f"import {origin}" if name == origin else f"import {origin} as {name}"
    return f"from {origin} import {imported}" + ("" if name == imported else f" as {name}")


@cache
def _parse(name: str) -> _Module:
    source = inspect.getsource(importlib.import_module(name))
    lines = source.splitlines()
    module = _Module(name)
    body = ast.parse(source).body
    for position, node in enumerate(body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.imports.update(_imports(node))
            continue
        following = body[position + 1] if position + 1 < len(body) else None
        last = following if _is_docstring(following) and not _is_block(node) else node
        assert last is not None and last.end_lineno is not None
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
        text = "\n".join(lines[first - 1 : last.end_lineno])
        definition = _Definition(text, frozenset(_names(node)))
        module.definitions.update(dict.fromkeys(_bound(node), definition))
    return module


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str | None]]]:
    for alias in node.names:
        bound = alias.asname or alias.name
        if isinstance(node, ast.Import):
            yield bound, (alias.name, None)
        else:
            yield bound, (node.module or "", alias.name)


def _is_block(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


def _is_docstring(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _bound(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    for target in targets:
        yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def _names(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement uses; annotations in quotes count."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
