"""The facts about a table: what each column is and how its values lie."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.vocabulary import ChosenType
from worker_service.core.columns.column_profile import (
    ColumnHints,
    ColumnProfile,
    describe_column,
    infer_column,
    read_column,
    tidy_column,
)
from worker_service.core.imputation.benchmark import ImputationBenchmark, benchmark_imputers
from worker_service.core.imputation.predictability import predictability
from worker_service.core.relations.dependencies import Dependency, find_dependencies
from worker_service.core.relations.duplicates import DuplicateRows, find_duplicate_rows, first_of_equal_rows
from worker_service.core.relations.leakage import Leak, find_leaks
from worker_service.core.relations.missingness import Missingness, find_missingness
from worker_service.core.relations.near_duplicates import NearDuplicates, find_near_duplicates
from worker_service.core.relations.swapped_values import Swap, find_swaps
from worker_service.core.relations.target import Target, infer_target, requested_target
from worker_service.core.stats.correlation import Correlation, correlate
from worker_service.core.stats.summary import Value, ValueCount
from worker_service.core.table.frame import TIMESTAMP, Column, Frame

_DEPENDENT = ("category", "identifier", "text", "integer")


class Profile(Value):
    """The facts about a table."""

    rows: int
    duplicates: DuplicateRows
    near_duplicates: tuple[NearDuplicates, ...]
    """Rows that are nearly equal to another one."""
    dependencies: tuple[Dependency, ...]
    """Columns whose values follow from another column's; the target takes no part."""
    swaps: tuple[Swap, ...]
    """Categories whose values stand in each other's column somewhere; the target takes no part."""
    time_column: str | None
    """The first column of strictly increasing moments: the rows are in time order."""
    correlation: Correlation | None
    target: Target
    """Which column a model would predict: the one asked for, else as far as names and positions tell."""
    leaks: tuple[Leak, ...]
    """Columns that give the target away."""
    imputations: tuple[ImputationBenchmark, ...]
    """What guesses the missing numbers best."""
    missingness: tuple[Missingness, ...]
    """Columns in which it tells something that a value is missing."""
    columns: tuple[ColumnProfile, ...]

    def by_name(self) -> dict[str, ColumnProfile]:
        """Return the columns by their names."""
        return {column.name: column for column in self.columns}

    def benchmark_of(self, column: str) -> ImputationBenchmark | None:
        """Return how well the hidden cells of a column were guessed, if that was measured."""
        return next((benchmark for benchmark in self.imputations if benchmark.column == column), None)


def profile(
    frame: Frame,
    *,
    target: str | None = None,
    types: Mapping[str, ChosenType] = MappingProxyType({}),
    codes: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    synonyms: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType({}),
    units: Mapping[str, tuple[tuple[str, float], ...]] = MappingProxyType({}),
) -> Profile:
    """Read every column of a decoded table and describe it.

    Where somebody said so: `target` is the column to predict, `types` what columns are, `codes` which values of a
    column stand for missing, as canonical text, and `synonyms` which levels of a category mean which other one,
    and `units` what the numbers of each unit are multiplied by.
    """
    said = {
        name: ColumnHints(types.get(name), codes.get(name, ()), synonyms.get(name, ()), units.get(name, ()))
        for name in frame.names
    }
    columns, tidy = _describe_columns(frame, said)
    numeric = {column.name: tidy[column.name] for column in columns if column.type in ("integer", "decimal")}
    chosen = (
        infer_target(columns, partial(predictability, columns=columns, values=tidy))
        if target is None
        else requested_target(target, columns)
    )
    copies = find_duplicate_rows(tidy, {column.name: column.distinct for column in columns}, frame.rows)
    ordered = (column.name for column in columns if _in_order(column, tidy, copies))
    dependencies = _dependencies(columns, tidy, chosen)
    leaks = find_leaks(columns, tidy, chosen.column)
    time_column = next(ordered, None)
    return Profile(
        rows=frame.rows,
        duplicates=copies,
        near_duplicates=find_near_duplicates(tidy, _identifiers(columns)),
        dependencies=dependencies,
        swaps=find_swaps(_categories(columns, tidy, chosen)),
        time_column=time_column,
        correlation=correlate(numeric),
        target=chosen,
        leaks=leaks,
        imputations=benchmark_imputers(
            columns, tidy, target=chosen.column, leaks=[leak.column for leak in leaks], time_column=time_column
        ),
        missingness=find_missingness(columns, _with_words(tidy, frame, chosen), chosen.column),
        columns=tuple(_corrected(column, dependencies) for column in columns),
    )


def _describe_columns(frame: Frame, said: Mapping[str, ColumnHints]) -> tuple[list[ColumnProfile], dict[str, Column]]:
    """What each column is, and the columns as they are meant."""
    inferences = {name: infer_column(column, said[name]) for name, column in frame.columns.items()}
    typed = {name: read_column(column, inferences[name]) for name, column in frame.columns.items()}
    described = [
        describe_column(name, place, typed[name], inferences[name], said[name])
        for place, name in enumerate(frame.names, start=1)
    ]
    columns = _mark_duplicates(described, typed)
    return columns, {column.name: tidy_column(typed[column.name], column) for column in columns}


def _in_order(column: ColumnProfile, tidy: Mapping[str, Column], copies: DuplicateRows) -> bool:
    """Whether it holds moments that increase from row to row, once copies of rows are removed."""
    if column.type != "timestamp" or column.missing or not copies.removable:
        return column.type == "timestamp" and column.monotonic == "increasing"
    first = first_of_equal_rows(list(tidy.values()))
    ticks = tidy[column.name].array.cast(TIMESTAMP).view("int64").to_numpy()[first]
    return bool((ticks[1:] > ticks[:-1]).all())


def _with_words(tidy: Mapping[str, Column], frame: Frame, target: Target) -> Mapping[str, Column]:
    """The columns with the words that a target of two values is written in, which stay in every table."""
    if target.column is None or not tidy[target.column].is_boolean or not frame[target.column].is_text:
        return tidy
    known = pa.array(tidy[target.column].present())
    written = pc.if_else(known, frame[target.column].array, pa.scalar(None, pa.string()))
    return {**tidy, target.column: Column(written)}


def _mark_duplicates(columns: Sequence[ColumnProfile], typed: Mapping[str, Column]) -> list[ColumnProfile]:
    seen: dict[object, list[str]] = {}
    marked = []
    for column in columns:
        alike = seen.setdefault((column.storage, column.missing, column.distinct, column.numbers, column.text), [])
        array = typed[column.name].array
        same = next((name for name in alike if typed[name].array.equals(array)), None)
        if same is None or column.distinct < 2:
            alike.append(column.name)
            marked.append(column)
        else:
            marked.append(column.model_copy(update={"duplicate_of": same}))
    return marked


def _dependencies(
    columns: Sequence[ColumnProfile], tidy: Mapping[str, Column], target: Target
) -> tuple[Dependency, ...]:
    """The target is left out: nothing may be computed from it."""
    able = [column for column in columns if column.type in _DEPENDENT and column.duplicate_of is None]
    full = {column.name: tidy[column.name] for column in able if tidy[column.name].known > tidy[column.name].missing}
    return find_dependencies({name: column for name, column in full.items() if name != target.column})


def _identifiers(columns: Sequence[ColumnProfile]) -> frozenset[str]:
    return frozenset(column.name for column in columns if column.type == "identifier")


def _corrected(column: ColumnProfile, dependencies: Sequence[Dependency]) -> ColumnProfile:
    """The facts about the values once slips are corrected by other columns; a value that is only slips is gone."""
    fixes = [fix for rule in dependencies if rule.dependent == column.name for fix in rule.corrections]
    counts = {level.value: level.count for level in column.top_values}
    if not fixes or any(text not in counts for fix in fixes for text in (fix.before, fix.after)):
        return column
    for fix in fixes:
        counts[fix.before] -= fix.count
        counts[fix.after] += fix.count
    left = [ValueCount(value=text, count=amount) for text, amount in counts.items() if amount]
    left.sort(key=lambda level: -level.count)
    gone = len(counts) - len(left)
    return column.model_copy(update={"top_values": tuple(left), "distinct": column.distinct - gone})


def _categories(columns: Sequence[ColumnProfile], tidy: Mapping[str, Column], target: Target) -> dict[str, Column]:
    found = (column.name for column in columns if column.type == "category" and column.duplicate_of is None)
    return {name: tidy[name] for name in found if name != target.column}
