"""Which links an action of the list is about: the selected ones, or all that were found."""

from typing import Final
from urllib.parse import parse_qsl

import msgspec

from shorty.errors import ConflictError, InvalidFieldsError
from shorty.links.listing import find_ids
from shorty.web.link_list import MOST_SELECTED, Listing, read_listing
from shorty.web.requests import WebRequest

ALL_FOUND: Final = "all_found"
"""The field with the number of links that the page showed as found."""


async def read_selection(request: WebRequest, back: str) -> tuple[int, ...]:
    """The ids of the form, or those that the list at `back` has now.

    Raises ConflictError if these are not as many as the page said, so that nothing happens to a
    link that nobody meant, and InvalidFieldsError if they are too many.
    """
    typed = request.typed
    if not typed.is_checked(ALL_FOUND):
        return typed.read_ids("ids")
    found = await find_ids(
        request.services.links, request.actor, read_place(back).build_filter(request.now)
    )
    if len(found) > MOST_SELECTED:
        fault = f"are more than {MOST_SELECTED:,}; narrow the list down first"
        raise InvalidFieldsError({ALL_FOUND: f"The links found {fault}"})
    if str(len(found)) != typed.read(ALL_FOUND):
        raise ConflictError(
            f"The list has changed: it has {len(found):,} links now. Check it and try again."
        )
    return tuple(found)


def read_place(back: str) -> Listing:
    """The list at a path that `read_back` let through, from its start."""
    query = dict(parse_qsl(back.partition("?")[2]))
    return msgspec.structs.replace(read_listing(query), cursor="")
