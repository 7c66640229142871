"""Owns what was done to a link since it was made: by whom, when, and what each field was before.

Of a password it says that it was changed, never what it is. That a link was made the link says.
"""

from typing import Any, Final, Literal, TypeAlias

import msgspec

from shorty.links.model import Creator, Link, LinkFields
from shorty.links.rule_writing import describe_changes as describe_rules
from shorty.storage.database import Database, Row, Transaction

EditKind = Literal["edited", "deleted", "restored"]
Changes: TypeAlias = dict[str, tuple[Any, Any]]

KEPT: Final = 200
"""So many edits of a link are kept; of more, the last."""
TEXT_LENGTH: Final = 500

# Told by other names, or not at all.
_APART: Final = frozenset(
    {
        *("domain_id", "host", "scheme", "original_url", "url", "favicon_url", "password_hash"),
        *("made_through", "rules"),
    }
)
_FIELDS: Final = tuple(name for name in LinkFields.__struct_fields__ if name not in _APART)

INSERT_EDIT: Final = """
insert into link_edits (link_id, workspace_id, at, user_id, kind, changes)
values ($1, $2, $3, $4, $5, $6)
"""
FORGET_OLD_EDITS: Final = """
delete from link_edits
where link_id = $1
  and id <= (select id from link_edits where link_id = $1 order by id desc limit 1 offset $2)
"""
LIST_EDITS: Final = """
select e.id, e.link_id, e.at, e.kind, e.changes, e.user_id, u.email,
       coalesce(m.name, u.name) as name
from link_edits e
join users u on u.id = e.user_id
left join members m on m.workspace_id = e.workspace_id and m.user_id = e.user_id
where e.link_id = $1 and e.workspace_id = $2 and e.id < $3
order by e.id desc limit $4
"""


class LinkEdit(msgspec.Struct, frozen=True, kw_only=True):
    """`changes` maps a field to what it was before and after: texts cut, tags by their names."""

    id: int
    link_id: int
    at: int
    kind: EditKind
    changes: Changes
    by: Creator


async def list_edits(
    db: Database, workspace_id: int, link_id: int, before: int | None = None, limit: int = 50
) -> list[LinkEdit]:
    """The newest first, of a deleted link too; `before` is the id of the last one seen already."""
    last = 2**63 - 1 if before is None else before
    rows = await db.find_all(LIST_EDITS, link_id, workspace_id, last, limit)
    return [_read_edit(row) for row in rows]


def record_edit(tx: Transaction, user_id: int, before: Link, after: Link, now: int) -> None:
    """Nothing, where the two are the same."""
    changes = describe_changes(before, after)
    if changes:
        _insert(tx, after.id, after.workspace_id, user_id, "edited", changes, now)


def record_action(
    tx: Transaction,
    workspace_id: int,
    link_id: int,
    user_id: int,
    kind: Literal["deleted", "restored"],
    now: int,
    changes: Changes | None = None,
) -> None:
    _insert(tx, link_id, workspace_id, user_id, kind, changes or {}, now)


def describe_changes(before: Link, after: Link) -> Changes:
    old, new = _describe(before), _describe(after)
    changes = {name: (old[name], new[name]) for name in old if old[name] != new[name]}
    if before.rules != after.rules:
        changes["rules"] = describe_rules(before.rules, after.rules)
    if before.password_hash != after.password_hash:
        changes["password"] = _describe_passwords(before.password_hash, after.password_hash)
    return {name: (_shorten(old), _shorten(new)) for name, (old, new) in changes.items()}


def _describe(link: Link) -> dict[str, Any]:
    fields = {name: msgspec.to_builtins(getattr(link, name)) for name in _FIELDS}
    return {
        "url": link.original_url,
        "domain": link.host,
        **fields,
        "aliases": [alias.text for alias in link.aliases],
        "tags": [tag.name for tag in link.tags],
    }


def _describe_passwords(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    if after is None:
        return "set", None
    return (None, "set") if before is None else ("set", "changed")


def _shorten(value: Any) -> Any:
    if isinstance(value, str) and len(value) > TEXT_LENGTH:
        return value[: TEXT_LENGTH - 1] + "…"
    return [_shorten(each) for each in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType] - of texts


def _insert(
    tx: Transaction,
    link_id: int,
    workspace_id: int,
    user_id: int,
    kind: EditKind,
    changes: Changes,
    now: int,
) -> None:
    text = msgspec.json.encode(changes).decode()
    tx.send(INSERT_EDIT, link_id, workspace_id, now, user_id, kind, text)
    tx.send(FORGET_OLD_EDITS, link_id, KEPT)


def _read_edit(row: Row) -> LinkEdit:
    return LinkEdit(
        id=row["id"],
        link_id=row["link_id"],
        at=row["at"],
        kind=row["kind"],
        changes=msgspec.json.decode(row["changes"], type=Changes),
        by=Creator(id=row["user_id"], name=row["name"], email=row["email"]),
    )
