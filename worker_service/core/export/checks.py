"""Recipes as checks of pandera, a Python module with a schema of each table."""

from collections.abc import Collection, Iterable, Sequence

from worker_service.core.export.expectations import ColumnExpectation, expect_cleaned, expect_engineered
from worker_service.core.export.source import WIDTH, literal
from worker_service.core.recipe.recipe import Recipe

_HEAD = '''"""Check tables that were prepared by the recipe {recipe} of NeuraLearn.

    from checks import cleaned, engineered

    cleaned.validate(pd.read_parquet("cleaned.parquet"))
    engineered.validate(pd.read_parquet("engineered.parquet"))

Ranges and levels are those of the recipe's own table. Where its contract says `evolve`, other values are a warning.
"""

import pandera.pandas as pa'''


def pandera_module(recipe: Recipe, kept_columns: Collection[str] = ()) -> str:
    """Return the checks; the arguments are those of `expect_cleaned`.

    Raises:
        ContractBroken: the recipe is not settled.
    """
    tables = {"cleaned": expect_cleaned(recipe, kept_columns), "engineered": expect_engineered(recipe)}
    schemas = [_schema(name, columns) for name, columns in tables.items()]
    return "\n\n".join([_HEAD.format(recipe=recipe.content_hash()[:12]), *schemas]) + "\n"


def _schema(name: str, columns: Iterable[ColumnExpectation]) -> str:
    lines = [f"        {column.name!r}: {_column(column)}," for column in columns]
    return "\n".join(
        [
            f"{name} = pa.DataFrameSchema(",
            "    {",
            *lines,
            "    },",
            f"    name={name!r},",
            "    strict=True,",
            ")",
        ]
    )


def _column(column: ColumnExpectation) -> str:
    warns = ["raise_warning=True"] if column.mode == "evolve" else []
    checks = []
    if column.levels is not None:
        checks.append(_call("pa.Check.isin", [literal(list(column.levels), 20), *warns], indent=16))
    if column.minimum is not None and column.maximum is not None:
        ends = [repr(int(end) if column.type == "int64" else end) for end in (column.minimum, column.maximum)]
        checks.append(_call("pa.Check.in_range", [*ends, *warns], indent=16))
    arguments = [_dtype(column), *([f"[{', '.join(checks)}]"] if checks else [])]
    if not column.is_required:
        arguments.append("nullable=True")
        # pandas reads whole numbers with gaps as floating-point ones, and true and false with gaps as objects.
        arguments += ["coerce=True"] if column.type == "bool" or column.type.startswith("int") else []
    if column.is_unique:
        arguments.append("unique=True")
    return _call("pa.Column", arguments, indent=8)


def _call(function: str, arguments: Sequence[str], *, indent: int) -> str:
    line = f"{function}({', '.join(arguments)})"
    if len(line) + indent <= WIDTH and "\n" not in line:
        return line
    space = " " * indent
    return "".join([f"{function}(\n", *(f"{space}    {argument},\n" for argument in arguments), space, ")"])


def _dtype(column: ColumnExpectation) -> str:
    if column.type.startswith("timestamp"):
        return repr("datetime64[us, UTC]" if "tz=" in column.type else "datetime64[us]")
    kinds = {"string": "str", "double": "float64"}
    if column.type == "bool":
        return repr("bool" if column.is_required else "boolean")
    return repr(kinds.get(column.type) or (column.type if column.is_required else column.type.capitalize()))
