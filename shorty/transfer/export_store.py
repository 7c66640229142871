"""Every statement of an export: a workspace's links in the order of their creation, and the rest.

Read page by page, each going on after the last link of the one before, so that nothing is held.
Links that live for an hour only are left out.
"""

from collections.abc import AsyncGenerator
from typing import Final

from shorty.storage.database import Row
from shorty.storage.snapshot import Rows

LINKS_AT_ONCE: Final = 500

COUNT_LINKS: Final = """
select count(*) as links from links where workspace_id = $1 and deleted_at is null
"""
LIST_LINKS: Final = """
select l.*, d.host, c.clicks, c.scans, c.bio_clicks, c.bots, c.total, c.last_click_at
from links l
join domains d on d.id = l.domain_id
join link_counters c on c.link_id = l.id
where l.workspace_id = $1 and l.deleted_at is null and l.is_public = 0
  and l.created_at >= $2 and (l.created_at > $2 or l.id > $3)
order by l.created_at, l.id limit $4
"""
_SLOTS: Final = ", ".join(f"${number}" for number in range(1, LINKS_AT_ONCE + 1))
LIST_TAGS_OF_LINKS: Final = f"""
select lt.link_id, t.name from link_tags lt join tags t on t.id = lt.tag_id
where lt.link_id in ({_SLOTS}) order by lt.link_id, lt.position
"""  # noqa: S608 - parameters' numbers
LIST_TAGS: Final = "select name, color from tags where workspace_id = $1 order by id"
FIND_NEXT_PICTURE: Final = """
select id, purpose, name, png from pictures
where id = (select min(id) from pictures where workspace_id = $1 and id > $2)
"""


async def count_links(rows: Rows, workspace_id: int) -> int:
    found = await rows.find_all(COUNT_LINKS, workspace_id)
    return found[0]["links"]


async def read_links(rows: Rows, workspace_id: int) -> AsyncGenerator[list[Row]]:
    created_at, link_id = -(2**62), 0
    while page := await rows.find_all(LIST_LINKS, workspace_id, created_at, link_id, LINKS_AT_ONCE):
        yield page
        created_at, link_id = page[-1]["created_at"], page[-1]["id"]


async def find_tag_names(rows: Rows, links: list[Row]) -> dict[int, tuple[str, ...]]:
    """The names of each link's tags, in their order."""
    ids = [row["id"] for row in links]
    filling = [ids[-1]] * (LINKS_AT_ONCE - len(ids))
    names: dict[int, list[str]] = {}
    for row in await rows.find_all(LIST_TAGS_OF_LINKS, *ids, *filling):
        names.setdefault(row["link_id"], []).append(row["name"])
    return {link_id: tuple(found) for link_id, found in names.items()}


async def list_tags(rows: Rows, workspace_id: int) -> list[Row]:
    return await rows.find_all(LIST_TAGS, workspace_id)


async def read_pictures(rows: Rows, workspace_id: int) -> AsyncGenerator[Row]:
    """Logos and what bio pages show, one at a time: they are large."""
    after = 0
    while found := await rows.find_all(FIND_NEXT_PICTURE, workspace_id, after):
        yield found[0]
        after = found[0]["id"]
