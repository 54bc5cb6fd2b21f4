"""Exported documents are accepted by their own validators, and say of a table what is true of it."""

import hashlib
import json
import warnings
from importlib.resources import files
from pathlib import Path
from typing import Any

import frictionless
import jsonschema
import mlcroissant
import numpy as np
import pandas as pd
import pandera.pandas as pa_checks
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from openlineage.client.event_v2 import RunEvent
from openlineage.client.serde import Serde

from shared.contracts.run_options import Revision, RunOptions
from tests.conformance.frames import EDGE_CASES
from tests.conformance.test_exported_programs import SAMPLE, decoded, program, recipe_of
from tests.conformance.test_laws import LAWS, OPTIONS, TARGETS, tables
from worker_service.core.export.checks import pandera_module
from worker_service.core.export.documents import data_contract, dataset_metadata, run_event, table_schema
from worker_service.core.export.expectations import expect_engineered
from worker_service.core.export.facts import Facts
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.replay import replay, revise
from worker_service.core.recipe.settle import settle
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

FACTS = Facts(
    dataset_id="11111111-1111-4111-8111-111111111111",
    run_id="22222222-2222-4222-8222-222222222222",
    version=3,
    filename="january.csv",
    source_sha256="a" * 64,
    created_at="2026-11-30T10:00:00+00:00",
    kept_columns=frozenset(),
    table_sha256={"cleaned": "b" * 64, "engineered": "c" * 64},
)
ODCS: Any = json.loads((files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8"))
BROKEN = (pa_checks.errors.SchemaError, pa_checks.errors.SchemaErrors)
CONTRACTS = jsonschema.validators.validator_for(ODCS)(ODCS)


def prepared(table: pa.Table, target: str | None, options: RunOptions) -> Outcome:
    frame = Frame.from_table(table)
    return settle(apply(propose(profile(frame, target=target), options), frame), frame, options)


def sample_outcome() -> Outcome:
    rows = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    return replay(recipe_of(rows, "churned"), decoded(rows))


def assert_valid(outcome: Outcome) -> None:
    recipe = outcome.recipe
    checks = program(pandera_module(recipe), "checks")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pa_checks.errors.SchemaWarning)
        for name in ("cleaned", "engineered"):
            table = getattr(outcome, name).to_table().to_pandas()
            if table.shape[1]:
                getattr(checks, name).validate(table)
    assert frictionless.Schema.validate_descriptor(json.loads(table_schema(recipe, FACTS))).valid
    assert list(CONTRACTS.iter_errors(json.loads(data_contract(recipe, FACTS)))) == []
    event = json.loads(run_event(recipe, FACTS))
    uploaded = {field["name"] for field in event["inputs"][0]["facets"]["schema"]["fields"]}
    for output in event["outputs"]:
        lineage = output["facets"]["columnLineage"]["fields"]
        assert list(lineage) == [field["name"] for field in output["facets"]["schema"]["fields"]]
        assert {part["field"] for field in lineage.values() for part in field["inputFields"]} <= uploaded


@LAWS
@given(tables(), TARGETS, OPTIONS)
def test_documents_hold_for_prepared_tables(table: pa.Table, target: str | None, options: RunOptions) -> None:
    assert_valid(prepared(table, target, options))


@pytest.mark.parametrize("name", EDGE_CASES)
def test_documents_hold_for_edge_cases(name: str) -> None:
    assert_valid(prepared(EDGE_CASES[name], None, RunOptions()))


def test_checks_find_what_another_table_has_otherwise() -> None:
    rows = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    frame = decoded(rows)
    options = RunOptions(contract={"plan": "freeze", "age": "freeze"})
    recipe = settle(apply(propose(profile(frame, target="churned"), options), frame), frame, options).recipe
    checks = program(pandera_module(recipe), "checks")
    cleaned = replay(recipe, frame).cleaned.to_table().to_pandas()
    for column, value in (("plan", "gold"), ("age", 999)):
        with pytest.raises(BROKEN, match=column):
            checks.cleaned.validate(cleaned.assign(**{column: value}))
    with pytest.warns(pa_checks.errors.SchemaWarning, match="months"):
        checks.cleaned.validate(cleaned.assign(months=999))
    with pytest.raises(BROKEN, match="more"):
        checks.cleaned.validate(cleaned.assign(more=1))


# It uses interfaces of rdflib and pandas that have other names now.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_croissant_reads_the_tables(tmp_path: Path) -> None:
    outcome = sample_outcome()
    paths = {name: tmp_path / f"{name}.parquet" for name in ("cleaned", "engineered")}
    for name, path in paths.items():
        pq.write_table(getattr(outcome, name).to_table(), path)
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()}
    document = json.loads(dataset_metadata(outcome.recipe, FACTS._replace(table_sha256=hashes)))
    dataset = mlcroissant.Dataset(document, mapping=paths)
    assert dataset.metadata.ctx.issues.errors == set()
    records = list(dataset.records("engineered-table"))
    assert len(records) == outcome.engineered.rows
    assert len(records[0]) == len(outcome.engineered.names)


def test_lineage_is_an_event_of_openlineage_and_goes_back_to_the_uploaded_columns() -> None:
    outcome = sample_outcome()
    event = json.loads(run_event(outcome.recipe, FACTS))
    assert event["eventType"] == "COMPLETE" and event["run"]["runId"] == FACTS.run_id
    made = RunEvent(
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=event["run"],
        job=event["job"],
        inputs=event["inputs"],
        outputs=event["outputs"],
    )
    assert json.loads(Serde.to_json(made))["outputs"] == event["outputs"]
    sources = {column.name: column.sources for column in expect_engineered(outcome.recipe)}
    assert sources["signup_date_days"] == ("signup_date",)
    assert sources["city_Lisbon"] == ("city",)


def test_a_table_schema_holds_for_the_file_that_it_describes(tmp_path: Path) -> None:
    outcome = sample_outcome()
    cleaned = outcome.cleaned.to_table().to_pandas()
    cleaned["newsletter"] = cleaned["newsletter"].map({True: "true", False: "false"})
    path = tmp_path / "cleaned.csv"
    cleaned.to_csv(path, index=False)
    schema = frictionless.Schema.from_descriptor(json.loads(table_schema(outcome.recipe, FACTS)))
    report = frictionless.Resource(path=path.name, basepath=str(tmp_path), schema=schema).validate()
    assert report.valid, report.flatten(["type", "message"])[:3]
    cleaned.assign(plan="gold").to_csv(path, index=False)
    again = frictionless.Resource(path=path.name, basepath=str(tmp_path), schema=schema).validate()
    assert {error for (error,) in again.flatten(["type"])} == {"constraint-error"}


def test_a_column_with_a_kept_cell_may_have_gaps() -> None:
    rows = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False)
    frame, recipe = decoded(rows), recipe_of(rows, "churned")
    gap = int(np.flatnonzero(rows["age"] == "")[0]) + 1
    outcome = revise(recipe, Revision(base="", off=(), cells=((gap, "age"),)), frame, RunOptions())
    cleaned = outcome.cleaned.to_table().to_pandas()
    checks = program(pandera_module(outcome.recipe, frozenset({"age"})), "checks")
    checks.cleaned.validate(cleaned)
    with pytest.raises(BROKEN, match="age"):
        program(pandera_module(outcome.recipe), "checks").cleaned.validate(cleaned)
