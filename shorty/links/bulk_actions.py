"""What actions on many links do with some hundreds of them, in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from shorty.accounts.model import Actor
from shorty.errors import NotFoundError, ShortyError
from shorty.links import service
from shorty.links.context import LinkContext, Outcome
from shorty.links.deleted import find_deleted_links
from shorty.links.model import LinkChange
from shorty.links.store import find_links

Apply: TypeAlias = Callable[[Sequence[int]], Awaitable[Sequence[Outcome]]]
"""One transaction of the action: for each id, in order, the link or why it failed."""


def build_apply(
    context: LinkContext,
    actor: Actor,
    action: str,
    change: LinkChange | None,
    read_clock: Callable[[], int],
) -> Apply:
    """`delete` and `restore` have no change, all other actions have one."""
    if change is not None:
        return lambda ids: service.change_links(context, actor, ids, change, read_clock())
    if action == "restore":
        return lambda ids: service.restore_links(context, actor, ids, read_clock())
    return lambda ids: delete_each(context, actor, ids, read_clock())


async def delete_each(
    context: LinkContext, actor: Actor, link_ids: Sequence[int], now: int
) -> list[Outcome]:
    links = {link.id: link for link in await service.find_links(context, actor, link_ids)}
    deleted = set(await service.delete_links(context, actor, link_ids, now))
    return [
        links[link_id]
        if link_id in deleted and link_id in links
        else NotFoundError("link", link_id)
        for link_id in link_ids
    ]


async def forgive_done(
    context: LinkContext,
    actor: Actor,
    action: str,
    link_ids: Sequence[int],
    outcomes: Sequence[Outcome],
    now: int,
) -> list[Outcome]:
    """Takes links for done that are deleted, or back, already.

    A node that died may have done so without saying it.
    """
    missing = [
        link_id
        for link_id, outcome in zip(link_ids, outcomes, strict=True)
        if isinstance(outcome, NotFoundError)
    ]
    place, found = (context.db, actor.workspace_id, missing), []
    if action == "delete":
        found = await find_deleted_links(*place, now)
    elif action == "restore":
        found = await find_links(*place)
    done = {link.id: link for link in found}
    return [
        done.get(link_id, outcome) if isinstance(outcome, ShortyError) else outcome
        for link_id, outcome in zip(link_ids, outcomes, strict=True)
    ]
