"""Decides about a link whose slug is taken, or that an earlier import has created."""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from shorty.errors import SlugRestingError, SlugTakenError
from shorty.links.model import Address, PreparedLink
from shorty.links.slug import MAX_SLUG_LENGTH, fold_key
from shorty.links.store import hash_url
from shorty.storage.database import Row
from shorty.transfer.model import OnConflict

LAST_NUMBER: Final = 100
"""Each search starts at 2, to find what an earlier import renamed. Without a limit, a file of one
slug alone would take time quadratic in its rows."""

RESTING: Final = 2  # in the column `place`

FindOne: TypeAlias = Callable[..., Row | None]
"""Inside a transaction or outside."""

# The exact slug first, and what rests last.
FIND_HOLDER: Final = """
select id, workspace_id, url, case when slug_key = $3 then 0 else 1 end as place from links
where domain_id = $1 and folded_key = $2 and deleted_at is null
  and (slug_key = $3 or workspace_id <> $4)
union all
select l.id, l.workspace_id, l.url, case when a.slug_key = $3 then 0 else 1 end
from aliases a join links l on l.id = a.link_id
where a.domain_id = $1 and a.folded_key = $2 and a.freed_at is null
  and (a.slug_key = $3 or a.workspace_id <> $4)
union all
select 0, workspace_id, '', 2 from resting_slugs
where domain_id = $1 and folded_key = $2 and workspace_id <> $4 and until > $5 and not exists (
  select 1 from resting_slugs own
  where own.domain_id = $1 and own.folded_key = $2 and own.workspace_id = $4 and own.until > $5)
order by place limit 1
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
        for key in _list_keys(link):
            self._slugs[key] = fields.url
        self._urls.add((fields.domain_id, fields.url))

    def remove(self, link: PreparedLink) -> None:
        fields = link.fields
        for key in _list_keys(link):
            self._slugs.pop(key, None)
        self._urls.discard((fields.domain_id, fields.url))

    def find_url(self, domain_id: int, key: str) -> str | None:
        """Where the claimed slug leads."""
        return self._slugs.get((domain_id, key))

    def has_url(self, domain_id: int, url: str) -> bool:
        return (domain_id, url) in self._urls


class Conflicts:
    """Judges links by what is stored, with `find_one`, and by the claims at a time, `now`."""

    def __init__(
        self,
        find_one: FindOne,
        claims: Claims,
        workspace_id: int,
        on_conflict: OnConflict,
        now: int,
    ) -> None:
        self._find_one = find_one
        self._claims = claims
        self._workspace_id = workspace_id
        self._on_conflict = on_conflict
        self._now = now

    def settle(self, link: PreparedLink) -> PreparedLink | Existing | SlugTakenError:
        """The link to insert, perhaps with another slug, and without the aliases that are taken.

        A link exists if its slug leads to the same destination; one without a slug, if any link of
        the domain does. So a file that is imported again creates nothing twice, not even renamed
        links.
        """
        settled = self._settle_slug(link) if link.fields.slug else self._find_same(link) or link
        if not isinstance(settled, PreparedLink) or not settled.aliases:
            return settled
        taken = {alias.key: found for alias in settled.aliases if (found := self._judge(alias))}
        if taken and self._on_conflict == "fail":
            return next(iter(taken.values()))
        aliases = tuple(alias for alias in settled.aliases if alias.key not in taken)
        return msgspec.structs.replace(settled, aliases=aliases)

    def _settle_slug(self, link: PreparedLink) -> PreparedLink | Existing | SlugTakenError:
        base = link.fields.slug
        refusal = SlugTakenError(base, link.fields.host)
        for number in range(2, LAST_NUMBER + 2):
            holder = self._find_holder(link.fields.address, link.fields.url)
            if holder is None:
                return link
            if isinstance(holder, Existing):
                return holder
            if self._on_conflict != "rename":
                return holder
            link = _rename(link, base, number)
        return refusal

    def _judge(self, alias: Address) -> SlugTakenError | None:
        found = self._find_holder(alias)
        return SlugTakenError(alias.slug, alias.host) if isinstance(found, Existing) else found

    def _find_same(self, link: PreparedLink) -> Existing | None:
        fields = link.fields
        if self._claims.has_url(fields.domain_id, fields.url):
            return Existing(link_id=None)
        place = hash_url(fields.url), self._workspace_id, fields.domain_id, fields.url
        row = self._find_one(FIND_SAME, *place)
        return None if row is None else Existing(link_id=row["id"])

    def _find_holder(self, address: Address, url: str = "") -> Existing | SlugTakenError | None:
        """The link to `url` that has the address, why nobody gets it, or None."""
        domain_id, key = address.key
        claimed = self._claims.find_url(domain_id, key)
        if claimed is not None:
            is_same = claimed == url
            return Existing(link_id=None) if is_same else SlugTakenError(address.slug, address.host)
        place = domain_id, fold_key(key), key, self._workspace_id, self._now
        row = self._find_one(FIND_HOLDER, *place)
        if row is None:
            return None
        if row["place"] == RESTING:
            return SlugRestingError(address.slug, address.host)
        if row["url"] == url and row["workspace_id"] == self._workspace_id:
            return Existing(link_id=row["id"])
        return SlugTakenError(address.slug, address.host)


def _list_keys(link: PreparedLink) -> list[tuple[int, str]]:
    own = [link.fields.address] if link.fields.slug else []
    return [address.key for address in (*own, *link.aliases)]


def _rename(link: PreparedLink, base: str, number: int) -> PreparedLink:
    """`sale` becomes `sale-2`, or `sale-3`, and so on."""
    ending = f"-{number}"
    slug = base[: MAX_SLUG_LENGTH - len(ending)].rstrip("\u200d") + ending
    fields = msgspec.structs.replace(link.fields, slug=slug)
    return msgspec.structs.replace(link, fields=fields)
