"""Stored rows page by page, with tokens that belong to one list."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from report_service.renditions import Renditions
from report_service.row_pages import RowFilter
from shared.db.paging import PageSize, decode_token, encode_token, parse_row_number

ROW_PAGE = PageSize(default=100, most=1000)


@dataclass(frozen=True, kw_only=True)
class RowPage:
    """A page of the rows of a stored table."""

    rows: tuple[Mapping[Any, Any], ...]
    total: int
    """Number of rows on all pages."""
    next_token: str


EMPTY_PAGE = RowPage(rows=(), total=0, next_token="")


class RowLists:
    """The lists of rows that are stored as Parquet."""

    def __init__(self, renditions: Renditions) -> None:
        self._renditions = renditions

    async def read(self, key: str, *, row_filter: RowFilter, page_size: int, page_token: str) -> RowPage:
        """Return a page of the rows of a stored table that match a filter."""
        size, list_id = ROW_PAGE.of(page_size), _list_id(key, row_filter)
        position = decode_token(page_token, parts=(_exact_parser(list_id), parse_row_number))
        start = position[1] if position else 0
        page = await self._renditions.get_row_page(key, row_filter=row_filter, start=start, size=size)
        token = "" if page.next_row is None else encode_token([list_id, page.next_row])
        return RowPage(rows=page.rows, total=page.total, next_token=token)


def _list_id(key: str, row_filter: RowFilter) -> str:
    """Return a short id of a list of rows, so that a page token of another list can be rejected."""
    return hashlib.sha256(json.dumps([key, sorted(row_filter.items())]).encode()).hexdigest()[:16]


def _exact_parser(expected: str) -> Callable[[str], str]:
    """Return a parser for a part of a page token that accepts only the expected text."""

    def parse(text: str) -> str:
        if text != expected:
            raise ValueError(text)
        return text

    return parse
