"""The profile of a table: the type and statistics of each column, and relations between columns and rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.column_names import match_name
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
from worker_service.core.parsing import Inference, read
from worker_service.core.parsing.spec import AnyReadAs
from worker_service.core.relations.dependencies import Dependency, find_dependencies
from worker_service.core.relations.duplicates import DuplicateRows, find_duplicate_rows, first_of_equal_rows
from worker_service.core.relations.formulas import FormulaFacts, find_formulas
from worker_service.core.relations.leakage import Leak, find_leaks
from worker_service.core.relations.missingness import Missingness, find_missingness
from worker_service.core.relations.moment_order import MomentOrder, find_moment_orders
from worker_service.core.relations.near_duplicates import NearDuplicates, find_near_duplicates
from worker_service.core.relations.structural_gaps import StructuralGap, find_structural_gaps
from worker_service.core.relations.survey_answers import find_batteries
from worker_service.core.relations.swapped_values import Swap, find_swaps
from worker_service.core.relations.target import Target, infer_target, requested_target
from worker_service.core.stats.correlation import Correlation, correlate
from worker_service.core.stats.summary import ValueCount
from worker_service.core.table.frame import TIMESTAMP, Column, Frame
from worker_service.core.value import Value

_NEARLY_UNIQUE = 0.9
_DEPENDENT = ("category", "identifier", "text", "integer")


class Profile(Value):
    """The facts about a table."""

    rows: int
    duplicates: DuplicateRows
    near_duplicates: tuple[NearDuplicates, ...]
    """Rows that are nearly equal to an earlier one."""
    dependencies: tuple[Dependency, ...]
    """Columns that another column determines; the target is left out."""
    formulas: tuple[FormulaFacts, ...] = ()
    """Sums and products among columns of numbers; the target is left out."""
    swaps: tuple[Swap, ...]
    """Categories whose values are swapped in some rows; the target is left out."""
    moment_orders: tuple[MomentOrder, ...] = ()
    """Columns of moments that follow each other, except in a few rows."""
    time_column: str | None
    """The first column of strictly increasing timestamps: the rows are in time order."""
    correlation: Correlation | None
    target: Target
    """The column that a model would predict: the requested one, else inferred from names and values."""
    leaks: tuple[Leak, ...]
    """Columns that give the target away."""
    imputations: tuple[ImputationBenchmark, ...]
    """The benchmarks of imputation methods for the columns with missing cells."""
    missingness: tuple[Missingness, ...]
    """Columns whose missing values depend on another column, or are refusals to answer."""
    structural_gaps: tuple[StructuralGap, ...]
    """Columns whose missing values follow from another column or the order of the rows."""
    batteries: tuple[tuple[str, ...], ...]
    """Groups of columns with the same few answers, as the questions of a survey."""
    columns: tuple[ColumnProfile, ...]

    def by_name(self) -> dict[str, ColumnProfile]:
        """Return the columns by their names."""
        return {column.name: column for column in self.columns}

    def benchmark_of(self, column: str) -> ImputationBenchmark | None:
        """Return the imputation benchmark of a column, if there is one."""
        return next((benchmark for benchmark in self.imputations if benchmark.column == column), None)


def profile(
    frame: Frame,
    *,
    target: str | None = None,
    types: Mapping[str, ChosenType] = MappingProxyType({}),
    hints: Mapping[str, ColumnHints] = MappingProxyType({}),
    ignored: Collection[str] = (),
) -> Profile:
    """Read every column of a decoded table as its type and describe the table.

    Args:
        frame: the decoded table.
        target: the requested column to predict; None to infer it.
        types: the requested types of columns, by name.
        hints: what else is known of columns, by name; the types outrank theirs.
        ignored: the columns that no relation to others is looked for in.
    """
    types = {match_name(name, frame.names) or name: kind for name, kind in types.items()}
    by_name = {name: hints.get(name, ColumnHints()) for name in frame.names}
    by_name = {name: replace(hint, type=types.get(name, hint.type)) for name, hint in by_name.items()}
    described, tidy = _describe_columns(frame, by_name)
    columns = [column for column in described if column.name not in ignored]
    numeric = {column.name: tidy[column.name] for column in columns if column.type in ("integer", "decimal")}
    chosen_target = (
        infer_target(columns, partial(predictability, columns=columns, values=tidy), rows=frame.rows)
        if target is None
        else requested_target(target, columns)
    )
    duplicates = find_duplicate_rows(tidy, {column.name: column.distinct for column in described}, frame.rows)
    time_columns = (column.name for column in columns if _is_in_time_order(column, tidy, duplicates))
    dependencies = _dependencies(columns, tidy, chosen_target, frame)
    leaks = find_leaks(columns, tidy, chosen_target.column)
    time_column = next(time_columns, None)
    return Profile(
        rows=frame.rows,
        duplicates=duplicates,
        near_duplicates=find_near_duplicates(tidy, _identifiers(columns), _contacts(columns)),
        dependencies=dependencies,
        formulas=_formulas(columns, tidy, chosen_target),
        swaps=find_swaps(_categories(columns, tidy, chosen_target)),
        moment_orders=find_moment_orders({column.name: tidy[column.name] for column in columns}),
        time_column=time_column,
        correlation=correlate(numeric),
        target=chosen_target,
        leaks=leaks,
        imputations=benchmark_imputers(
            columns,
            tidy,
            target=chosen_target.column,
            leaks=[*(leak.column for leak in leaks), *chosen_target.unsure],
            time_column=time_column,
        ),
        structural_gaps=find_structural_gaps(columns, tidy),
        batteries=find_batteries(columns),
        missingness=find_missingness(columns, _with_original_words(tidy, frame, chosen_target), chosen_target.column),
        columns=tuple(_with_corrections(column, dependencies) for column in described),
    )


def describe_as_read(
    frame: Frame, *, target: Target, read_as: Mapping[str, AnyReadAs], hints: Mapping[str, ColumnHints]
) -> Profile:
    """Describe a decoded table whose columns are read as a recipe says, without relations that steps are proposed by.

    Args:
        frame: the decoded table.
        target: the target of the recipe.
        read_as: how each column is read; the others stay as they are.
        hints: what is known of columns, by name.
    """
    inferences = {name: _recipe_reading(column, read_as.get(name)) for name, column in frame.columns.items()}
    columns, tidy = _describe_inferred(
        frame, inferences, {name: hints.get(name, ColumnHints()) for name in frame.names}
    )
    has_target = target.column is None or target.column in frame
    return Profile(
        rows=frame.rows,
        duplicates=find_duplicate_rows(tidy, {column.name: column.distinct for column in columns}, frame.rows),
        near_duplicates=(),
        dependencies=(),
        swaps=(),
        time_column=None,
        correlation=correlate({column.name: tidy[column.name] for column in columns if column.numbers is not None}),
        target=target if has_target else Target(column=None, confidence=0.0, why="The table lacks the target."),
        leaks=(),
        imputations=(),
        missingness=(),
        structural_gaps=(),
        batteries=(),
        columns=tuple(columns),
    )


def _recipe_reading(column: Column, spec: AnyReadAs | None) -> Inference:
    if spec is None:
        return Inference(None, "The recipe takes the cells as they are.")
    reading = column.derive(read, spec)
    return Inference(spec, "The recipe reads it so.", reading.invalid, reading.examples)


def _describe_columns(frame: Frame, hints: Mapping[str, ColumnHints]) -> tuple[list[ColumnProfile], dict[str, Column]]:
    """Return the profile of each column and its tidy values.

    Tidy values are read as their type, without sentinels, decimal shifts and spelling variants.
    """
    inferences = {name: infer_column(column, hints[name]) for name, column in frame.columns.items()}
    return _describe_inferred(frame, inferences, hints)


def _describe_inferred(
    frame: Frame, inferences: Mapping[str, Inference], hints: Mapping[str, ColumnHints]
) -> tuple[list[ColumnProfile], dict[str, Column]]:
    typed = {name: read_column(column, inferences[name]) for name, column in frame.columns.items()}
    numbers = {name: column for name, column in typed.items() if column.is_number}
    described = [
        describe_column(name, position, typed[name], inferences[name], hints[name], _without(numbers, name))
        for position, name in enumerate(frame.names, start=1)
    ]
    columns = _mark_duplicates(described, typed)
    return columns, {column.name: tidy_column(typed[column.name], column) for column in columns}


def _without(columns: Mapping[str, Column], name: str) -> dict[str, Column]:
    return {other: column for other, column in columns.items() if other != name}


def _is_in_time_order(column: ColumnProfile, tidy: Mapping[str, Column], duplicates: DuplicateRows) -> bool:
    """Return True if a column holds timestamps that increase strictly, once duplicate rows are removed."""
    if column.type != "timestamp" or column.missing or not duplicates.removable:
        return column.type == "timestamp" and column.monotonic == "increasing"
    first = first_of_equal_rows(list(tidy.values()))
    ticks = tidy[column.name].array.cast(TIMESTAMP).view("int64").to_numpy()[first]
    return bool((ticks[1:] > ticks[:-1]).all())


def _with_original_words(tidy: Mapping[str, Column], frame: Frame, target: Target) -> Mapping[str, Column]:
    """Return the columns, a boolean target as the words of the file, which it keeps in every table."""
    if target.column is None or not tidy[target.column].is_boolean or not frame[target.column].is_text:
        return tidy
    known = pa.array(tidy[target.column].present())
    written = pc.if_else(known, frame[target.column].array, pa.scalar(None, pa.string()))
    return {**tidy, target.column: Column(written)}


def _mark_duplicates(columns: Sequence[ColumnProfile], typed: Mapping[str, Column]) -> list[ColumnProfile]:
    """Return the columns with `duplicate_of` set where an earlier column has the same values."""
    by_facts: dict[object, list[str]] = {}
    marked = []
    for column in columns:
        candidates = by_facts.setdefault(
            (column.storage, column.missing, column.distinct, column.numbers, column.text), []
        )
        array = typed[column.name].array
        same = next((name for name in candidates if typed[name].array.equals(array)), None)
        if same is None or column.distinct < 2:
            candidates.append(column.name)
            marked.append(column)
        else:
            marked.append(column.model_copy(update={"duplicate_of": same}))
    return marked


def _dependencies(
    columns: Sequence[ColumnProfile], tidy: Mapping[str, Column], target: Target, frame: Frame
) -> tuple[Dependency, ...]:
    """Find the dependencies; the target is left out, because nothing may be computed from it.

    Args:
        columns: the facts about the columns.
        tidy: their values.
        target: the target.
        frame: the decoded table, which holds what does not fit the types.
    """
    eligible = [column for column in columns if column.type in _DEPENDENT and column.duplicate_of is None]
    mostly_known = {
        column.name: tidy[column.name] for column in eligible if tidy[column.name].known > tidy[column.name].missing
    }
    candidates = {name: column for name, column in mostly_known.items() if name != target.column}
    quantities = {column.name for column in eligible if column.is_quantity}
    unfit = {column.name: _unfit_texts(column, frame) for column in eligible if column.invalid}
    return find_dependencies(candidates, quantities, unfit)


def _formulas(columns: Sequence[ColumnProfile], tidy: Mapping[str, Column], target: Target) -> tuple[FormulaFacts, ...]:
    """Find the sums and products; the target is left out, because nothing may be computed from it."""
    decimals = {
        column.name: column.numbers.decimals
        for column in columns
        if column.numbers is not None and column.numbers.decimals is not None and column.duplicate_of is None
    }
    candidates = {name: tidy[name] for name in decimals if name != target.column}
    return find_formulas(candidates, decimals)


def _unfit_texts(column: ColumnProfile, frame: Frame) -> pa.StringArray:
    """Return what each cell of a column held that does not fit its type, null elsewhere."""
    cells = None if column.read_as is None else frame[column.name].derive(read, column.read_as).unfit
    return (
        pa.nulls(frame.rows, pa.string())
        if cells is None
        else frame.with_unfit(column.name, cells).unfit_texts(column.name)
    )


def _identifiers(columns: Sequence[ColumnProfile]) -> frozenset[str]:
    return frozenset(column.name for column in columns if column.type == "identifier")


def _contacts(columns: Sequence[ColumnProfile]) -> frozenset[str]:
    """Return the columns of e-mail addresses or telephone numbers that hardly ever repeat."""
    return frozenset(
        column.name
        for column in columns
        if column.semantic_type is not None
        and column.semantic_type.name in ("email", "phone")
        and column.distinct >= _NEARLY_UNIQUE * column.semantic_type.cells
    )


def _with_corrections(column: ColumnProfile, dependencies: Sequence[Dependency]) -> ColumnProfile:
    """Return the column with the counts of its values after the corrections of typos."""
    corrections = [
        correction for rule in dependencies if rule.dependent == column.name for correction in rule.corrections
    ]
    counts = {level.value: level.count for level in column.top_values}
    if not corrections or any(
        text not in counts for correction in corrections for text in (correction.before, correction.after)
    ):
        return column
    for correction in corrections:
        counts[correction.before] -= correction.count
        counts[correction.after] += correction.count
    remaining = [ValueCount(value=text, count=amount) for text, amount in counts.items() if amount]
    remaining.sort(key=lambda level: -level.count)
    removed = len(counts) - len(remaining)
    return column.model_copy(update={"top_values": tuple(remaining), "distinct": column.distinct - removed})


def _categories(columns: Sequence[ColumnProfile], tidy: Mapping[str, Column], target: Target) -> dict[str, Column]:
    names = (column.name for column in columns if column.type == "category" and column.duplicate_of is None)
    return {name: tidy[name] for name in names if name != target.column}
