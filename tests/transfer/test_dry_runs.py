"""A dry run and the import that follows it say the same, whatever is in the file."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shorty.links.tags import MAX_TAGS, NewTag, make_colored_tags
from shorty.transfer.model import SourceName
from shorty.transfer.progress import Transfer
from tests.examples import count_examples
from tests.support import NOW
from tests.transfer.making import (
    House,
    get_only,
    import_text,
    list_all,
    on_small_plan,
    run_in_house,
)

HEAD = '{"kind":"export","format":2,"exportedAt":1}\n'
COLUMNS = ("url", "slug", "title", "tags", "status", "password", "max_clicks", "expires", "created")
CELLS = st.fixed_dictionaries(
    {
        "url": st.sampled_from(
            ["https://a.example/", "https://b.example/x", "mailto:a@b.example", "nonsense", ""]
        ),
        "slug": st.sampled_from(["a", "A", "b", "b/c", "api", "a b", "", "x" * 200, "ü"]),
        "title": st.sampled_from(["", "Sale", "x" * 600]),
        "tags": st.sampled_from(["", "a", "a|b", "x" * 60, "a|A|\x7f", "\u200b"]),
        "status": st.sampled_from(["", "301", "active", "banned", "expired", "odd", "used up"]),
        "password": st.sampled_from(["", "true", "open sesame", "$2y$10$abc", "x" * 300]),
        "max_clicks": st.sampled_from(["", "0", "5", "many", "99999999999"]),
        "expires": st.sampled_from(["", "2020-01-01", "2099-01-01", "soon"]),
        "created": st.sampled_from(["", "2020-01-01", "once"]),
    }
)
LINES = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("tag"),
            "name": st.sampled_from(["a", "A", "", "x" * 60, "b,c"]),
            "color": st.sampled_from(["#112233", "red"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("template"),
            "name": st.sampled_from(["t", "T", "", "x" * 200]),
            "utmSource": st.sampled_from(["mail", "shop", "x" * 900]),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("logo"),
            "id": st.integers(1, 2),
            "name": st.just("l"),
            "png": st.sampled_from(["", "bm8="]),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("link"),
            "id": st.sampled_from(["1", "2", ""]),
            "domain": st.sampled_from(["go.example", "none.example"]),
            "slug": st.sampled_from(["a", "b", "api"]),
            "url": st.sampled_from(["https://a.example/", "https://b.example/", "tel:+1"]),
            "linkType": st.sampled_from(["URL", "TEL", "PIGEON"]),
            "tags": st.lists(st.sampled_from(["a", "b", "x" * 60]), max_size=3),
            "passwordHash": st.sampled_from([None, "$2y$10$abc"]),
            "maxClicks": st.sampled_from([None, 0, 5, -1]),
            "webhookUrls": st.sampled_from([[], ["https://hooks.example/"], ["nonsense"]]),
            "createdAt": st.just(1),
            "updatedAt": st.just(1),
        }
    ),
    st.just({"kind": "nonsense"}),
)


def write_table(rows: list[dict[str, str]]) -> str:
    lines = [COLUMNS, *(tuple(row[name] for name in COLUMNS) for row in rows)]
    return "".join(",".join(line) + "\n" for line in lines)


def write_lines(lines: list[dict[str, Any]]) -> str:
    return HEAD + "".join(msgspec.json.encode(line).decode() + "\n" for line in lines)


async def assert_both_say_the_same(house: House, source: SourceName, text: str) -> Transfer:
    dry = await import_text(house, source, text, is_dry_run=True)
    wet = await import_text(house, source, text)
    assert dry == wet
    assert len(await list_all(house)) == wet.created
    return wet


@settings(max_examples=count_examples(20), deadline=None)
@given(st.lists(CELLS, max_size=12), st.booleans())
def test_a_dry_run_of_a_table_says_what_an_import_does(
    rows: list[dict[str, str]], is_small: bool
) -> None:
    async def move(house: House) -> None:
        chosen = on_small_plan(house) if is_small else house
        await assert_both_say_the_same(chosen, "csv", write_table(rows))

    run_in_house(move)


@settings(max_examples=count_examples(20), deadline=None)
@given(st.lists(LINES, max_size=12), st.booleans())
def test_a_dry_run_of_our_own_format_says_what_an_import_does(
    lines: list[dict[str, Any]], is_small: bool
) -> None:
    async def move(house: House) -> None:
        chosen = on_small_plan(house) if is_small else house
        await assert_both_say_the_same(chosen, "shorty", write_lines(lines))

    run_in_house(move)


async def test_tags_without_room_are_remarks(house: House) -> None:
    news = [NewTag(name=f"t{number}") for number in range(MAX_TAGS - 1)]
    await house.db.write(lambda tx: make_colored_tags(tx, house.actor.workspace_id, news, NOW))
    text = "url,slug,tags\nhttps://a.example/,a,t1|last|more\nhttps://b.example/,b,LAST|T2\n"
    told = await assert_both_say_the_same(house, "csv", text)
    assert (told.created, told.failed, told.remarks) == (2, 0, {"tags": 1})
    assert [[tag.name for tag in link.tags] for link in await list_all(house)] == [
        ["t1", "last"],
        ["last", "t2"],
    ]


@pytest.mark.parametrize(
    ("tags", "kept", "remarks"),
    [
        ("a|" + "x" * 60, ["a"], 1),
        ("a|\x07", ["a"], 1),
        ("|".join(f"t{number:02}" for number in range(60)), 50, 1),
        ("a|A|a ", ["a"], 0),
    ],
)
async def test_a_tag_that_cannot_be_created_is_a_remark(
    house: House, tags: str, kept: list[str] | int, remarks: int
) -> None:
    told = await assert_both_say_the_same(
        house, "csv", f"url,slug,tags\nhttps://a.example/,a,{tags}\n"
    )
    names = [tag.name for tag in (await get_only(house)).tags]
    assert (len(names) if isinstance(kept, int) else names) == kept
    assert (sum(told.remarks.values()), told.failed) == (remarks, 0)
    assert not any("tag_names" in problem.message for problem in told.problems)


async def test_a_plan_without_webhooks_costs_no_link(house: House) -> None:
    plan = replace(house.actor.plan, webhooks=False)
    small = house._replace(actor=replace(house.actor, plan=plan))
    text = "url,slug,webhook_urls\nhttps://a.example/,a,https://hooks.example/\n"
    told = await assert_both_say_the_same(small, "csv", text)
    assert (told.created, told.remarks) == (1, {"other": 1})
    assert (await get_only(house)).webhook_urls == ()
