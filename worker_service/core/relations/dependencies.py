"""Dependencies between columns: the cells that break them, and what is right where the other columns agree on it."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from worker_service.core.relations.corrections import Table, correct_codes
from worker_service.core.relations.determinants import Codes, Rule, find_rules
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask
from worker_service.core.table.written_values import WrittenValues, written_values
from worker_service.core.value import Value

MOST_COLUMNS = 30
"""At most so many columns are compared, those with the fewest values first."""
MOST_CONSTANT = 0.95
"""A column whose most frequent value has a larger share of its cells is not compared."""
MOST_CORRECTIONS = 1_000
MOST_EXAMPLES = 3


class Correction(Value):
    """A wrong value beside a value of the determinant, and the usual value of the rows with that value."""

    given: str
    """The determinant's value as canonical text."""
    before: str
    after: str
    count: int


class Violation(Value):
    """A cell that breaks a dependency."""

    row: int
    """The row number, counting from 1."""
    given: str
    actual: str
    usual: str


class Dependency(Value):
    """A column that determines another column."""

    determinant: str
    dependent: str
    rows: int
    """Rows in groups of at least three equal values of the determinant."""
    agreement: float
    """The share of those rows that have the usual value of their group."""
    violations: int
    """Rows that have another value though the group has a usual one."""
    uncorrected: int
    """Violations without a correction."""
    corrections: tuple[Correction, ...]
    """Violations whose right value the other columns of the row agree on; each stands with one of its rules only."""
    examples: tuple[Violation, ...]
    """Some of the violations without a correction."""


def find_dependencies(
    columns: Mapping[str, Column],
    quantities: Collection[str] = (),
    unfit: Mapping[str, pa.StringArray] = MappingProxyType({}),
) -> tuple[Dependency, ...]:
    """Find the dependencies among columns of equal length, discovered on a sample and counted on all rows.

    Args:
        columns: the columns by their names.
        quantities: the columns that measure something, which determines nothing.
        unfit: for some columns what each cell held that does not fit the type, null elsewhere.
    """
    usable = _usable(columns)
    values = {name: written_values(column, unfit.get(name)) for name, column in usable.items()}
    rules = find_rules(
        {name: column.derive(distinct).codes.astype(np.int64) for name, column in usable.items()}, quantities
    )
    corrected = correct_codes(rules, Table(usable, values, quantities))
    unreported = {name: after >= 0 for name, after in corrected.items()}
    dependencies = [_to_dependency(rule, values, corrected, unreported) for rule in rules]
    return tuple(
        dependency
        for rule, dependency in zip(rules, dependencies, strict=True)
        if rule.is_strict or dependency.corrections
    )


def _usable(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns of repeated values that are not nearly constant, those with the fewest values first."""
    sizes = {}
    for name, column in columns.items():
        counts = column.derive(distinct).counts
        if 2 <= len(counts) <= column.known / 2 and counts.max() <= MOST_CONSTANT * column.known:
            sizes[name] = len(counts)
    chosen = sorted(sizes, key=lambda name: sizes[name])[:MOST_COLUMNS]
    return {name: column for name, column in columns.items() if name in chosen}


def _to_dependency(
    rule: Rule, values: Mapping[str, WrittenValues], corrected: Mapping[str, Codes], unreported: dict[str, Mask]
) -> Dependency:
    """Describe a rule; a correction is reported only with the first rule that makes it."""
    after = corrected.get(rule.dependent, np.full(len(rule.broken), -1))
    cells = unreported.get(rule.dependent, False) & (rule.usual == after)
    corrections, reported = _corrections(rule, values, np.flatnonzero(cells))
    if len(reported):
        unreported[rule.dependent][reported] = False
    uncorrected = np.flatnonzero(rule.broken & (after < 0))
    return Dependency(
        determinant=rule.determinant,
        dependent=rule.dependent,
        rows=rule.rows,
        agreement=rule.agreement,
        violations=int(rule.broken.sum()),
        uncorrected=len(uncorrected),
        corrections=corrections,
        examples=tuple(_violations(rule, values, uncorrected[:MOST_EXAMPLES])),
    )


def _corrections(
    rule: Rule, values: Mapping[str, WrittenValues], cells: npt.NDArray[np.intp]
) -> tuple[tuple[Correction, ...], npt.NDArray[np.intp]]:
    """Return a correction for each pair of values that is corrected wherever the pair occurs, and those cells."""
    determinant, dependent = values[rule.determinant], values[rule.dependent]
    width = len(dependent.counts)
    keys = np.where((determinant.codes >= 0) & (dependent.codes >= 0), determinant.codes * width + dependent.codes, -1)
    pairs, first, counts = np.unique(keys[cells], return_index=True, return_counts=True)
    total = np.bincount(np.searchsorted(pairs, keys[np.isin(keys, pairs)]), minlength=len(pairs))
    kept = np.flatnonzero(counts == total)
    kept = kept[np.argsort(first[kept])][:MOST_CORRECTIONS]
    rows = cells[first[kept]]
    texts = (
        determinant.texts_of(determinant.codes[rows]),
        dependent.texts_of(dependent.codes[rows]),
        dependent.texts_of(rule.usual[rows]),
        counts[kept].tolist(),
    )
    corrections = tuple(
        Correction(given=given, before=before, after=after, count=amount)
        for given, before, after, amount in zip(*texts, strict=True)
    )
    return corrections, cells[np.isin(keys[cells], pairs[kept])]


def _violations(rule: Rule, values: Mapping[str, WrittenValues], cells: npt.NDArray[np.intp]) -> Iterator[Violation]:
    determinant, dependent = values[rule.determinant], values[rule.dependent]
    texts = (
        determinant.texts_of(determinant.codes[cells]),
        dependent.texts_of(dependent.codes[cells]),
        dependent.texts_of(rule.usual[cells]),
    )
    for row, given, actual, usual in zip(cells.tolist(), *texts, strict=True):
        yield Violation(row=row + 1, given=given, actual=actual, usual=usual)
