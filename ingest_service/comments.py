"""Use cases of comments, with which the members of a collaboration review a dataset."""

from uuid import UUID

from shared.db.comments import CommentRecord, Comments, Subject
from shared.db.members import Members
from shared.db.paging import Page
from shared.errors import PermissionDenied
from shared.identity.caller import Caller
from shared.logs import get_logger

_log = get_logger("ingest")


class DatasetComments:
    """The use cases of comments; that the caller may read the dataset is checked before."""

    def __init__(self, *, comments: Comments, members: Members) -> None:
        self._comments = comments
        self._members = members

    async def create(self, dataset_id: UUID, *, author: str, text: str, subject: Subject) -> CommentRecord:
        """Keep a comment.

        Raises:
            NotFound: there is no such dataset.
            LimitExceeded: it has too many comments.
        """
        record = await self._comments.create(dataset_id, author=author, text=text, subject=subject)
        _log.info("comment created", dataset_id=str(dataset_id), comment_id=str(record.id))
        return record

    async def list(self, dataset_id: UUID, subject: Subject, *, page_size: int, page_token: str) -> Page[CommentRecord]:
        """Return a page of the comments of a dataset, oldest first; only those about what the subject names.

        Raises:
            NotFound: there is no such dataset.
        """
        return await self._comments.list(dataset_id, subject, page_size=page_size, page_token=page_token)

    async def resolve(self, dataset_id: UUID, comment_id: UUID, *, by: str | None) -> CommentRecord:
        """Settle a comment, or open it again where `by` is None.

        Raises:
            NotFound: the dataset has no such comment.
        """
        record = await self._comments.resolve(dataset_id, comment_id, by=by)
        _log.info("comment resolved" if by is not None else "comment opened again", comment_id=str(comment_id))
        return record

    async def delete(self, dataset_id: UUID, comment_id: UUID, caller: Caller) -> None:
        """Remove a comment; for its author and for owners of the dataset.

        Raises:
            NotFound: the dataset has no such comment.
            PermissionDenied: it is another's.
        """
        record = await self._comments.get(dataset_id, comment_id)
        if not caller.is_unrestricted and record.author != caller.user_id:
            access = await self._members.find_access(caller, dataset_id)
            if access is None or access.role != "owner":
                raise PermissionDenied(
                    "Only its author and owners of the dataset may delete a comment.", reason="NOT_THE_AUTHOR"
                )
        await self._comments.delete(dataset_id, comment_id)
        _log.info("comment deleted", dataset_id=str(dataset_id), comment_id=str(comment_id))
