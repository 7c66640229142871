"""A workspace with one of everything that a path can name, and its database's rows."""

from typing import Any, Final

import httpx

from shorty.accounts.sessions import start_session
from shorty.clicks.visitor import NOT_TOLD_APART
from tests.api.house import House
from tests.api.visits import visit
from tests.qr.reading import RED_SQUARE
from tests.webhooks.receiver import answer, run_receiver

API: Final = "/api/v1"
SVG: Final = {"content-type": "image/svg+xml"}

# A person's or token's last use is recorded at every request, whatever is answered.
NOTED_USES: Final = frozenset({"last_used_at", "expires_at"})
# Tables without data of workspaces: the engines' own and those of the full-text search.
UNOWNED: Final = ("sqlite_", "links_search", "search_", "journals", "writers", "visitor_keys")
ON_SQLITE: Final = """
select t.name, c.name from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table'
"""
ON_POSTGRES: Final = """
select cast(table_name as text), cast(column_name as text) from information_schema.columns
where table_schema = 'public' order by table_name, ordinal_position
"""

FURNISHED_WORKSPACE: Final = 1
RULE: Final[dict[str, Any]] = {
    "id": "annelieses-rule",
    "name": "Annelieses rule",
    "conditions": [
        {"type": "country", "values": ["DE"]},
        {"type": "device", "values": ["mobile"]},
        {"type": "query", "key": "annelieses", "values": ["Annelieses value"]},
        {"type": "time", "days": [1], "from": "09:00", "to": "17:00", "timezone": "UTC"},
    ],
    "variants": [
        {"key": "a", "url": "https://example.com/annelieses-a", "weight": 1},
        {"key": "b", "url": "https://example.com/annelieses-b", "weight": 2},
    ],
}

Ids = dict[str, str]
Described = dict[str, list[tuple[object, ...]]]


async def furnish(house: House) -> Ids:
    """The ids by the names of path parameters, in snake case.

    Everything carries a name so long that no form token of a page spells it by chance.
    """
    client = await house.make_client()

    async def create(path: str, body: dict[str, Any], member: str) -> str:
        answer = await client.post(f"{API}{path}", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()[member]["id"])

    async def upload(path: str, member: str) -> str:
        answer = await client.post(f"{API}{path}", content=RED_SQUARE.encode(), headers=SVG)
        assert answer.status_code == 201, answer.text
        return str(answer.json()[member]["id"])

    here = {"url": "https://example.com/annelieses", "domain": "localhost:8000"}
    tag_id = await create("/tags", {"name": "annelieses-tag"}, "tag")
    link_id = await create(
        "/links",
        {
            **here,
            "customSlug": "annelieses-link",
            "title": "Annelieses title",
            "tagIds": [tag_id],
            "rules": [RULE],
        },
        "link",
    )
    page_id = await create("/bio-pages", {**here, "customSlug": "annelieses-page"}, "bioPage")
    block = {"kind": "text", "text": "Annelieses words"}
    ids = {
        "link_id": link_id,
        "rule_id": RULE["id"],
        "tag_id": tag_id,
        "page_id": page_id,
        "block_id": await create(f"/bio-pages/{page_id}/blocks", block, "block"),
        "logo_id": await upload("/qr-logos", "logo"),
        "picture_id": await upload("/bio-pictures?purpose=image", "picture"),
        "template_id": await create(
            "/utm-templates",
            {"name": "Annelieses template", "utmSource": "annelieses"},
            "utmTemplate",
        ),
        "domain_id": await create("/domains", {"host": "annelieses.example"}, "domain"),
        "token_id": await create(
            "/tokens", {"name": "Annelieses program", "scope": "read"}, "token"
        ),
        "workspace_id": str(house.home.workspace.id),
        "chapter": "dashboard",
        "picture": "first-link.svg",
    }
    ids |= await _add_people(house)
    ids["delivery_id"] = await _deliver(client)
    await visit(house, {"link_id": int(link_id), "visitor": NOT_TOLD_APART})
    return ids


async def _add_people(house: House) -> Ids:
    """The owner with a session, and an invited person."""
    user = house.home.user
    await house.app.db.write(
        lambda tx: start_session(tx, user.id, house.home.workspace.id, "Firefox", house.now)
    )
    sessions = await house.app.db.find_all("select max(id) as id from sessions")
    client = await house.make_client()
    answer = await client.post(f"{API}/members", json={"email": "zoe@a.example", "role": "viewer"})
    assert answer.status_code == 201, answer.text
    invitations = await house.app.db.find_all("select max(id) as id from invitations")
    return {
        "user_id": str(user.id),
        "member_id": str(user.id),
        "session_id": str(sessions[0]["id"]),
        "invitation_id": str(invitations[0]["id"]),
    }


async def _deliver(client: httpx.AsyncClient) -> str:
    """A delivered delivery, so that no attempt runs while a test looks."""
    async with run_receiver(answer(200)) as receiver:
        sent = await client.post(f"{API}/webhooks/test", json={"url": receiver.url})
        assert sent.status_code == 202, sent.text
        path = f"{API}/webhooks/deliveries/{sent.json()['delivery']['id']}"
        for _ in range(2000):
            delivery = (await client.get(path)).json()["delivery"]
            if delivery["status"] == "delivered":
                return str(delivery["id"])
    raise AssertionError("The delivery never arrived.")


async def describe_database(house: House) -> Described:
    """Every row of every table, without the columns that any request changes."""
    await house.settle()
    db = house.app.db
    columns: dict[str, list[str]] = {}
    for table, name in await db.find_all(ON_SQLITE if db.here else ON_POSTGRES):
        if not table.startswith(UNOWNED) and name not in NOTED_USES:
            columns.setdefault(table, []).append(name)
    described: Described = {}
    for table, names in columns.items():
        rows = await db.find_all(f"select {', '.join(names)} from {table}")  # noqa: S608 - our own names
        described[table] = sorted((tuple(row) for row in rows), key=repr)
    return described


def assert_rows_remain(before: Described, after: Described) -> None:
    """A stranger's own rows may be added and counted; no other row may change."""
    for table, rows in before.items():
        missing = [row for row in rows if row not in after[table]]
        if table == "quotas":  # the first column is the workspace
            missing = [row for row in missing if row[0] == FURNISHED_WORKSPACE]
        assert not missing, f"{table}: {missing}"
