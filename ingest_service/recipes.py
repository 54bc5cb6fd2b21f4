"""Recipes that are repeated on an upload, and those that users store under names."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from ingest_service.options import UploadOptions
from ingest_service.repeated_recipe import RepeatedRecipe
from shared.contracts.artifacts import MAX_RECIPE_BYTES, RECIPE
from shared.db.dataset_ids import parse_dataset_id
from shared.db.datasets import Datasets
from shared.db.members import Members
from shared.db.paging import Page
from shared.db.published import require_published
from shared.db.recipes import NewRecipe, RecipeRecord, Recipes, parse_recipe_id
from shared.errors import TooLarge
from shared.identity.caller import Caller
from shared.logs import get_logger
from shared.storage import ObjectStore

CheckRecipe = Callable[[bytes], Awaitable[None]]
"""A function that asks PipelineService whether a document is a recipe that can be repeated."""
_log = get_logger("ingest")


class RecipeShelf:
    """The use cases of recipes."""

    def __init__(
        self, *, recipes: Recipes, datasets: Datasets, members: Members, store: ObjectStore, check_recipe: CheckRecipe
    ) -> None:
        self._recipes = recipes
        self._datasets = datasets
        self._members = members
        self._store = store
        self._check_recipe = check_recipe

    async def find(self, options: UploadOptions, caller: Caller) -> RepeatedRecipe | None:
        """Return the recipe that an upload repeats; None where it gets one of its own.

        Raises:
            NotFound: there is no such dataset or recipe, or the caller may not see it.
            NotReady, Conflict: the dataset has no result.
            InvalidInput: the recipe can't be repeated.
        """
        if options.run.recipe_of is not None:
            return RepeatedRecipe.of(await self._read_of_dataset(parse_dataset_id(options.run.recipe_of), caller))
        if options.recipe_content is not None:
            await self._check_recipe(options.recipe_content)
            return RepeatedRecipe.of(options.recipe_content)
        if options.run.recipe is not None:
            caller.require_scope("read")
            return RepeatedRecipe.of((await self._recipes.get(parse_recipe_id(options.run.recipe), caller))[1])
        return None

    async def create(self, caller: Caller, *, user_id: str, name: str, source: str | bytes) -> RecipeRecord:
        """Store a recipe under a name.

        Args:
            caller: who stores it.
            user_id: who will own it.
            name: what it is called.
            source: the id of a dataset, or the recipe as JSON.

        Raises:
            NotFound, NotReady, Conflict: the dataset has no recipe that the caller may see.
            InvalidInput: the recipe can't be repeated.
            LimitExceeded: the user keeps too many.
        """
        dataset_id = parse_dataset_id(source) if isinstance(source, str) else None
        content = source if isinstance(source, bytes) else await self._read_of_dataset(parse_dataset_id(source), caller)
        if len(content) > MAX_RECIPE_BYTES:
            raise TooLarge(
                f"The recipe has {len(content):,} bytes; at most {MAX_RECIPE_BYTES:,} can be kept.",
                reason="RECIPE_TOO_LARGE",
            )
        await self._check_recipe(content)
        record = await self._recipes.create(
            NewRecipe(user_id=user_id, name=name, dataset_id=dataset_id, content=content)
        )
        _log.info("recipe stored", recipe_id=str(record.id), version=record.version)
        return record

    async def list(self, *, user_id: str, name: str, page_size: int, page_token: str) -> Page[RecipeRecord]:
        """Return a page of the recipes of a user, newest first."""
        return await self._recipes.list(user_id=user_id, name=name, page_size=page_size, page_token=page_token)

    async def get(self, recipe_id: str, caller: Caller) -> tuple[RecipeRecord, bytes]:
        """Return a recipe and its JSON."""
        return await self._recipes.get(parse_recipe_id(recipe_id), caller)

    async def delete(self, recipe_id: str, caller: Caller) -> None:
        """Remove a recipe; datasets that were prepared by it keep theirs."""
        await self._recipes.delete(parse_recipe_id(recipe_id), caller)
        _log.info("recipe deleted", recipe_id=recipe_id)

    async def _read_of_dataset(self, dataset_id: UUID, caller: Caller) -> bytes:
        await self._members.require_access(caller, dataset_id)
        published = require_published(await self._datasets.get(dataset_id))
        return await self._store.read_bytes(f"{published.artifacts}/{RECIPE}")
