"""A table with fourteen faults whose truth is known, as a CSV file would bring it."""

import csv
import io
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from tests.planted import columns
from tests.planted.columns import PlantedColumn
from tests.planted.evaluation import Verdict, damaged_cells, judge
from tests.planted.plan import Fault, Planted
from tests.planted.truth import FLAG, Expected

__all__ = ["FLAG", "Fault", "Planted", "Verdict", "damaged_cells", "judge", "plant"]

_REPEATED = 0.02
_TEXT_STAYS = {"leading_zeros": ("zip",), "na_country": ("country",)}
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
_USELESS = {
    "leak_duplicate_constant": ("closing_fee", "branch_copy", "source_system"),
    "ids_and_emails": ("customer_id", "email"),
}


def plant(seed: int, rows: int = 2000) -> Planted:
    """A table of `rows` customers, and 2 % of them once more; equal for equal arguments."""
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
    """The base row behind each row of the file, and which rows repeat an earlier one."""
    twice = random.choice(rows, max(1, round(rows * _REPEATED)), replace=False)
    keys = np.concatenate([np.arange(rows), random.uniform(twice + 0.5, rows)])
    places = np.argsort(keys, kind="stable")
    order = np.concatenate([np.arange(rows), twice])[places]
    return order.tolist(), frozenset(np.flatnonzero(places >= rows).tolist())


def _csv(written: Mapping[str, list[str | None]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(written)
    writer.writerows(zip(*written.values(), strict=True))
    return text.getvalue().encode()


def _faults(base: Mapping[str, PlantedColumn], order: list[int], repeated: frozenset[int]) -> tuple[Fault, ...]:
    named = {**_TEXT_STAYS, **_NOTATIONS, **_WRONG_VALUES, **_USELESS}
    cells = [
        Fault(
            name=name, columns=places, cells=_cells(base, places, order), rows=frozenset(), wrong=name in _WRONG_VALUES
        )
        for name, places in named.items()
    ]
    everywhere: dict[tuple[int, str], Expected] = {}
    return (*cells, Fault(name="duplicate_rows", columns=(), cells=everywhere, rows=repeated, wrong=True))


def _cells(
    base: Mapping[str, PlantedColumn], names: tuple[str, ...], order: list[int]
) -> dict[tuple[int, str], Expected]:
    return {
        (place, name): base[name].planted[row]
        for name in names
        for place, row in enumerate(order)
        if row in base[name].planted
    }
