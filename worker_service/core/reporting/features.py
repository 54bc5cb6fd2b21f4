"""The features of the engineered table, and the columns that each is computed from."""

from typing import Literal

from shared.contracts.vocabulary import ColumnType
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.relations.target import Target
from worker_service.core.value import Value

Role = Literal["feature", "target", "identifier", "constant", "text", "sparse", "duplicate", "ignored"]

_UNUSED: dict[ColumnType, Role] = {
    "identifier": "identifier",
    "constant": "constant",
    "text": "text",
    "empty": "sparse",
}


class InputFeature(Value):
    """A column of the decoded table."""

    name: str
    type: ColumnType
    role: Role
    missing: int
    distinct: int


class OutputFeature(Value):
    """A column of the engineered table."""

    name: str
    type: str
    """The storage type, such as `double`."""
    sources: tuple[str, ...]
    """The columns of the decoded table that it is computed from."""
    why: str
    """The sentences of the steps that computed it."""


class FeatureManifest(Value):
    """The input features, the output features, and the target."""

    target: Target
    input_features: tuple[InputFeature, ...]
    output_features: tuple[OutputFeature, ...]


def feature_manifest(profile: Profile, recipe: Recipe, outcome: Outcome) -> FeatureManifest:
    """Trace every column of the engineered table back to the decoded one."""
    sources, sentences = _trace(outcome)
    engineered = outcome.engineered
    return FeatureManifest(
        target=recipe.target,
        input_features=tuple(_input(column, recipe, outcome) for column in profile.columns),
        output_features=tuple(
            OutputFeature(
                name=name,
                type=str(engineered[name].type),
                sources=sources[name],
                why=" ".join(sentences[name]) or "Taken over from the cleaned table as it is.",
            )
            for name in engineered.names
        ),
    )


def _trace(outcome: Outcome) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return for each column its source columns, and the sentences of the steps that changed its values."""
    sources: dict[str, tuple[str, ...]] = {name: (name,) for name in outcome.typed.names}
    sentences: dict[str, tuple[str, ...]] = dict.fromkeys(sources, ())
    for result in outcome.results:
        changes_values = result.kind != "read_column" and (result.cells_changed or result.outputs)
        if result.state != "applied" or not changes_values:
            continue
        # A step without outputs changes its first column; the others only provide values for its missing cells.
        inputs = result.columns if result.outputs else result.columns[:1]
        input_sources = tuple(dict.fromkeys(source for name in inputs for source in sources[name]))
        for name in result.outputs or inputs:
            earlier = tuple(dict.fromkeys(sentence for column in inputs for sentence in sentences[column]))
            sources[name], sentences[name] = input_sources, (*earlier, result.what)
    return sources, sentences


def _input(column: ColumnProfile, recipe: Recipe, outcome: Outcome) -> InputFeature:
    return InputFeature(
        name=column.name,
        type=column.type,
        role=_role(column, recipe, outcome),
        missing=column.missing,
        distinct=column.distinct,
    )


def _role(column: ColumnProfile, recipe: Recipe, outcome: Outcome) -> Role:
    if column.name == recipe.target.column:
        return "target"
    dropped = {
        name: result.rule for result in outcome.results if result.kind == "drop_column" for name in result.columns
    }
    if column.name not in dropped:
        return "feature"
    if dropped[column.name] in ("role", "user"):
        return "ignored"
    if column.duplicate_of is not None:
        return "duplicate"
    return "sparse" if dropped[column.name] == "unused_sparse" else _UNUSED.get(column.type, "feature")
