"""Aliases through the two APIs, and that no workspace gets at another's."""

from typing import Any

import httpx
import pytest

from shorty.jobs import Jobs
from tests.api.house import House
from tests.support import DAY

LINKS = "/api/v1/links"
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


async def visit(client: httpx.AsyncClient, slug: str, host: str = "localhost:8000") -> str:
    answer = await client.get(f"http://{host}/{slug}", headers=BROWSER)
    return answer.headers.get("location", "")


async def patch(client: httpx.AsyncClient, link_id: object, **changes: Any) -> httpx.Response:
    return await client.patch(f"{LINKS}/{link_id}", json=changes)


async def test_the_aliases_of_a_link_are_a_list_of_addresses(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="own")
    assert (await client.get(f"{LINKS}/{link.id}")).json()["link"]["aliases"] == []
    given = ["spring", "https://GO.example/own", "#️⃣"]
    answer = await patch(client, link.id, aliases=given)
    assert answer.status_code == 200, answer.text
    told = ["localhost:8000/spring", "go.example/own", "localhost:8000/%23️⃣"]
    assert answer.json()["link"]["aliases"] == told
    assert (await client.get(LINKS)).json()["links"][0]["aliases"] == told
    same = await patch(client, link.id, aliases=told)
    assert same.json()["link"] == answer.json()["link"]
    places = (("spring", "localhost:8000"), ("own", "go.example"), ("%23%EF%B8%8F%E2%83%A3",))
    for place in places:
        assert await visit(client, *place) == link.url
    cleared = await patch(client, link.id, aliases=None)
    assert cleared.json()["link"]["aliases"] == []
    assert [await visit(client, *place) for place in places] == [""] * 3


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"aliases": ["ok", "a b", "x.example/y"]}, {"aliases[1]", "aliases[2]"}),
        ({"aliases": [f"a{number}" for number in range(21)]}, {"aliases"}),
        ({"aliases": "sale"}, {"aliases"}),
        ({"aliases": [5]}, {"aliases"}),
        (
            {"aliases": ["api"], "customSlug": "a b", "title": 5},
            {"aliases[0]", "customSlug", "title"},
        ),
        ({"keepOldSlug": "no"}, {"keepOldSlug"}),
    ],
)
async def test_all_faults_are_told_at_once(
    house: House, client: httpx.AsyncClient, changes: dict[str, Any], faults: set[str]
) -> None:
    link = await house.make_link()
    answer = await patch(client, link.id, **changes)
    assert (answer.status_code, set(answer.json()["fields"])) == (422, faults)


async def test_a_slug_that_was_visited_is_kept_at_once(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="old")
    assert await visit(client, "old") == link.url  # its click is not stored yet
    renamed = await patch(client, link.id, customSlug="new")
    assert renamed.json()["link"]["aliases"] == ["localhost:8000/old"]
    assert await visit(client, "old") == link.url
    moved = await patch(client, link.id, domain="go.example", keepOldSlug=None)
    assert moved.json()["link"]["aliases"] == ["localhost:8000/old", "localhost:8000/new"]
    last = await patch(client, link.id, customSlug="last", keepOldSlug=False)
    assert last.json()["link"]["aliases"] == ["localhost:8000/old", "localhost:8000/new"]
    assert await visit(client, "new", "go.example") == ""
    assert [await visit(client, slug) for slug in ("old", "new")] == [link.url] * 2
    assert last.json()["link"]["shortUrl"] == "https://go.example/last"


async def test_many_links_that_move_together_keep_their_addresses(
    house: House, client: httpx.AsyncClient
) -> None:
    used, unused = await house.make_link(slug="used"), await house.make_link(slug="unused")
    await visit(client, "used")
    ids = [str(used.id), str(unused.id)]
    answer = await client.patch(f"{LINKS}/bulk", json={"ids": ids, "domain": "go.example"})
    told = {link["id"]: link["aliases"] for link in answer.json()["links"]}
    assert told == {ids[0]: ["localhost:8000/used"], ids[1]: []}


async def test_a_short_link_with_another_slash_tag_keeps_the_old_one(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="old")
    await visit(client, "old")
    path = f"/api/v1/short-link/{link.id}"
    whole = (await client.get(path)).json()["data"]
    changed = await client.put(path, json=whole | {"slashTag": "new"})
    assert (changed.status_code, changed.json()["data"]["slashTag"]) == (200, "new")
    assert "aliases" not in changed.json()["data"]
    told = (await client.get(f"{LINKS}/{link.id}")).json()["link"]["aliases"]
    assert told == ["localhost:8000/old"]
    await client.put(path, json={"title": "Other"})
    assert (await client.get(f"{LINKS}/{link.id}")).json()["link"]["aliases"] == told


@pytest.mark.parametrize("door", [f"{LINKS}", f"{LINKS}/bulk", "/api/v1/short-link"])
async def test_nobody_else_gets_a_slug_that_is_an_alias_or_rests(
    house: House, client: httpx.AsyncClient, stranger: httpx.AsyncClient, door: str
) -> None:
    link = await house.make_link(slug="own")
    await patch(client, link.id, aliases=["alias", "rest"])
    await visit(client, "rest")
    await patch(client, link.id, aliases=["alias"])

    async def ask(caller: httpx.AsyncClient, slug: str) -> tuple[int, str]:
        link = {"url": "https://example.com/", "customSlug": slug}
        body: dict[str, Any] = {"domain": "localhost:8000"}
        if door == LINKS:
            answer = await caller.post(door, json=body | link)
            return answer.status_code, answer.json().get("code", "")
        if door.endswith("bulk"):
            answer = await caller.post(door, json=body | {"links": [link]})
            failed = answer.json()["failed"]
            return answer.status_code, failed[0]["code"] if failed else ""
        names = {"destinationUrl": link["url"], "brandedDomain": body["domain"], "slashTag": slug}
        answer = await caller.post(door, json=names)
        told = answer.json()
        return answer.status_code, told["data"]["message"] if told.get("error") else ""

    def told(code: str, slug: str) -> tuple[int, str]:
        if door == LINKS:
            return 409, code
        if door.endswith("bulk"):
            return 201, code
        way = (
            "is already taken on localhost:8000"
            if code == "slug-taken"
            else "on localhost:8000 was in use until recently and is reserved for its previous "
            "owner"
        )
        return 400, f"The slug {slug!r} {way}; choose another."

    for caller, slug, code in (
        (client, "alias", "slug-taken"),
        (stranger, "alias", "slug-taken"),
        (stranger, "Alias", "slug-taken"),
        (stranger, "rest", "slug-resting"),
        (stranger, "REST", "slug-resting"),
    ):
        assert await ask(caller, slug) == told(code, slug)
    assert await ask(client, "rest") == (201, "")


async def test_another_workspaces_links_and_domains_are_out_of_reach(
    house: House, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="own")
    await patch(client, link.id, aliases=["alias"])
    tries: list[dict[str, Any]] = [{"aliases": []}, {"aliases": ["x"]}, {"customSlug": "alias"}]
    for changes in tries:
        assert (await patch(stranger, link.id, **changes)).status_code == 404
    made = {"url": "https://example.com/", "domain": "localhost:8000"}
    theirs = (await stranger.post(LINKS, json=made)).json()["link"]
    for changes in ({"aliases": ["alias"]}, {"aliases": ["own"]}, {"customSlug": "ALIAS"}):
        answer = await patch(stranger, theirs["id"], **changes)
        assert (answer.status_code, answer.json()["code"]) == (409, "slug-taken")
    row = await house.app.db.find_one("select workspace_id as id from links where id = $1", link.id)
    assert row is not None
    sql = (
        "insert into domains (host, scheme, workspace_id, source, verified_at, created_at)"
        " values ('theirs.example', 'https', $1, 'api', 1, 1)"
    )
    await house.app.db.write(lambda tx: tx.execute(sql, row["id"]))
    await house.app.services.domains.reload()
    answer = await patch(stranger, theirs["id"], aliases=["theirs.example/a"])
    assert answer.json()["fields"] == {
        "aliases[0]": "is not on a verified domain of this workspace"
    }
    assert (await patch(client, link.id, aliases=["theirs.example/a"])).status_code == 200


async def test_a_restored_link_says_which_aliases_are_lost(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="own")
    await patch(client, link.id, aliases=["a", "b"])
    path = f"{LINKS}/{link.id}"
    await client.delete(path)
    await house.make_link(slug="a")
    answer = (await client.post(f"{path}/restore")).json()
    assert answer["link"]["aliases"] == ["localhost:8000/b"]
    assert answer["warnings"] == [
        "The alias localhost:8000/a was not restored: its slug has been taken since."
    ]
    await client.delete(path)
    assert (await client.post(f"{path}/restore")).json()["warnings"] == []


async def test_slugs_that_have_rested_are_free_again(
    house: House, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="rest")
    await visit(client, "rest")
    await client.delete(f"{LINKS}/{link.id}")
    wanted = {"url": "https://example.com/", "domain": "localhost:8000", "customSlug": "rest"}
    house.clock[0] += 90 * DAY - 1
    assert (await stranger.post(LINKS, json=wanted)).json()["code"] == "slug-resting"
    house.clock[0] += 1
    assert (await stranger.post(LINKS, json=wanted)).status_code == 201
    app, until, monotonic = house.app, house.now, [0.0]
    jobs = Jobs(app.services, app.visitors, lambda: house.clock[0], lambda: monotonic[0])
    for _ in range(3):  # the clock jumped ahead, and is not believed before an hour has passed
        rests = await app.db.find_all("select until from resting_slugs")
        assert [row["until"] for row in rests] == [until]
        await jobs.sweep()
        house.clock[0] += 1_800_000
        monotonic[0] += 1_800
    await jobs.sweep()
    assert await app.db.find_all("select until from resting_slugs") == []
