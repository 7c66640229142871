"""Pagination of lists: `limit`, `cursor` and `nextCursor`, by ascending ids."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from shorty.errors import InvalidFieldsError
from shorty.ids import parse_id

T = TypeVar("T")

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 100

Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="Maximum number of results.")]
Cursor = Annotated[str, Meta(description="The `nextCursor` of the previous page.")]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""

    @property
    def after(self) -> int:
        """The last id of the previous page; 0 for the first page."""
        if not self.cursor:
            return 0
        after = parse_id(self.cursor)
        if after is None:
            raise InvalidFieldsError({"cursor": "must be the nextCursor of an earlier response"})
        return after


def cut_page(
    rows: Sequence[T], limit: int, find_id: Callable[[T], int] = attrgetter("id")
) -> tuple[Sequence[T], str | None]:
    """The page's rows and the next page's cursor; a row beyond `limit` means that one follows."""
    page = rows[:limit]
    return page, str(find_id(page[-1])) if len(rows) > limit else None
