"""Functions that only children import are taken for what they stand for, and nothing else is loaded for them."""

import pickle
import subprocess
import sys

import pytest

from shared.isolation.child_task import ChildTask

HEAVY = ("pandas", "scipy", "sklearn", "matplotlib", "botocore", "google.genai", "sqlglot")
PARENTS = (
    "gateway.app",
    "ingest_service.composition",
    "report_service.composition",
    "worker_service.pipeline.composition",
    "worker_service.worker.composition",
)
TASKS = (
    *(("worker_service.worker.preparation", name) for name in ("prepare", "examine")),
    ("worker_service.pipeline.type_inference_program", "infer_types"),
    ("worker_service.pipeline.trial_program", "try_recipe"),
    ("worker_service.pipeline.export_program", "write_export"),
    ("worker_service.pipeline.certify_program", "certify_table"),
    ("report_service.tables", "write_table"),
    ("report_service.ledger_diff", "write_diff"),
)


@pytest.mark.parametrize(("module", "name"), TASKS)
def test_a_child_gets_the_function(module: str, name: str) -> None:
    function = pickle.loads(pickle.dumps(ChildTask(module, name)))
    assert (function.__name__, ChildTask(module, name).__module__) == (name, module)


def test_a_parent_can_not_call_it() -> None:
    with pytest.raises(TypeError, match=r"json\.dumps is for child processes"):
        ChildTask("json", "dumps")({})


@pytest.mark.parametrize("module", PARENTS)
def test_parents_load_nothing_that_only_children_need(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
