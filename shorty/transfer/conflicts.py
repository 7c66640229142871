"""Decides about a link whose slug is taken, or that an earlier import has created."""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from shorty.errors import SlugTakenError
from shorty.links.model import PreparedLink
from shorty.links.slug import MAX_SLUG_LENGTH, fold_key, slug_key
from shorty.links.store import hash_url
from shorty.storage.database import Row
from shorty.transfer.model import OnConflict

LAST_NUMBER: Final = 100
"""Each search starts at 2, to find what an earlier import renamed. Without a limit, a file of one
slug alone would take time quadratic in its rows."""

FindOne: TypeAlias = Callable[..., Row | None]
"""Inside a transaction or outside."""

FIND_HOLDER: Final = """
select id, workspace_id, url from links
where domain_id = $1 and folded_key = $2 and deleted_at is null
  and (slug_key = $3 or workspace_id <> $4)
order by case when slug_key = $3 then 0 else 1 end limit 1
"""
FIND_SAME: Final = """
select id from links
where url_hash = $1 and workspace_id = $2 and domain_id = $3 and url = $4 and deleted_at is null
order by id limit 1
"""


class Existing(msgspec.Struct, frozen=True, kw_only=True):
    """The same link exists; its id is None if it comes twice in the file of a dry run or batch."""

    link_id: int | None


class Claims:
    """Slugs and destinations of links that are about to be created."""

    def __init__(self) -> None:
        self._slugs: dict[tuple[int, str], str] = {}
        self._urls: set[tuple[int, str]] = set()

    def add(self, link: PreparedLink) -> None:
        fields = link.fields
        if fields.slug:
            self._slugs[fields.domain_id, slug_key(fields.slug)] = fields.url
        self._urls.add((fields.domain_id, fields.url))

    def remove(self, link: PreparedLink) -> None:
        fields = link.fields
        self._slugs.pop((fields.domain_id, slug_key(fields.slug)), None)
        self._urls.discard((fields.domain_id, fields.url))

    def find_url(self, domain_id: int, key: str) -> str | None:
        """Where the claimed slug leads."""
        return self._slugs.get((domain_id, key))

    def has_url(self, domain_id: int, url: str) -> bool:
        return (domain_id, url) in self._urls


def settle(
    find_one: FindOne,
    claims: Claims,
    workspace_id: int,
    link: PreparedLink,
    on_conflict: OnConflict,
) -> PreparedLink | Existing | SlugTakenError:
    """The link to insert, perhaps with another slug.

    A link exists if its slug leads to the same destination; one without a slug, if any link of the
    domain does. So a file that is imported again creates nothing twice, not even renamed links.
    """
    if not link.fields.slug:
        return _find_same(find_one, claims, workspace_id, link) or link
    base = link.fields.slug
    for number in range(2, LAST_NUMBER + 2):
        holder = _find_holder(find_one, claims, workspace_id, link)
        if holder is None:
            return link
        if isinstance(holder, Existing):
            return holder
        if on_conflict != "rename":
            break
        link = _rename(link, base, number)
    return SlugTakenError(base, link.fields.host)


def _find_same(
    find_one: FindOne, claims: Claims, workspace_id: int, link: PreparedLink
) -> Existing | None:
    fields = link.fields
    if claims.has_url(fields.domain_id, fields.url):
        return Existing(link_id=None)
    row = find_one(FIND_SAME, hash_url(fields.url), workspace_id, fields.domain_id, fields.url)
    return None if row is None else Existing(link_id=row["id"])


def _find_holder(
    find_one: FindOne, claims: Claims, workspace_id: int, link: PreparedLink
) -> Existing | str | None:
    """The same link, the destination of another link with the slug, or None."""
    fields = link.fields
    key = slug_key(fields.slug)
    claimed = claims.find_url(fields.domain_id, key)
    if claimed is not None:
        return Existing(link_id=None) if claimed == fields.url else claimed
    row = find_one(FIND_HOLDER, fields.domain_id, fold_key(key), key, workspace_id)
    if row is None:
        return None
    is_same = row["url"] == fields.url and row["workspace_id"] == workspace_id
    return Existing(link_id=row["id"]) if is_same else row["url"]


def _rename(link: PreparedLink, base: str, number: int) -> PreparedLink:
    """`sale` becomes `sale-2`, or `sale-3`, and so on."""
    ending = f"-{number}"
    slug = base[: MAX_SLUG_LENGTH - len(ending)].rstrip("\u200d") + ending
    fields = msgspec.structs.replace(link.fields, slug=slug)
    return msgspec.structs.replace(link, fields=fields)
