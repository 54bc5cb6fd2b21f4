"""The requests of both clients: what is sent, and how the answer is read. Nothing here talks to a network."""

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_args

from neuralearn.errors import ApiError
from neuralearn.models import Compared, Dataset, Log, Queues, RecipeChange, RowsTable, Table, Undo, Worker

T = TypeVar("T")
Json = dict[str, Any]


@dataclass(frozen=True)
class Request(Generic[T]):
    """A request whose answer is read as one value."""

    method: str
    path: str
    read: Callable[[Any], T]
    """Makes the value of the JSON of the answer."""
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = True
    """True if it is sent again where that may help; False if that does harm, or the first answer says what is."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list."""

    items: Sequence[T]
    next_page_token: str


def status(dataset_id: str) -> Request[Dataset]:
    """Ask where a dataset stands."""
    return Request("GET", dataset_path(dataset_id, "status"), Dataset.from_json)


def datasets(*, user_id: str, collaboration_id: str, page_token: str) -> Request[Page[Dataset]]:
    """Ask for a page of datasets."""
    params = _given(user_id=user_id, collaboration_id=collaboration_id, page_token=page_token, page_size=500)
    return Request("GET", "/datasets", _page("datasets", Dataset.from_json), params)


def import_dataset(address: str, options: Mapping[str, Any], key: str) -> Request[str]:
    """Ask the service to fetch a dataset from an address; the answer is its id."""
    document = {"dataset_url": address, **options}
    headers = {"idempotency-key": key or uuid.uuid4().hex}
    return Request("POST", "/dataset/upload", read_dataset_id, json=document, headers=headers)


def preview_import(address: str, options: Mapping[str, Any]) -> Request[Json]:
    """Ask the service to fetch a dataset from an address and only read it."""
    return Request("POST", "/dataset/preview", dict, json={"dataset_url": address, **options})


def change(dataset_id: str, action: str) -> Request[Dataset]:
    """Ask for `cancel`, `retry` or `apply`."""
    return Request("POST", dataset_path(dataset_id, action), Dataset.from_json)


def prepare_again(dataset_id: str, options: Mapping[str, Any]) -> Request[Dataset]:
    """Ask for a preparation with other options."""
    path = dataset_path(dataset_id, "prepare")
    return Request("POST", path, Dataset.from_json, json=dict(options), is_repeatable=False)


def undo(dataset_id: str, undone: Undo) -> Request[Dataset]:
    """Ask to undo steps, columns, rules or everything."""
    document = {name: value if isinstance(value, bool) else list(value) for name, value in undone.items()}  # type: ignore[call-overload]
    path = dataset_path(dataset_id, "undo")
    return Request("POST", path, Dataset.from_json, json=document, is_repeatable=False)


def change_recipe(dataset_id: str, change: RecipeChange) -> Request[Dataset]:
    """Ask to switch steps of a recipe off or on, to set parameters, or to add steps."""
    document = _change_document(change)
    headers = {"if-match": change["etag"]} if change.get("etag") else {}
    path = dataset_path(dataset_id, "recipe")
    return Request("PATCH", path, Dataset.from_json, json=document, headers=headers, is_repeatable=False)


def dry_run(dataset_id: str, change: RecipeChange) -> Request[Json]:
    """Ask what a recipe would do, changed or as it is."""
    path = dataset_path(dataset_id, "recipe/dry-run")
    return Request("POST", path, dict, json=_change_document(change))


def _change_document(change: RecipeChange) -> Json:
    by_step = {str(step): values and dict(values) for step, values in change.get("parameters", {}).items()}
    return {
        "off": list(change.get("off", ())),
        "on": list(change.get("on", ())),
        "parameters": by_step,
        "add": [dict(step) for step in change.get("add", ())],
        "redo": [dict(cell) for cell in change.get("redo", ())],
        "types": dict(change.get("types", {})),
        "roles": dict(change.get("roles", {})),
        "target": change.get("target", ""),
    }


def versions(dataset_id: str, *, page_token: str) -> Request[Page[Json]]:
    """Ask for a page of the versions of a dataset's results."""
    params = _given(page_token=page_token)
    return Request("GET", dataset_path(dataset_id, "versions"), _page("versions", dict), params)


def differences(
    dataset_id: str, before: int, after: int, compared: Compared, *, page_token: str
) -> Request[Page[Json]]:
    """Ask for a page of the cells in which two versions differ."""
    params = {"from": before, **_given(to=after, **compared, page_token=page_token, page_size=1000)}
    return Request("GET", dataset_path(dataset_id, "diff"), _page("differences", dict), params)


def delete(dataset_id: str) -> Request[None]:
    """Ask to remove a dataset."""
    return Request("DELETE", f"/dataset/{_require_id(dataset_id)}", lambda _: None)


def document(dataset_id: str, name: str, params: Mapping[str, Any] | None = None) -> Request[Json]:
    """Ask for a JSON document of a dataset, such as `profile`."""
    return Request("GET", dataset_path(dataset_id, name), dict, params or {})


def create_recipe(name: str, dataset_id: str, recipe: Mapping[str, Any] | None, user_id: str) -> Request[Json]:
    """Ask to store a recipe under a name."""
    document = _given(name=name, dataset_id=dataset_id, recipe=recipe, user_id=user_id)
    return Request("POST", "/recipes", dict, json=document, is_repeatable=False)


def recipes(*, name: str, user_id: str, page_token: str) -> Request[Page[Json]]:
    """Ask for a page of stored recipes."""
    params = _given(name=name, user_id=user_id, page_token=page_token, page_size=500)
    return Request("GET", "/recipes", _page("recipes", dict), params)


def stored_recipe(recipe_id: str) -> Request[Json]:
    """Ask for a stored recipe."""
    return Request("GET", _recipe_path(recipe_id), dict)


def delete_recipe(recipe_id: str) -> Request[None]:
    """Ask to remove a stored recipe."""
    return Request("DELETE", _recipe_path(recipe_id), lambda _: None, is_repeatable=False)


def log(dataset_id: str, name: Log, *, version: int, page_token: str) -> Request[Page[Json]]:
    """Ask for a page of a log."""
    path = dataset_path(dataset_id, f"logs/{name}")
    params = _given(version=version, page_token=page_token, page_size=1000)
    return Request("GET", path, _page("logs", dict), params)


def rows(
    dataset_id: str, table: RowsTable, offset: int, limit: int, selection: Mapping[str, Sequence[str]]
) -> Request[Json]:
    """Ask for rows of a table; the selection has `columns`, `sort` and `filter`."""
    params = {
        "table": table,
        "offset": offset,
        "limit": limit,
        **{name: list(part) for name, part in selection.items()},
    }
    return Request("GET", dataset_path(dataset_id, "rows"), dict, params)


def graphs(dataset_id: str, *, version: int, page_token: str) -> Request[Page[Json]]:
    """Ask for a page of the charts of a dataset."""
    params = _given(version=version, page_token=page_token)
    return Request("GET", dataset_path(dataset_id, "eda/graphs"), _page("graphs", dict), params)


def queues() -> Request[Queues]:
    """Ask how much work waits."""
    return Request("GET", "/queues", Queues.from_json, is_repeatable=False)


def workers() -> Request[list[Worker]]:
    """Ask which workers there are."""
    return Request(
        "GET",
        "/workers",
        lambda body: [Worker.from_json(worker) for worker in body["workers"]],
        is_repeatable=False,
    )


def health() -> Request[Json]:
    """Ask how everything is; the answer is 503 where something is not."""
    return Request("GET", "/health", dict, is_repeatable=False)


def table_params(table: str, file_format: str, form: Mapping[str, object]) -> dict[str, str]:
    """Return the parameters of a download; without a format, CSV of a table and PNG of a chart."""
    if not file_format and table != "report":
        file_format = "csv" if table in get_args(Table) else "png" if table.startswith("graph/") else ""
    allowed = {
        "cleaned": ("style", "charset", "row_id", "version"),
        "engineered": ("charset", "row_id", "version"),
        "changes": ("charset", "version"),
        "export": ("dialect", "version"),
        **dict.fromkeys(("profile", "recipe", "drift", "features", "report.html"), ("version",)),
    }.get(table, ())
    given = {name: str(value).lower() for name, value in form.items() if value and name in allowed}
    return {**({"format": file_format} if file_format else {}), **given}


def dataset_path(dataset_id: str, suffix: str) -> str:
    """Return a path below a dataset.

    Raises:
        ApiError: no dataset can have this id.
    """
    return f"/dataset/{_require_id(dataset_id)}/{suffix}"


def _recipe_path(recipe_id: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z-]+", recipe_id):
        raise ApiError(f"There is no recipe {recipe_id[:100]!r}.", status=404, reason="RECIPE_NOT_FOUND")
    return f"/recipes/{recipe_id}"


def _require_id(dataset_id: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z-]+", dataset_id):
        # A path would lead elsewhere, and the service has no such id either.
        raise ApiError(f"There is no dataset {dataset_id[:100]!r}.", status=404, reason="DATASET_NOT_FOUND")
    return dataset_id


def form_fields(options: Mapping[str, Any]) -> dict[str, str]:
    """Return options as fields of a form: mappings and lists as JSON, all others as text."""
    return {name: _form_value(value) for name, value in options.items() if value is not None}


def read_dataset_id(body: Mapping[str, Any]) -> str:
    """Return the id of the dataset that was accepted."""
    return str(body["dataset_id"])


def _form_value(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(dict(value) if isinstance(value, Mapping) else value)


def _page(name: str, read: Callable[[Any], T]) -> Callable[[Any], Page[T]]:
    return lambda body: Page([read(item) for item in body[name]], str(body.get("next_page_token") or ""))


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value not in ("", None)}
