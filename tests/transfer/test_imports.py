"""Imports: what becomes of each line, of conflicts, of quotas, and of an import that is tried."""

import asyncio
import time
from typing import Any

import pytest
from msgspec.structs import replace

from shorty.config import Plan
from shorty.errors import ForbiddenError
from shorty.links.imported_history import Counts
from shorty.links.model import QrSettings
from shorty.plans import read_usage
from shorty.transfer import progress as progress_module
from shorty.transfer.files import Hints
from shorty.transfer.progress import Problem, Transfer, TransferProgress
from tests.links.making import make_link
from tests.support import NOW, make_actor, make_home
from tests.transfer.making import (
    House,
    get_only,
    import_text,
    list_all,
    on_small_plan,
    tell,
)
from tests.transfer.page_making import import_lines, link_line

HEADING = "url,slug,domain\n"


async def import_rows(house: House, *rows: str, **options: Any) -> Transfer:
    return await import_text(house, "csv", HEADING + "\n".join(rows), **options)


async def list_slugs(house: House) -> list[str]:
    return [link.slug for link in await list_all(house)]


async def count_used(house: House) -> dict[str, int]:
    usage = await read_usage(house.db, house.actor.workspace_id, house.actor.plan, NOW)
    return {quota: use.used for quota, use in usage.items() if use.used and quota != "members"}


async def test_each_line_is_made_or_says_why_not(house: House) -> None:
    told = await import_rows(
        house,
        "https://example.com/a,a,",
        "https://example.com/b,b,localhost:8000",
        "https://evil.example/,c,",
        "nonsense,d,",
        "https://example.com/,a..b,",
        "https://example.com/,api,",
        "https://go.example/loop,e,",
        "https://example.com/,f,other.example",
        ",g,",
    )
    assert (told.state, told.created, told.failed) == ("done", 2, 7)
    assert [tell(problem) for problem in told.problems] == [
        ("failed", f"line {number}", slug)
        for number, slug in zip(range(4, 11), ["c", "d", "a..b", "api", "e", "f", "g"], strict=True)
    ]
    assert "shorty domain add" in told.problems[5].message
    assert {(link.slug, link.host) for link in await list_all(house)} == {
        ("a", "go.example"),
        ("b", "localhost:8000"),
    }
    assert await house.context.lookup.find((await list_all(house))[0].domain_id, "a") is not None


async def test_what_the_reader_found_at_fault_is_told_with_its_place(house: House) -> None:
    text = "url,slug,created,hat\nhttps://example.com/,a,yesterday,red\n"
    told = await import_text(house, "csv", text)
    assert [(tell(each), each.message.partition(";")[0]) for each in told.problems] == [
        (("note", "line 1", ""), "Unknown columns: hat."),
        (
            ("note", "line 2", "a"),
            "came in without its creation date: 'yesterday' can't be read as a time",
        ),
    ]


async def test_links_keep_their_time_and_count(house: House) -> None:
    text = "url,slug,created,clicks\nhttps://example.com/,a,2020-01-02T03:04:05Z,42\n"
    await import_text(house, "csv", text)
    link = await get_only(house)
    assert (link.created_at, link.updated_at) == (1_577_934_245_000, 1_577_934_245_000)
    assert (link.clicks, link.click_count, link.made_through) == (42, 42, "import")


async def test_a_limited_link_goes_on_counting_from_there(house: House) -> None:
    text = "url,slug,clicks,max clicks\nhttps://example.com/,a,42,50\n"
    await import_text(house, "csv", text)
    row = await house.db.find_one("select total from link_counters")
    assert row is not None
    assert row["total"] == 42


async def test_a_file_imported_again_changes_nothing(house: House) -> None:
    rows = ("https://example.com/a,a,", "https://example.com/b,,", "https://example.com/a,a,")
    for created, there in ((2, 1), (0, 3)):
        told = await import_rows(house, *rows)
        assert (told.created, told.there, told.problem_count) == (created, there, 0)
    assert await count_used(house) == {"links": 2, "links_per_month": 2}


async def test_a_taken_slug_is_skipped_and_told(house: House) -> None:
    await make_link(house.context, house.actor, slug="a")
    told = await import_rows(house, "https://example.com/x,a,", "https://example.com/y,b,")
    assert (told.created, told.skipped, told.failed) == (1, 1, 0)
    assert [tell(problem) for problem in told.problems] == [("skipped", "line 2", "a")]
    assert await list_slugs(house) == ["a", "b"]


async def test_a_taken_slug_is_renamed_and_stays_so(house: House) -> None:
    await make_link(house.context, house.actor, slug="a")
    rows = ("https://example.com/x,a,", "https://example.com/y,a,", "https://example.com/x,a,")
    for created, there in ((2, 1), (0, 3)):
        told = await import_rows(house, *rows, on_conflict="rename")
        assert (told.created, told.there) == (created, there)
    assert await list_slugs(house) == ["a", "a-2", "a-3"]


async def test_a_slug_that_is_anothers_in_another_case_is_renamed(house: House) -> None:
    stranger = await make_stranger(house)
    await make_link(house.context, stranger.actor, slug="Sale", url="https://example.com/x")
    rows = ("https://example.com/x,sale,", "https://example.com/y,SALE,")
    for is_dry_run in (True, False):
        skipped = await import_rows(house, *rows, is_dry_run=is_dry_run)
        assert (skipped.created, skipped.there, skipped.skipped) == (0, 0, 2)
        told = await import_rows(house, *rows, on_conflict="rename", is_dry_run=is_dry_run)
        assert (told.created, told.there, told.skipped, told.failed) == (2, 0, 0, 0)
    assert await list_slugs(house) == ["sale-2", "SALE-2"]


async def test_a_slug_is_numbered_up_to_a_hundred(house: House) -> None:
    rows = [f"https://example.com/{n},a," for n in range(102)]
    for is_dry_run in (True, False):
        told = await import_rows(house, *rows, on_conflict="rename", is_dry_run=is_dry_run)
        assert (told.created, told.skipped) == (100, 2)
        assert [tell(problem) for problem in told.problems] == [
            ("skipped", "line 102", "a"),
            ("skipped", "line 103", "a"),
        ]
    assert await list_slugs(house) == ["a", *(f"a-{number}" for number in range(2, 101))]


async def test_a_cancelled_import_takes_nothing_of_the_batch_that_it_prepares(house: House) -> None:
    """Passwords are hashed one by one: a batch of them would take half a minute."""
    progress = TransferProgress(on_problem=lambda _: progress.cancel())
    told = await import_rows(house, "https://example.com/a,a,", "nonsense,b,", progress=progress)
    assert (told.state, told.created) == ("cancelled", 0)
    assert await list_all(house) == []


async def test_a_picture_that_is_being_drawn_is_left_when_an_import_is_cancelled() -> None:
    progress = TransferProgress()
    is_drawing, is_left = asyncio.Event(), asyncio.Event()

    async def draw() -> None:
        is_drawing.set()
        try:
            await asyncio.Event().wait()
        finally:
            is_left.set()

    working = asyncio.create_task(progress.unless_cancelled(draw()))
    await is_drawing.wait()
    progress.cancel()
    assert await working is None
    assert is_left.is_set()


async def test_combining_marks_without_end_cost_no_time(house: House) -> None:
    """Composing them takes the square of their number: minutes for each of these."""
    marks = "\u0315\u0300" * 200_000
    text = (
        f"url,slug,title,password\nhttps://example.com/,{marks},,\n"
        f"https://example.com/,b,{marks},\nhttps://example.com/,c,,{marks}\n"
    )
    begun = time.thread_time()
    told = await import_text(house, "csv", text)
    assert time.thread_time() - begun < 5
    assert (told.created, told.failed, told.switched_off) == (2, 1, {"password": 1})


async def test_a_long_slug_is_renamed_within_its_length(house: House) -> None:
    await make_link(house.context, house.actor, slug="x" * 128)
    await import_rows(house, f"https://example.com/x,{'x' * 128},", on_conflict="rename")
    assert await list_slugs(house) == ["x" * 128, "x" * 126 + "-2"]


async def test_a_taken_slug_may_be_the_end_of_it(house: House) -> None:
    await make_link(house.context, house.actor, slug="a")
    told = await import_rows(
        house, "https://example.com/x,b,", "https://example.com/y,a,", on_conflict="fail"
    )
    assert told.state == "failed"
    assert told.error is not None
    assert "'a' is already taken" in told.error
    assert await list_slugs(house) == ["a"]


async def test_a_slug_of_another_workspace_is_taken(house: House) -> None:
    stranger = await make_stranger(house)
    await make_link(stranger.context, stranger.actor, slug="a", url="https://example.com/x")
    told = await import_rows(house, "https://example.com/x,a,")
    assert (told.skipped, told.there) == (1, 0)
    assert await list_all(house) == []


async def test_a_slug_of_another_domain_is_free(house: House) -> None:
    await make_link(house.context, house.actor, slug="a", domain="localhost:8000")
    for is_dry_run in (True, False):
        told = await import_rows(house, "https://example.com/x,a,", is_dry_run=is_dry_run)
        assert (told.created, told.skipped) == (1, 0)
    assert [(link.host, link.slug) for link in await list_all(house)] == [
        ("localhost:8000", "a"),
        ("go.example", "a"),
    ]


async def test_a_destination_is_there_on_its_own_domain_and_in_its_workspace_alone(
    house: House,
) -> None:
    stranger, url = await make_stranger(house), "https://example.com/x"
    await make_link(stranger.context, stranger.actor, slug="theirs", url=url)
    await make_link(house.context, house.actor, slug="ours", url=url, domain="localhost:8000")
    for is_dry_run, created, there in ((True, 1, 0), (False, 1, 0), (True, 0, 1), (False, 0, 1)):
        told = await import_rows(house, f"{url},,", is_dry_run=is_dry_run)
        assert (told.created, told.there) == (created, there)
    assert [link.host for link in await list_all(house)] == ["localhost:8000", "go.example"]


async def make_stranger(house: House) -> House:
    home = await make_home(house.db, email="eve@b.example")
    return house._replace(actor=await make_actor(house.db, home))


async def test_one_domain_may_be_named_for_all(house: House) -> None:
    told = await import_rows(
        house,
        "https://example.com/a,a,old.example",
        "https://example.com/b,b,go.example",
        domain="localhost:8000",
    )
    assert told.created == 2
    assert {link.host for link in await list_all(house)} == {"localhost:8000"}
    told = await import_rows(house, "https://example.com/c,c,", domain="none.example")
    assert (told.state, told.created) == ("failed", 0)


async def test_the_plan_lets_in_what_it_has_room_for(house: House) -> None:
    small = on_small_plan(house)
    rows = [f"https://example.com/{number},s{number}," for number in range(5)]
    for is_dry_run in (True, False):
        told = await import_rows(small, *rows, is_dry_run=is_dry_run)
        assert (told.state, told.created, told.failed) == ("failed", 3, 2)
        assert told.error == "The plan's limit of 3 links is reached."
    assert await count_used(small) == {"links": 3, "links_per_month": 3}


@pytest.mark.parametrize("is_dry_run", [True, False])
@pytest.mark.parametrize(
    ("quota", "is_end"),
    [("links", True), ("links_per_month", True), ("qr_codes", False), ("bio_pages", False)],
)
async def test_each_quota_counts_what_is_there_and_what_the_file_brings(
    *, house: House, quota: str, is_end: bool, is_dry_run: bool
) -> None:
    """Two of three are used: of two more links the second is refused."""
    features: dict[str, Any] = {"isLinkInBio": True, "qrSettings": {"color": "#112233"}}
    for number in range(2):
        await make_link(
            house.context,
            house.actor,
            slug=f"s{number}",
            is_link_in_bio=True,
            qr_settings=QrSettings(color="#112233"),
        )
    limits: dict[str, Any] = {quota: 3}
    actor = replace(house.actor, plan=Plan(name="small", **limits))
    lines = [link_line(slug, **features) for slug in ("s1", "a", "b")]
    lines[0]["url"] = "https://example.com/page"  # is there
    told = await import_lines(house._replace(actor=actor), *lines, is_dry_run=is_dry_run)
    message = f"The plan's limit of 3 {quota.replace('_', ' ')} is reached."
    assert (told.created, told.there, told.failed) == (1, 1, 1)
    assert (told.state, told.error) == (("failed", message) if is_end else ("done", None))
    assert [(tell(each), each.message) for each in told.problems] == [
        (("failed", "line 4", "b"), message)
    ]


async def test_what_needs_no_code_or_page_comes_though_these_are_used_up(house: House) -> None:
    plan = Plan(name="small", qr_codes=0, bio_pages=0)
    small = house._replace(actor=replace(house.actor, plan=plan))
    for is_dry_run in (True, False):
        told = await import_rows(small, "https://example.com/,a,", is_dry_run=is_dry_run)
        assert (told.created, told.problems) == (1, ())


async def test_a_hash_that_is_none_of_ours_switches_its_link_off(house: House) -> None:
    line = link_line("a", passwordHash="$2b$12$abc", isLinkInBio=False)
    for is_dry_run in (True, False):
        told = await import_lines(house, line, is_dry_run=is_dry_run)
        assert [tell(problem) for problem in told.problems] == [("note", "line 2", "a")]
        assert "its password could not be imported" in told.problems[0].message
    link = await get_only(house)
    assert (link.is_active, link.password_hash) == (False, None)


async def test_a_dry_run_tells_all_and_changes_nothing(house: House) -> None:
    await make_link(house.context, house.actor, slug="a", url="https://example.com/a")
    rows = (
        "https://example.com/a,a,",
        "https://example.com/x,a,",
        "https://example.com/b,b,",
        "https://example.com/c,b,",
        "https://evil.example/,d,",
    )
    dry = await import_rows(house, *rows, is_dry_run=True)
    assert (dry.created, dry.there, dry.skipped, dry.failed) == (1, 1, 2, 1)
    assert await list_slugs(house) == ["a"]
    wet = await import_rows(house, *rows)
    assert wet == dry


async def test_more_than_one_batch_comes_whole_and_tells_how_far_it_is(house: House) -> None:
    told: list[Transfer] = []
    text = HEADING + "".join(f"https://example.com/{n},s{n},\n" for n in range(1203))
    done = await import_text(house, "csv", text, TransferProgress(on_change=told.append))
    assert (done.created, done.done, done.total) == (1203, len(text), len(text))
    assert [each.created for each in told[:3]] == [500, 1000, 1203]
    assert sorted(each.done for each in told) == [each.done for each in told]
    assert told[-1].state == "done"


async def test_a_cancelled_import_stops_after_its_batch(house: House) -> None:
    progress = TransferProgress(on_change=lambda _: progress.cancel())
    text = HEADING + "".join(f"https://example.com/{n},s{n},\n" for n in range(1203))
    told = await import_text(house, "csv", text, progress)
    assert (told.state, told.created) == ("cancelled", 500)


async def test_problems_are_kept_to_a_bound_and_reported_whole(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "KEPT_PROBLEMS", 3)
    reported: list[Problem] = []
    rows = "nonsense,,\n" * 5
    told = await import_text(
        house, "csv", HEADING + rows, TransferProgress(on_problem=reported.append)
    )
    assert (len(told.problems), told.problem_count, len(reported)) == (3, 5, 5)


async def test_a_file_that_breaks_off_keeps_what_came_before(house: House) -> None:
    dump = "INSERT INTO yourls_url VALUES ('a','https://example.com/a'),\n('b"
    told = await import_text(house, "yourls", dump)
    assert (told.state, told.created) == ("failed", 1)
    assert told.error is not None
    assert "line 2" in told.error


async def test_a_row_that_is_not_utf_8_costs_no_other(house: House) -> None:
    rows = b"https://example.com/a,a,\nhttps://\xff,b,\nhttps://example.com/c,c,\n"
    told = await import_text(house, "csv", HEADING.encode() + rows)
    assert (told.state, told.created, told.failed) == ("done", 2, 1)
    assert told.problems[0].place == "line 3"


async def test_a_table_in_a_named_encoding_comes_in_as_it_was_written(house: House) -> None:
    row = "https://example.com/,größe,\n".encode("cp1252")
    hints = Hints(encoding="cp1252")
    told = await import_text(house, "csv", HEADING.encode() + row, hints=hints)
    assert told.created == 1
    assert (await get_only(house)).slug == "größe"


async def test_a_password_in_a_table_protects(house: House) -> None:
    text = "url,slug,password\nhttps://example.com/,a,open sesame\nhttps://example.com/,b,true\n"
    told = await import_text(house, "csv", text)
    assert [tell(problem) for problem in told.problems] == [("note", "line 3", "b")]
    closed, off = await list_all(house)
    assert (closed.password_hash or "").startswith("$argon2id$")
    assert (closed.is_active, off.is_active) == (True, False)


async def test_who_may_only_read_imports_nothing(house: House) -> None:
    reader = house._replace(actor=replace(house.actor, scope="read"))
    with pytest.raises(ForbiddenError):
        await import_rows(reader, "https://example.com/,a,")
    assert await list_all(house) == []


async def test_clicks_are_counted_as_one_sum_where_no_more_is_known(house: House) -> None:
    text = "url,slug,clicks,scans\nhttps://example.com/,a,10,3\n"
    await import_text(house, "csv", text)
    link = await get_only(house)
    assert Counts(clicks=link.clicks, scans=link.scans) == Counts(clicks=7, scans=3)
