"""What a model gets, and where each of its columns comes from."""

from typing import Literal

from shared.contracts.vocabulary import ColumnType
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.relations.target import Target
from worker_service.core.stats.summary import Value

Role = Literal["feature", "target", "identifier", "constant", "text", "sparse", "duplicate"]

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
    """Its storage type, such as `double`."""
    sources: tuple[str, ...]
    """The columns of the decoded table it is computed from."""
    why: str
    """In words, every step on the way."""


class FeatureManifest(Value):
    """The columns that went in, those that came out, and what is to be predicted."""

    target: Target
    input_features: tuple[InputFeature, ...]
    output_features: tuple[OutputFeature, ...]


def feature_manifest(profile: Profile, recipe: Recipe, outcome: Outcome) -> FeatureManifest:
    """Trace every column of the engineered table back to the decoded one."""
    sources, ways = _trace(outcome)
    engineered = outcome.engineered
    return FeatureManifest(
        target=recipe.target,
        input_features=tuple(_input(column, recipe, outcome) for column in profile.columns),
        output_features=tuple(
            OutputFeature(
                name=name,
                type=str(engineered[name].type),
                sources=sources[name],
                why=" ".join(ways[name]) or "Taken over from the cleaned table as it is.",
            )
            for name in engineered.names
        ),
    )


def _trace(outcome: Outcome) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    sources: dict[str, tuple[str, ...]] = {name: (name,) for name in outcome.typed.names}
    ways: dict[str, tuple[str, ...]] = dict.fromkeys(sources, ())
    for result in outcome.results:
        changes_values = result.kind != "read_column" and (result.cells_changed or result.outputs)
        if result.state != "applied" or not changes_values:
            continue
        # A step without outputs changes its first column; the others it looks at lend their values to the gaps only.
        looked_at = result.columns if result.outputs else result.columns[:1]
        past = tuple(dict.fromkeys(source for name in looked_at for source in sources[name]))
        for name in result.outputs or looked_at:
            earlier = tuple(dict.fromkeys(way for column in looked_at for way in ways[column]))
            sources[name], ways[name] = past, (*earlier, result.what)
    return sources, ways


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
    if column.name not in outcome.cleaned:
        return "sparse"
    dropped = {name for result in outcome.results if result.kind == "drop_column" for name in result.columns}
    if column.duplicate_of is not None and column.name in dropped:
        return "duplicate"
    return _UNUSED.get(column.type, "feature") if column.name in dropped else "feature"
