"""Mutation testing of the steps and the rules: the share of small changes of the code that a test notices.

Each mutant is one change of one function by the operators of mutmut. mutmut itself leaves out decorated functions,
which most functions of the steps are, as they are registered by `singledispatch`. A forked child imports the mutant
and runs the tests that execute the changed line; a test that fails, or a time limit that is reached, kills it.

    python -m tests.bench.mutation_testing --sample 400
"""

import argparse
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import coverage
import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

ROOT = Path(__file__).parents[2]
SUITES = ("tests/unit/core", "tests/unit/planner", "tests/conformance")
MUTATED = ("worker_service/core/recipe/steps", "worker_service/planner/rules")
PRELOADED = ("pandas", "pyarrow.compute", "pyarrow.csv", "scipy.stats", "sklearn.ensemble", "sklearn.linear_model")
TEST_SECONDS = 40.0
"""So many seconds of tests are run against a mutant at most, the shortest first."""
LIMIT_SECONDS = 90.0
MEMORY = 6 * 1024**3


@dataclass(frozen=True)
class Mutant:
    """One changed line of one module."""

    path: str
    line: int
    before: str
    after: str
    source: str


@dataclass(frozen=True)
class Verdict:
    """What the tests make of a mutant."""

    mutant: Mutant
    outcome: str
    """`killed`, `timeout`, `survived` or `untested`."""


class _Mutator(cst.CSTVisitor):  # type: ignore[misc]  # its package is not installed where types are checked
    """Collect the nodes inside of functions that an operator changes, with their replacements."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        self.found: list[tuple[cst.CSTNode, cst.CSTNode, int]] = []
        self._depth = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator):
            return False
        if isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString):
            return False
        self._depth += isinstance(node, cst.FunctionDef)
        if self._depth:
            for kind, operator in mutation_operators:
                if isinstance(node, kind):
                    line = self.get_metadata(PositionProvider, node).start.line
                    self.found += [(node, changed, line) for changed in operator(node)]
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        self._depth -= isinstance(original_node, cst.FunctionDef)


def mutants_of(path: str) -> Iterator[Mutant]:
    """Yield every mutant of a module that compiles, in the order of its lines."""
    wrapper = MetadataWrapper(cst.parse_module((ROOT / path).read_text()))
    mutator = _Mutator()
    wrapper.visit(mutator)
    original = wrapper.module.code.splitlines()
    for node, changed, line in mutator.found:
        source = wrapper.module.deep_replace(node, changed).code
        lines = source.splitlines()
        different = [(a, b) for a, b in zip(original, lines, strict=False) if a != b]
        if not different or len(lines) != len(original):
            continue
        with contextlib.suppress(SyntaxError):
            compile(source, path, "exec")
            yield Mutant(path, line, different[0][0].strip(), different[0][1].strip(), source)


@dataclass(frozen=True)
class Coverage:
    """The tests that execute a line, and how long they take."""

    data: coverage.CoverageData
    seconds: dict[str, float]

    def tests_of(self, path: str, line: int) -> list[str]:
        """Return the tests that execute a line, the shortest first, up to the limit of their time."""
        contexts = self.data.contexts_by_lineno(str(ROOT / path)).get(line, [])
        tests = {context.rpartition("|")[0] for context in contexts} - {""}
        chosen: list[str] = []
        total = 0.0
        for test in sorted(tests, key=lambda name: self.seconds.get(name, 1.0)):
            total += self.seconds.get(test, 1.0)
            if chosen and total > TEST_SECONDS:
                break
            chosen.append(test)
        return chosen


def measure_coverage(folder: Path, jobs: int) -> Coverage:
    """Run the suites once, and return which test executes which line."""
    data, times = folder / "mutation-coverage", folder / "mutation-times.xml"
    options = ["--cov=worker_service", "--cov-context=test", "--cov-report=", "--no-cov-on-fail", "--cov-fail-under=0"]
    command = [sys.executable, "-m", "pytest", *SUITES, "-q", "-n", str(jobs), *options, f"--junitxml={times}"]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"COVERAGE_FILE": str(data)}, check=True)
    measured = coverage.CoverageData(str(data))
    measured.read()
    return Coverage(measured, dict(_durations(times)))


def _durations(times: Path) -> Iterator[tuple[str, float]]:
    for case in ElementTree.parse(times).iter("testcase"):
        module = case.attrib["classname"].replace(".", "/") + ".py"
        yield f"{module}::{case.attrib['name']}", float(case.attrib["time"])


class _MutantFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import the source of a mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = mutant.path.removesuffix(".py").replace("/", ".")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, ROOT / self._mutant.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.source, self._mutant.path, "exec"), module.__dict__)


def _run_tests(mutant: Mutant, tests: list[str]) -> int:
    """Run tests against a mutant; to be called in a forked child."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.meta_path.insert(0, _MutantFinder(mutant))
    import pytest

    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", *tests]))


def judge(mutant: Mutant, tests: list[str]) -> Verdict:
    """Return whether a test notices a mutant."""
    if not tests:
        return Verdict(mutant, "untested")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _run_tests(mutant, tests)
        finally:
            os._exit(min(code, 100))
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            return Verdict(mutant, "survived" if status == 0 else "killed")
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Verdict(mutant, "timeout")


def main() -> None:
    """Print the share of the mutants that are killed, by module, and every survivor."""
    parser = argparse.ArgumentParser(prog="tests.bench.mutation_testing", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", default=MUTATED, help="files or folders (default: the steps and the rules)"
    )
    parser.add_argument("--sample", type=int, help="so many mutants, drawn at random (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    folder = ROOT / ".local"
    folder.mkdir(exist_ok=True)
    tested = measure_coverage(folder, arguments.jobs)
    paths = sorted(
        str(path.relative_to(ROOT))
        for name in arguments.modules
        for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).glob("*.py"))
    )
    mutants = [mutant for path in paths for mutant in mutants_of(path)]
    chosen = random.Random(arguments.seed).sample(mutants, min(len(mutants), arguments.sample or len(mutants)))
    print(f"{len(chosen):,} of {len(mutants):,} mutants of {len(paths)} modules", flush=True)
    for name in PRELOADED:
        importlib.import_module(name)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        verdicts = []
        for verdict in pool.map(lambda mutant: judge(mutant, tested.tests_of(mutant.path, mutant.line)), chosen):
            verdicts.append(verdict)
            if verdict.outcome in ("survived", "untested"):
                mutant = verdict.mutant
                print(
                    f"{verdict.outcome} {mutant.path}:{mutant.line}\n  - {mutant.before}\n  + {mutant.after}",
                    flush=True,
                )
    print_shares(verdicts)


def print_shares(verdicts: Sequence[Verdict]) -> None:
    """Print the counts of the outcomes by module and in all."""
    modules = sorted({verdict.mutant.path for verdict in verdicts})
    rows = [(path, Counter(v.outcome for v in verdicts if v.mutant.path == path)) for path in modules]
    rows.append(("all", Counter(verdict.outcome for verdict in verdicts)))
    for name, outcomes in rows:
        total, dead = outcomes.total(), outcomes["killed"] + outcomes["timeout"]
        print(f"{name:60} {dead:5} of {total:5} killed ({dead / max(1, total):.0%}; {outcomes['timeout']} by time)")


if __name__ == "__main__":
    main()
