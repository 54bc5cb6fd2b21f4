"""The use cases of IngestService together, as its servicer takes them."""

from dataclasses import dataclass

from ingest_service.collaborations import Collaborations
from ingest_service.comments import DatasetComments
from ingest_service.datasets import AcceptedDatasets
from ingest_service.intake import Intake
from ingest_service.previews import Previews
from ingest_service.recipes import RecipeShelf
from ingest_service.revisions import Revisions
from ingest_service.user_erasure import UserErasure


@dataclass(frozen=True, kw_only=True)
class UseCases:
    """What IngestService can do."""

    intake: Intake
    previews: Previews
    datasets: AcceptedDatasets
    recipes: RecipeShelf
    revisions: Revisions
    collaborations: Collaborations
    comments: DatasetComments
    erasure: UserErasure
