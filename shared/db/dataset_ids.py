"""The ids of datasets in requests, and the error for one that nobody has."""

from uuid import UUID

from shared.errors import NotFound


def parse_dataset_id(text: str) -> UUID:
    """Return the id of a dataset that a request names.

    Raises:
        NotFound: the text is not a UUID, so that no dataset has this id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise unknown_dataset(text[:100]) from None


def unknown_dataset(dataset_id: str) -> NotFound:
    """Return the error for an id that no dataset has."""
    return NotFound(
        f"There is no dataset {dataset_id}.", reason="DATASET_NOT_FOUND", metadata={"dataset_id": dataset_id}
    )
