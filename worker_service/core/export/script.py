"""Recipes as Python programs that need pandas, and neither this project nor a service."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from worker_service.core.export.bundle import Bundle, bundle
from worker_service.core.export.calls import Call, calls
from worker_service.core.export.source import WIDTH, literal
from worker_service.core.export.standalone import functions
from worker_service.core.recipe.recipe import Recipe

_LONGEST_ARGUMENT = 400
"""The source of a longer argument stands behind the functions, under a name of its own."""

_PANDAS_HEAD = '''"""{title}

    python {name} uploaded.csv cleaned.csv engineered.csv

or, from Python, `cleaned, engineered = prepare(table)`, where a table comes from `read_table`: text as it is in the
file. Nothing is measured on the table: every number below was measured on the table of the recipe.
"""'''
_SKLEARN_HEAD = '''"""{title}

    from {module} import preparation, read_table

    table = read_table("january.csv")
    model = Pipeline([*preparation.steps, ("model", HistGradientBoostingClassifier())])

`preparation.transform(table)` needs no fitting: every number below was measured on the table of the recipe. It has one
part for each step of the recipe, which can be taken out. Where a step removes rows, the index tells which are left.
To keep it in a file, use skops: its parts are of this module.
"""'''


def pandas_script(recipe: Recipe) -> str:
    """Return a recipe as a program that reads a file and writes both tables.

    Raises:
        NotExportable: a step needs what no program has.
    """
    steps = calls(recipe)
    used = [*(call.function for call in steps), "read_table", "write_table", "without_notes"]
    constants: dict[str, str] = {}
    cleaning = [_statement(call, constants) for call in steps if call.is_cleaning]
    features = [_statement(call, constants) for call in steps if not call.is_cleaning]
    main = [
        "def prepare(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:",
        '    """Return the cleaned and the engineered table of an uploaded one."""',
        "    table = clean(table)",
        "    return without_notes(table), engineer(table)",
    ]
    parts = [
        _function("clean", "Return the cleaned table, with notes that `engineer` needs.", cleaning),
        _function("engineer", "Return the table for models from the cleaned one.", features),
        "\n".join(main),
    ]
    head = _PANDAS_HEAD.format(title=_title(recipe), name="prepare.py")
    return _assemble(head, bundle(functions, used), parts, constants, _MAIN.format(reading=_reading(recipe)))


_MAIN = """if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: prepare.py UPLOADED CLEANED ENGINEERED")
    results = prepare(read_table(sys.argv[1]{reading}))
    for result, path in zip(results, sys.argv[2:], strict=True):
        write_table(result, path)"""


_PART = '''class Part(FunctionTransformer):
    """A function of tables as a part of a pipeline, which knows the columns that it made last."""

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return a table after the function."""
        table = super().transform(X)
        self.columns_ = list(table.columns)
        return table

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the columns of the last table."""
        check_is_fitted(self, "columns_")
        return np.asarray(self.columns_, dtype=object)


def part(function: Any, **arguments: Any) -> Part:
    """Return a function of tables as a part of a pipeline."""
    return Part(function, kw_args=arguments)'''


def sklearn_script(recipe: Recipe) -> str:
    """Return a recipe as a module with a pipeline of scikit-learn.

    Raises:
        NotExportable: a step needs what no program has.
    """
    steps = calls(recipe)
    constants: dict[str, str] = {}
    lines: list[str] = []
    for call in steps:
        name = f"{call.number:03d}_{call.function}" if call.number else call.function
        lines += [*_comment(call, indent=12), _part(name, call, constants)]
    parts = [
        "\n".join(
            [
                "def make_preparation() -> Pipeline:",
                '    """Return the steps of the recipe as a pipeline."""',
                "    return Pipeline(",
                "        [",
                *lines,
                "        ]",
                "    )",
            ]
        ),
        _PART,
    ]
    collected = bundle(functions, [*(call.function for call in steps), "read_table"])
    more = (
        "from sklearn.pipeline import Pipeline",
        "from sklearn.preprocessing import FunctionTransformer",
        "from sklearn.utils.validation import check_is_fitted",
        "import numpy as np",
        "import pandas as pd",
        "from typing import Any",
    )
    imports = tuple({*collected.imports, *more})
    head = _SKLEARN_HEAD.format(title=_title(recipe), module="preparation")
    return _assemble(head, Bundle(imports, collected.definitions), parts, constants, "preparation = make_preparation()")


def _title(recipe: Recipe) -> str:
    return f"Prepare tables by the recipe {recipe.content_hash()[:12]} of NeuraLearn."


def _reading(recipe: Recipe) -> str:
    """Return the arguments with which the file of the recipe is read."""
    reading = recipe.contract.reading if recipe.contract is not None else None
    if reading is None:
        return ""
    values = {name: getattr(reading, name) for name in ("delimiter", "encoding", "header_row", "sheet")}
    return "".join(f", {name}={value!r}" for name, value in values.items() if value is not None)


def _assemble(head: str, collected: Bundle, parts: Sequence[str], constants: Mapping[str, str], end: str) -> str:
    imports = ["import sys", *collected.imports] if "sys.argv" in end else list(collected.imports)
    libraries = [line for line in imports if line.split()[1].startswith(_LIBRARIES)]
    standard = [line for line in imports if line not in libraries]
    blocks = [
        head,
        "\n\n".join(["from __future__ import annotations", _join_imports(standard), _join_imports(libraries)]),
        *parts,
        "# The functions of the steps.",
        *collected.definitions,
        *(["# Longer numbers and names of the steps."] if constants else []),
        *(f"{name} = {value}" for name, value in constants.items()),
        end,
    ]
    return "\n\n\n".join(blocks) + "\n"


def _join_imports(statements: Iterable[str]) -> str:
    """Return statements sorted, with one for all that comes from a module."""
    plain = sorted(line for line in statements if not line.startswith("from"))
    names: dict[str, list[str]] = {}
    for line in sorted(line for line in statements if line.startswith("from")):
        module, _, name = line.removeprefix("from ").partition(" import ")
        names.setdefault(module, []).append(name)
    return "\n".join([*plain, *(f"from {module} import {', '.join(parts)}" for module, parts in names.items())])


_LIBRARIES = ("numpy", "pandas", "scipy", "sklearn", "rapidfuzz", "pint")


def _function(name: str, purpose: str, statements: Sequence[str]) -> str:
    return "\n".join(
        [
            f"def {name}(table: pd.DataFrame) -> pd.DataFrame:",
            f'    """{purpose}"""',
            *statements,
            "    return table",
        ]
    )


def _statement(call: Call, constants: dict[str, str]) -> str:
    lines = [*_comment(call, indent=4), f"    table = {_expression(call.function, 'table', call, constants, indent=4)}"]
    return "\n".join(lines)


def _part(name: str, call: Call, constants: dict[str, str]) -> str:
    expression = _expression("part", call.function, call, constants, indent=16)
    return f'            (\n                "{name}",\n                {expression},\n            ),'


def _comment(call: Call, *, indent: int) -> Iterator[str]:
    """Yield the reason for a step as comments; whatever a name holds, it ends no comment."""
    if call.number:
        why = "".join(character if character.isprintable() else " " for character in f"{call.number}. {call.why}")
        for line in textwrap.wrap(" ".join(why.split()), WIDTH - indent - 2):
            yield f"{' ' * indent}# {line}"


def _expression(function: str, first: str, call: Call, constants: dict[str, str], *, indent: int) -> str:
    arguments = [f"{name}={_argument(name, value, call, constants, indent)}" for name, value in call.arguments.items()]
    line = f"{function}({', '.join([first, *arguments])})"
    if len(line) + indent + 8 <= WIDTH and "\n" not in line:
        return line
    space = " " * (indent + 4)
    return "".join([f"{function}(\n", *(f"{space}{part},\n" for part in [first, *arguments]), " " * indent, ")"])


def _argument(name: str, value: Any, call: Call, constants: dict[str, str], indent: int) -> str:
    text = literal(value, indent + 4, width=WIDTH - len(name) - 2)
    if len(text) <= _LONGEST_ARGUMENT or not call.number:
        return text
    constant = f"STEP_{call.number}_{name.upper()}"
    constants[constant] = literal(value, 0)
    return constant
