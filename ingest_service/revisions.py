"""The use case that changes the recipe of a prepared dataset and carries it out once more."""

from uuid import UUID

from ingest_service.datasets import not_ended
from ingest_service.due_notifier import DueNotifier
from ingest_service.recipes import CheckRecipe
from shared.contracts.artifacts import RECIPE
from shared.contracts.revision import RevisionRequest, check_rows, edit_recipe, propose_anew, revise
from shared.contracts.vocabulary import ENDED_STATES
from shared.db.datasets import DatasetRecord, Datasets
from shared.db.published import require_published
from shared.db.usage import Usage
from shared.errors import Conflict
from shared.identity.caller import Caller
from shared.logs import get_logger
from shared.queue import queue_of
from shared.storage import ObjectStore

_log = get_logger("ingest")


class Revisions:
    """Queues revisions."""

    def __init__(
        self,
        *,
        datasets: Datasets,
        store: ObjectStore,
        usage: Usage,
        notifier: DueNotifier,
        check_recipe: CheckRecipe,
    ) -> None:
        self._datasets = datasets
        self._store = store
        self._usage = usage
        self._notifier = notifier
        self._check_recipe = check_recipe

    async def revise(self, dataset_id: UUID, request: RevisionRequest, caller: Caller) -> DatasetRecord:
        """Carry the recipe of a prepared dataset out once more, with other steps switched off or other parameters.

        Where columns become something else, a recipe is proposed anew.

        Raises:
            NotReady, Conflict: the dataset has no result, is being prepared, or its recipe is another by now.
            InvalidInput: a step, column, rule or parameter does not exist or does not fit, or nothing would change.
        """
        record = await self._datasets.get(dataset_id)
        artifacts = require_published(record).artifacts
        if record.run.state not in ENDED_STATES:
            raise not_ended(dataset_id)
        key = f"{artifacts}/{RECIPE}"
        if request.etag and request.etag != (await self._store.stat(key)).etag:
            raise Conflict(
                "The recipe has changed since you read it; read it again.",
                reason="RECIPE_CHANGED",
                metadata={"dataset_id": str(dataset_id)},
            )
        check_rows(request.cells, rows=record.rows)
        recipe, published = await self._store.read_bytes(key), record.run.options
        if request.proposes_anew:
            options = propose_anew(request, recipe, published, artifacts=artifacts)
        else:
            revision = revise(request, recipe, published, artifacts=artifacts)
            if request.parameters or request.added:
                added = revision.added[len(revision.added) - len(request.added) :]
                await self._check_recipe(edit_recipe(recipe, revision, added))
            options = published.model_copy(update={"revision": revision, "mode": "fast"})
        options, queue = options.model_copy(update={"author": caller.user_id}), queue_of(options.mode)
        if not await self._datasets.prepare_again(record, self._usage, options=options, queue=queue):
            raise not_ended(dataset_id)
        _log.info("dataset revised", dataset_id=str(dataset_id), proposed_anew=request.proposes_anew)
        self._notifier.notify_soon(record.run.id)
        return await self._datasets.get(dataset_id)
