"""How lists are cut into pages: `limit`, `cursor` and `nextCursor`, by ascending ids."""

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

Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many to answer at most.")]
Cursor = Annotated[str, Meta(description="The `nextCursor` of the page before.")]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""

    @property
    def after(self) -> int:
        """The last id of the page before; 0 for the first page."""
        if not self.cursor:
            return 0
        after = parse_id(self.cursor)
        if after is None:
            raise InvalidFieldsError({"cursor": "must be the nextCursor of an earlier answer"})
        return after


def cut_page(
    rows: Sequence[T], limit: int, find_id: Callable[[T], int] = attrgetter("id")
) -> tuple[Sequence[T], str | None]:
    """The page's rows and the cursor of the next one; with one row over `limit` there is one."""
    page = rows[:limit]
    return page, str(find_id(page[-1])) if len(rows) > limit else None
