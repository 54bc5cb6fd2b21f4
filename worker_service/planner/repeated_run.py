"""A preparation that repeats a recipe instead of proposing one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from shared.contracts.column_names import match_name
from shared.contracts.run_options import ALL_COLUMNS, Revision
from shared.contracts.run_result import StepResult
from shared.contracts.vocabulary import ContractMode
from shared.errors import InvalidInput
from worker_service.core.columns.column_profile import ColumnHints
from worker_service.core.drift.drift import ColumnDrift
from worker_service.core.drift.report import Drift, report_drift
from worker_service.core.humanize import count, examples, plural_verb, quoted
from worker_service.core.profile import Profile, describe_as_read
from worker_service.core.recipe.apply import Outcome, hide_columns
from worker_service.core.recipe.contract import ContractBroken, conform, require_contract
from worker_service.core.recipe.recipe import Contract, OutputColumn, Recipe, describe_invalid
from worker_service.core.recipe.replay import further_result, replay, with_revision
from worker_service.core.recipe.steps import HidePersonalData, ReadColumn
from worker_service.core.table.frame import Frame

_BY_LEVEL = ("one_hot", "label_encode", "frequency_encode")


@dataclass(frozen=True, eq=False)
class RepeatedRun:
    """What a recipe made of another table."""

    facts: Profile
    """The table as the recipe reads it."""
    outcome: Outcome
    drift: Drift


def repeat_recipe(
    document: str | bytes,
    decoded: Frame,
    *,
    modes: Mapping[str, ContractMode],
    hash_key: bytes | None,
    revision: Revision | None = None,
) -> RepeatedRun:
    """Repeat a recipe on a decoded table.

    Args:
        document: the recipe as JSON.
        decoded: the table.
        modes: what the uploader chose for columns that disagree with the contract; it outranks the recipe's own.
        hash_key: the secret of the dataset's owner, which steps that hash need.
        revision: what is switched off or set; None for nothing.

    Raises:
        InvalidInput: the document is no settled recipe, or the table breaks its contract.
    """
    try:
        recipe = with_choices(parse_recipe(document), modes=modes, revision=revision)
        kept_cells = () if revision is None else revision.cells
        outcome = replay(recipe, decoded, hash_key=hash_key, kept_cells=kept_cells)
        conformed = conform(decoded, recipe)
    except ContractBroken as error:
        raise InvalidInput(str(error), reason=error.reason) from None
    steps = [step for step in recipe.steps if step.is_active]
    hiding = [step for step in steps if isinstance(step, HidePersonalData)]
    facts = describe_as_read(
        hide_columns(conformed, [step for step in hiding if step.column in conformed], hash_key=hash_key),
        target=recipe.target,
        read_as={step.column: step.read_as for step in steps if isinstance(step, ReadColumn)},
        hints={step.column: ColumnHints(personal_data=step.personal_data, privacy=step.method) for step in hiding},
    )
    if revision is not None:
        outcome = _with_outputs(outcome)
    drift = report_drift(recipe, decoded, outcome)
    return RepeatedRun(facts=facts, outcome=_with_new_levels(outcome, drift), drift=drift)


def _with_new_levels(outcome: Outcome, drift: Drift) -> Outcome:
    """Return an outcome whose results tell of levels that no step knows."""
    last = max((result.step for result in outcome.results), default=0)
    by_level = [step for step in outcome.recipe.steps if step.is_active and step.kind in _BY_LEVEL]
    encoded = {name for step in by_level for name in step.columns}
    new = [column for column in drift.columns if column.new_levels and column.column in encoded]
    results = [replace(_new_levels_result(column), step=last + number) for number, column in enumerate(new, start=1)]
    return replace(outcome, results=(*outcome.results, *results))


def _new_levels_result(column: ColumnDrift) -> StepResult:
    cells = sum(level.count for level in column.new_levels)
    values = examples([level.value for level in column.new_levels], of=len(column.new_levels))
    why = (
        f"{count(cells, 'cell')} of {quoted(column.column)} {plural_verb(cells, 'holds', 'hold')} values that the "
        f"recipe does not know ({values}); no column of a level stands for them."
    )
    result = further_result("unknown_levels", (column.column,), what="", why=why)
    return replace(result, kind="flag", phase="features", state="flagged")


def with_choices(recipe: Recipe, *, modes: Mapping[str, ContractMode], revision: Revision | None) -> Recipe:
    """Return a recipe as an uploader wants it repeated; the arguments are those of `repeat_recipe`.

    Raises:
        ContractBroken: the recipe is not settled.
    """
    revised = recipe if revision is None else with_revision(recipe, revision)
    return revised.model_copy(update={"contract": _with_modes(require_contract(revised), modes)})


def _with_outputs(outcome: Outcome) -> Outcome:
    """Return an outcome whose contract names the columns that are left where steps are switched off."""
    contract = require_contract(outcome.recipe)
    fills = {column.name: column.fill for column in contract.engineered}
    cleaned = tuple(OutputColumn(name=name, type=str(column.type)) for name, column in outcome.cleaned.columns.items())
    engineered = tuple(
        OutputColumn(name=name, type=str(column.type), fill=fills.get(name))
        for name, column in outcome.engineered.columns.items()
    )
    left = contract.model_copy(update={"cleaned": cleaned, "engineered": engineered})
    return replace(outcome, recipe=outcome.recipe.model_copy(update={"contract": left}))


def parse_recipe(document: str | bytes) -> Recipe:
    """Return a recipe from JSON.

    Raises:
        InvalidInput: it is none; the message names the first field that is wrong.
    """
    try:
        return Recipe.model_validate_json(document)
    except ValidationError as error:
        raise InvalidInput(f"This is no recipe: {describe_invalid(error)}.", reason="RECIPE_INVALID") from None


def parse_settled_recipe(document: str | bytes) -> Recipe:
    """Return a recipe that can be repeated from JSON.

    Raises:
        InvalidInput: it is none, or can't be repeated.
    """
    recipe = parse_recipe(document)
    try:
        require_contract(recipe)
    except ContractBroken as error:
        raise InvalidInput(str(error), reason=error.reason) from None
    return recipe


def _with_modes(contract: Contract, modes: Mapping[str, ContractMode]) -> Contract:
    names = [column.name for column in contract.input]
    by_name = {match_name(name, names): mode for name, mode in modes.items()}
    default = modes.get(ALL_COLUMNS)
    columns = tuple(
        column.model_copy(update={"mode": by_name.get(column.name, default or column.mode)})
        for column in contract.input
    )
    return contract.model_copy(update={"input": columns, "unknown_columns": default or contract.unknown_columns})
