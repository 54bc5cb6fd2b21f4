"""NeuraLearn for Python: upload tables, follow their preparation, take the results.

    from neuralearn import Client

    with Client("http://127.0.0.1:8000") as client:
        dataset = client.prepare("sales.csv", target="churned")
        client.download(dataset.dataset_id, "cleaned", "cleaned.csv")

`AsyncClient` has the same methods for asyncio. `load_recipe` carries a recipe out without the service. This package
speaks REST only; the services, and what operates them, are not imported.
"""

from neuralearn.async_client import AsyncClient
from neuralearn.client import Client
from neuralearn.errors import (
    ApiError,
    ConnectionFailed,
    NeuraLearnError,
    NotReadyError,
    PreparationFailed,
    TimedOut,
)
from neuralearn.models import Dataset, Event, Failure, Queue, Queues, UploadOptions, Worker
from neuralearn.recipes import LocalRecipe, RecipeError, Repetition, load_recipe

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "ConnectionFailed",
    "Dataset",
    "Event",
    "Failure",
    "LocalRecipe",
    "NeuraLearnError",
    "NotReadyError",
    "PreparationFailed",
    "Queue",
    "Queues",
    "RecipeError",
    "Repetition",
    "TimedOut",
    "UploadOptions",
    "Worker",
    "load_recipe",
]
