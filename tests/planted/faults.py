"""A generated CSV file with fourteen faults whose true values are known."""

import csv
import io
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from tests.planted import columns
from tests.planted.columns import PlantedColumn
from tests.planted.evaluation import FaultResult, count_damaged_cells, evaluate
from tests.planted.plan import Fault, Planted
from tests.planted.truth import FLAG, Expected

__all__ = ["FLAG", "Fault", "FaultResult", "Planted", "count_damaged_cells", "evaluate", "plant"]

_REPEATED_SHARE = 0.02
_TEXT = {"leading_zeros": ("zip",), "na_country": ("country",)}
_NOTATIONS = {
    "currency": ("price",),
    "percent": ("discount",),
    "boolean_words": ("member",),
    "day_month_dates": ("signup",),
    "iso_timestamps": ("last_visit",),
}
_WRONG_VALUES = {
    "spellings": ("state",),
    "sentinel_ages": ("age",),
    "hundredfold_slips": ("weight_kg",),
    "incomes_missing_not_at_random": ("income",),
}
_UNUSABLE = {
    "leak_duplicate_constant": ("closing_fee", "branch_copy", "source_system"),
    "ids_and_emails": ("customer_id", "email"),
}


def plant(seed: int, rows: int = 2000) -> Planted:
    """Return a table of `rows` customers, 2 % of them repeated; equal arguments give equal tables."""
    random = np.random.default_rng(seed)
    base = _base(random, rows)
    order, repeated = _order(random, rows)
    written = {name: [column.written[row] for row in order] for name, column in base.items()}
    return Planted(
        seed=seed,
        csv=_csv(written),
        decoded=pa.table({name: pa.array(cells, pa.string()) for name, cells in written.items()}),
        truth={name: tuple(column.truth[row] for row in order) for name, column in base.items()},
        repeated=repeated,
        faults=_faults(base, order, repeated),
        target="churned",
    )


def _base(random: np.random.Generator, rows: int) -> dict[str, PlantedColumn]:
    zips, states = columns.zips_and_states(random, rows)
    branches, target = columns.branches(random, rows), columns.churned(random, rows)
    return {
        "customer_id": columns.identifiers(random, rows),
        "email": columns.emails(random, rows),
        "zip": zips,
        "state": states,
        "country": columns.countries(random, rows),
        "price": columns.prices(random, rows),
        "discount": columns.discounts(random, rows),
        "member": columns.memberships(random, rows),
        "signup": columns.signups(random, rows),
        "last_visit": columns.visits(random, rows),
        "age": columns.ages(random, rows),
        "weight_kg": columns.weights(random, rows),
        "income": columns.incomes(random, rows),
        "branch": branches,
        "branch_copy": branches,
        "source_system": columns.constant(rows),
        "closing_fee": columns.closing_fees(random, target),
        "churned": target,
    }


def _order(random: np.random.Generator, rows: int) -> tuple[list[int], frozenset[int]]:
    """Return the base row of each row of the file, and the rows that repeat an earlier one."""
    repeated = random.choice(rows, max(1, round(rows * _REPEATED_SHARE)), replace=False)
    keys = np.concatenate([np.arange(rows), random.uniform(repeated + 0.5, rows)])
    positions = np.argsort(keys, kind="stable")
    order = np.concatenate([np.arange(rows), repeated])[positions]
    return order.tolist(), frozenset(np.flatnonzero(positions >= rows).tolist())


def _csv(written: Mapping[str, list[str | None]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(written)
    writer.writerows(zip(*written.values(), strict=True))
    return text.getvalue().encode()


def _faults(base: Mapping[str, PlantedColumn], order: list[int], repeated: frozenset[int]) -> tuple[Fault, ...]:
    columns_by_fault = {**_TEXT, **_NOTATIONS, **_WRONG_VALUES, **_UNUSABLE}
    cell_faults = [
        Fault(
            name=name,
            columns=fault_columns,
            cells=_cells(base, fault_columns, order),
            rows=frozenset(),
            wrong=name in _WRONG_VALUES,
        )
        for name, fault_columns in columns_by_fault.items()
    ]
    no_cells: dict[tuple[int, str], Expected] = {}
    return (*cell_faults, Fault(name="duplicate_rows", columns=(), cells=no_cells, rows=repeated, wrong=True))


def _cells(
    base: Mapping[str, PlantedColumn], names: tuple[str, ...], order: list[int]
) -> dict[tuple[int, str], Expected]:
    return {
        (position, name): base[name].planted[row]
        for name in names
        for position, row in enumerate(order)
        if row in base[name].planted
    }
