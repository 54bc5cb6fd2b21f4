"""Recipes as documents of other standards: a table schema, a data contract, dataset metadata, and lineage."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from worker_service.core.export.expectations import ColumnExpectation, expect_cleaned, expect_engineered
from worker_service.core.export.facts import Facts
from worker_service.core.recipe.contract import require_contract
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import HidePersonalData

_PRODUCER = "https://github.com/neuralearn/neuralearn"
_NAMESPACE = "neuralearn"
_RUN_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_SCHEMA_FACET = "https://openlineage.io/spec/facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
_LINEAGE_FACET = (
    "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
)


def table_schema(recipe: Recipe, facts: Facts) -> str:
    """Return the columns of the cleaned table, as CSV in the style `iso`, as a Table Schema.

    Source: Frictionless Table Schema, specs.frictionlessdata.io/table-schema.

    Raises:
        ContractBroken: the recipe is not settled.
    """
    fields = [_schema_field(column) for column in expect_cleaned(recipe, facts.kept_columns)]
    return _write({"fields": fields, "missingValues": [""]})


def _schema_field(column: ColumnExpectation) -> dict[str, Any]:
    kinds = {"string": "string", "bool": "boolean", "double": "number"}
    kind = "datetime" if column.type.startswith("timestamp") else kinds.get(column.type, "integer")
    constraints: dict[str, Any] = {}
    if column.is_required:
        constraints["required"] = True
    if column.is_unique:
        constraints["unique"] = True
    if column.levels is not None:
        constraints["enum"] = list(column.levels)
    if column.minimum is not None:
        constraints["minimum"] = _number(column.minimum, kind)
    if column.maximum is not None:
        constraints["maximum"] = _number(column.maximum, kind)
    field: dict[str, Any] = {"name": column.name, "type": kind}
    if kind == "datetime":
        field["format"] = "any"
    if kind == "boolean":
        field |= {"trueValues": ["true"], "falseValues": ["false"]}
    return {**field, "constraints": constraints} if constraints else field


def _number(value: float, kind: str) -> float | int:
    return int(value) if kind == "integer" else value


def data_contract(recipe: Recipe, facts: Facts) -> str:
    """Return both tables as a data contract in JSON, which YAML readers read as well.

    Source: Open Data Contract Standard 3.1, bitol-io.github.io/open-data-contract-standard.

    Raises:
        ContractBroken: the recipe is not settled.
    """
    tables = {"cleaned": expect_cleaned(recipe, facts.kept_columns), "engineered": expect_engineered(recipe)}
    contract = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"{facts.dataset_id}.{facts.version}",
        "version": f"{facts.version}.0.0",
        "name": facts.filename,
        "status": "active",
        "description": {"purpose": f"The tables that NeuraLearn prepared of {facts.filename}."},
        "contractCreatedTs": facts.created_at,
        "schema": [
            {
                "name": name,
                "logicalType": "object",
                "properties": [_contract_property(column) for column in columns],
            }
            for name, columns in tables.items()
        ],
        "customProperties": [{"property": "recipe", "value": recipe.content_hash()}],
    }
    return _write(contract)


_PHYSICAL_TYPES = {"bool": "boolean", "int8": "tinyint", "int64": "bigint", "timestamp[us]": "timestamp_ntz"}
"""The types of Arrow by the names that readers of contracts know; the moments have no zone."""


def _contract_property(column: ColumnExpectation) -> dict[str, Any]:
    kinds = {"string": "string", "bool": "boolean", "double": "number"}
    kind = "timestamp" if column.type.startswith("timestamp") else kinds.get(column.type, "integer")
    options = {"minimum": column.minimum, "maximum": column.maximum}
    known = {name: _number(value, kind) for name, value in options.items() if value is not None}
    described: dict[str, Any] = {
        "name": column.name,
        "logicalType": kind,
        "physicalType": _PHYSICAL_TYPES.get(column.type, column.type),
        "required": column.is_required,
        "unique": column.is_unique,
    }
    if known:
        described["logicalTypeOptions"] = known
    if column.levels is not None:
        severity = "warning" if column.mode == "evolve" else "error"
        valid = {"validValues": list(column.levels)}
        rule = {"type": "library", "metric": "invalidValues", "arguments": valid, "mustBe": 0, "severity": severity}
        described["quality"] = [rule]
    if column.sources and (column.kinds or column.sources != (column.name,)):
        described |= {"transformSourceObjects": list(column.sources), "transformLogic": ", ".join(column.kinds)}
    return described


def dataset_metadata(recipe: Recipe, facts: Facts) -> str:
    """Return the uploaded file and both tables as metadata of a dataset for machine learning.

    Source: Croissant 1.1, docs.mlcommons.org/croissant.

    Raises:
        ContractBroken: the recipe is not settled.
    """
    files = [_croissant_file("uploaded", facts.filename, "raw", facts.source_sha256, "application/octet-stream")]
    for name in ("cleaned", "engineered"):
        content = f"{name}?format=parquet&version={facts.version}"
        hashed = facts.table_sha256.get(name, "")
        files.append(_croissant_file(name, f"{name}.parquet", content, hashed, "application/x-parquet"))
    tables = {"cleaned": expect_cleaned(recipe, facts.kept_columns), "engineered": expect_engineered(recipe)}
    document = {
        "@context": _CROISSANT_CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": facts.filename,
        "description": f"The tables that NeuraLearn prepared of {facts.filename}.",
        "url": f"dataset/{facts.dataset_id}",
        "version": f"{facts.version}.0.0",
        "datePublished": facts.created_at,
        "distribution": [{**file, "contentUrl": f"dataset/{facts.dataset_id}/{file['contentUrl']}"} for file in files],
        "recordSet": [_record_set(name, columns, recipe.target.column) for name, columns in tables.items()],
    }
    return _write(document)


def _croissant_file(key: str, name: str, url: str, sha256: str, media_type: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": key,
        "name": name,
        "contentUrl": url,
        "encodingFormat": media_type,
        "sha256": sha256,
    }


def _record_set(name: str, columns: Sequence[ColumnExpectation], target: str | None) -> dict[str, Any]:
    fields = []
    for position, column in enumerate(columns):
        # Names may hold what an identifier must not, so that they are given beside.
        field = {
            "@type": "cr:Field",
            "@id": f"{name}-table/{position}",
            "name": column.name,
            "dataType": _croissant_type(column.type),
            "source": {"fileObject": {"@id": name}, "extract": {"column": column.name}},
        }
        if column.kinds:
            field["description"] = f"From {', '.join(column.sources) or 'the rows'} by {', '.join(column.kinds)}."
        fields.append(field)
    record_set: dict[str, Any] = {
        "@type": "cr:RecordSet",
        "@id": f"{name}-table",
        "name": f"{name}-table",
        "field": fields,
    }
    if target is not None and name == "engineered":
        record_set["description"] = f"The target is {target}."
    return record_set


def _croissant_type(kind: str) -> str:
    if kind.startswith("timestamp"):
        return "sc:DateTime"
    return {"string": "sc:Text", "bool": "sc:Boolean", "double": "sc:Float"}.get(kind, "sc:Integer")


def run_event(recipe: Recipe, facts: Facts) -> str:
    """Return the preparation as an event of lineage, with the columns that each column is computed from.

    Source: OpenLineage 2, openlineage.io/spec.

    Raises:
        ContractBroken: the recipe is not settled.
    """
    contract = require_contract(recipe)
    source = f"dataset/{facts.dataset_id}/raw"
    masked = {step.column for step in recipe.steps if isinstance(step, HidePersonalData) and step.is_active}
    tables = {"cleaned": expect_cleaned(recipe, facts.kept_columns), "engineered": expect_engineered(recipe)}
    event = {
        "eventType": "COMPLETE",
        "eventTime": facts.created_at,
        "producer": _PRODUCER,
        "schemaURL": _RUN_EVENT,
        "run": {"runId": facts.run_id, "facets": {}},
        "job": {"namespace": _NAMESPACE, "name": f"prepare.{facts.dataset_id}", "facets": {}},
        "inputs": [
            {
                "namespace": _NAMESPACE,
                "name": source,
                "facets": {"schema": _schema_facet([(column.name, column.type) for column in contract.input])},
            }
        ],
        "outputs": [
            {
                "namespace": _NAMESPACE,
                "name": f"dataset/{facts.dataset_id}/{name}",
                "facets": {
                    "schema": _schema_facet([(column.name, column.type) for column in columns]),
                    "columnLineage": _lineage_facet(columns, source, masked),
                },
            }
            for name, columns in tables.items()
        ],
    }
    return _write(event)


def _schema_facet(columns: Sequence[tuple[str, str]]) -> dict[str, Any]:
    fields = [{"name": name, "type": kind} for name, kind in columns]
    return {"_producer": _PRODUCER, "_schemaURL": _SCHEMA_FACET, "fields": fields}


def _lineage_facet(columns: Sequence[ColumnExpectation], source: str, masked: set[str]) -> dict[str, Any]:
    fields = {}
    for column in columns:
        subtype = "TRANSFORMATION" if column.kinds else "IDENTITY"
        fields[column.name] = {
            "inputFields": [
                {
                    "namespace": _NAMESPACE,
                    "name": source,
                    "field": name,
                    "transformations": [
                        {
                            "type": "DIRECT",
                            "subtype": subtype,
                            "description": ", ".join(column.kinds),
                            "masking": name in masked,
                        }
                    ],
                }
                for name in column.sources
            ]
        }
    return {"_producer": _PRODUCER, "_schemaURL": _LINEAGE_FACET, "fields": fields}


def _write(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


_CROISSANT_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The terms of Croissant 1.0."""
