"""Aliases in files: exported with their links, and imported as far as nobody else has them."""

import msgspec
import pytest

from shorty.links.address_store import rest_slug
from shorty.links.model import MOST_ALIASES, Link
from shorty.transfer.progress import Transfer
from tests.links.making import make_link
from tests.support import NOW, make_actor, make_home
from tests.transfer.making import CONFIG, House, export_all, export_csv, import_text, list_all

TAKEN = "came in without its alias go.example/{}: its slug is taken"


@pytest.fixture
async def stranger(house: House) -> House:
    home = await make_home(house.db, CONFIG, "eve@b.example")
    return house._replace(actor=await make_actor(house.db, home, config=CONFIG))


def texts(links: list[Link]) -> dict[str, list[str]]:
    return {link.slug: [alias.text for alias in link.aliases] for link in links}


def write_lines(*links: dict[str, object]) -> bytes:
    plain = {"kind": "link", "domain": "go.example", "createdAt": 1, "updatedAt": 1}
    head = {"kind": "export", "format": 2, "exportedAt": 1}
    named = [
        {**plain, "id": str(number), "url": f"https://example.com/{link['slug']}", **link}
        for number, link in enumerate(links)
    ]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in (head, *named))


def read_notes(told: Transfer) -> list[str]:
    return [problem.message for problem in told.problems]


@pytest.mark.parametrize("kind", ["shorty", "csv"])
async def test_aliases_move_with_their_links(house: House, empty_house: House, kind: str) -> None:
    aliases = ("go.example/a", "localhost:8000/own", "docs/v1.2", "#️⃣")
    await make_link(house.context, house.actor, slug="own", aliases=aliases)
    await make_link(house.context, house.actor, slug="none")
    exported = await (export_all(house) if kind == "shorty" else export_csv(house))
    for created in (2, 0):
        told = await import_text(empty_house, "shorty" if kind == "shorty" else "csv", exported)
        assert (told.state, told.created, told.problems) == ("done", created, ())
    assert texts(await list_all(empty_house)) == texts(await list_all(house))
    assert len(texts(await list_all(house))["own"]) == len(aliases)


async def test_the_table_of_an_earlier_release_has_no_aliases(
    house: House, empty_house: House
) -> None:
    await make_link(house.context, house.actor, slug="own")
    exported = (await export_csv(house)).decode()
    without = exported.replace("aliases,", "", 1).replace(",,\r\n", ",\r\n")
    assert "aliases" not in without
    told = await import_text(empty_house, "csv", without)
    assert (told.created, told.problems) == (1, ())


@pytest.mark.parametrize("is_dry_run", [True, False])
@pytest.mark.parametrize("on_conflict", ["skip", "rename"])
async def test_an_alias_that_is_taken_is_left_out(
    house: House, stranger: House, on_conflict: str, is_dry_run: bool
) -> None:
    await make_link(house.context, house.actor, slug="slug", aliases=("alias",))
    await make_link(stranger.context, stranger.actor, slug="Theirs", aliases=("theirs-too",))
    file = write_lines(
        {"slug": "one", "aliases": ["go.example/slug", "go.example/free", "go.example/THEIRS"]},
        {"slug": "two", "aliases": ["go.example/alias", "go.example/one", "go.example/free"]},
        {"slug": "three", "aliases": ["go.example/Theirs-Too", "go.example/four"]},
        {"slug": "four"},
        {"slug": "five", "aliases": ["nobody.example/a", "a b", "x.example"]},
    )
    told = await import_text(house, "shorty", file, on_conflict=on_conflict, is_dry_run=is_dry_run)
    lost = ("slug", "THEIRS", "alias", "one", "free", "Theirs-Too")
    notes = read_notes(told)
    assert [note for note in notes if "is taken" in note] == [TAKEN.format(slug) for slug in lost]
    assert [note.partition(": ")[0] for note in notes if "alias '" in note] == [
        "came in without its alias 'nobody.example/a'",
        "came in without its alias 'a b'",
    ]
    found = texts(await list_all(house))
    if is_dry_run:
        assert list(found) == ["slug"]
        return
    assert found["one"] == ["go.example/free"]
    assert found["two"] == []
    assert found["three"] == ["go.example/four"]
    assert ("four-2" in found) == (on_conflict == "rename")
    assert found["five"] == ["go.example/x.example"]


@pytest.mark.parametrize("is_dry_run", [True, False])
async def test_a_slug_that_is_an_alias_or_rests_is_taken(
    house: House, stranger: House, is_dry_run: bool
) -> None:
    link = await make_link(stranger.context, stranger.actor, slug="own", aliases=("alias",))
    await stranger.db.write(
        lambda tx: rest_slug(tx, link.workspace_id, link.domain_id, "rest", NOW)
    )
    file = write_lines({"slug": "alias"}, {"slug": "Rest"}, {"slug": "free", "aliases": ["rest"]})
    told = await import_text(house, "shorty", file, is_dry_run=is_dry_run)
    taken, resting, lost = read_notes(told)
    assert taken == "The slug 'alias' is already taken on go.example; choose another."
    assert resting.startswith("The slug 'Rest' on go.example was in use until recently")
    assert lost == TAKEN.format("rest")
    assert (told.created, told.state) == (1, "done")
    renamed = await import_text(house, "shorty", file, on_conflict="rename", is_dry_run=is_dry_run)
    assert renamed.created == (3 if is_dry_run else 2)
    if not is_dry_run:
        assert set(texts(await list_all(house))) == {"free", "alias-2", "Rest-2"}
    own = await import_text(stranger, "shorty", write_lines({"slug": "rest"}))
    assert (own.created, own.problems) == (1, ())


@pytest.mark.parametrize("is_dry_run", [True, False])
async def test_a_taken_alias_can_stop_an_import(house: House, is_dry_run: bool) -> None:
    await make_link(house.context, house.actor, slug="slug")
    file = write_lines({"slug": "one", "aliases": ["go.example/slug"]})
    told = await import_text(house, "shorty", file, on_conflict="fail", is_dry_run=is_dry_run)
    assert told.state == "failed"
    assert "'slug' is already taken" in (told.error or "")


async def test_aliases_follow_their_link_to_another_domain(house: House) -> None:
    aliases = ["go.example/a", "old.example/b", "c"]
    file = write_lines({"slug": "own", "domain": "old.example", "aliases": aliases})
    told = await import_text(house, "shorty", file, domain="localhost:8000")
    assert (told.created, told.problems) == (1, ())
    moved = ["go.example/a", "localhost:8000/b", "localhost:8000/c"]
    assert texts(await list_all(house)) == {"own": moved}


async def test_too_many_aliases_are_cut(house: House) -> None:
    many = [f"a{number}" for number in range(MOST_ALIASES + 2)]
    told = await import_text(house, "shorty", write_lines({"slug": "own", "aliases": many}))
    assert read_notes(told) == ["came in with the first 20 of its 22 aliases"]
    (link,) = await list_all(house)
    assert [alias.slug for alias in link.aliases] == many[:MOST_ALIASES]
