"""The rules of a link in the dashboard: shown, edited in place, moved, switched and tried."""

import re
from html import unescape
from typing import Any

import pytest
from msgspec.structs import force_setattr, replace

from shorty.config import Config
from shorty.links.blocklist import BlockList
from shorty.links.model import Link, LinkChange
from shorty.links.rule_reading import read_rules
from shorty.links.rules import Rule
from shorty.links.service import change_link, get_link
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.web.browser import Browser, read_text
from tests.web.test_lost_forms import HERE, ann, send_late, sign_in_again

__all__ = ["ann"]

PLACE = "/app/links"
GERMANS: dict[str, Any] = {
    "id": "4f2a",
    "url": "https://example.de/app",
    "conditions": [
        {"type": "country", "values": ["DE", "AT"]},
        {"type": "device", "values": ["mobile"]},
    ],
}
HOURS: dict[str, Any] = {
    "id": "77c1",
    "name": "Shop is open",
    "url": "https://example.com/open",
    "conditions": [
        {
            "type": "time",
            "timezone": "Europe/Berlin",
            "days": [1, 2],
            "from": "09:00",
            "to": "17:00",
        }
    ],
}
SPLIT: dict[str, Any] = {
    "id": "b90e",
    "variants": [
        {"key": "a", "url": "https://example.com/a", "weight": 60},
        {"key": "b", "url": "https://example.com/b", "weight": 40},
    ],
    "sticky": True,
}


@pytest.fixture
def config() -> Config:
    return Config(domains=DOMAINS)


async def make_link(house: House, *rules: dict[str, Any], **more: Any) -> Link:
    return await house.make_link(rules=read(*rules), **more)


def read(*given: dict[str, Any]) -> tuple[Rule, ...]:
    rules, faults = read_rules(list(given))
    assert faults == {}
    return rules


async def find_rules(house: House, link: Link) -> tuple[Rule, ...]:
    found = await get_link(house.app.services.links, await house.make_actor(), link.id)
    return found.rules


async def list_ids(house: House, link: Link) -> list[str]:
    return [rule.id for rule in await find_rules(house, link)]


def place(link: Link, *parts: str) -> str:
    return "/".join((f"{PLACE}/{link.id}/rules", *parts))


def read_fields(page: str) -> list[tuple[str, str]]:
    """What the form of a rule would send as it stands."""
    start = page.index('id="rule-form"')
    form = page[start : page.index("</form>", start)]
    fields: list[tuple[str, str]] = []
    for tag in re.findall(r"<input[^>]*>", form):
        given = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if given.get("type") != "checkbox" or " checked" in tag:
            fields.append((given["name"], given.get("value", "")))
    for name, text in re.findall(r'<textarea[^>]*name="([\w-]+)"[^>]*>([^<]*)</textarea>', form):
        fields.append((name, unescape(text)))
    for name, options in re.findall(
        r'<select[^>]*name="([\w-]+)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        fields.append((name, unescape(chosen[1]) if chosen else ""))
    return fields


async def fill_in(browser: Browser, path: str, **changed: str) -> dict[str, list[str]]:
    """The form of the page with some of its fields typed over; hyphens are written as `__`."""
    fields: dict[str, list[str]] = {}
    for name, value in read_fields((await browser.open(path)).text):
        fields.setdefault(name, []).append(value)
    return fields | {name.replace("__", "-"): [value] for name, value in changed.items()}


def find_fault(page: str, field: str) -> str:
    found = re.search(rf'id="{field}-fault">([^<]+)<', page)
    return unescape(found[1]) if found else ""


async def test_rules_are_sentences_with_their_destinations(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS, HOURS | {"isActive": False}, SPLIT)
    text = read_text((await owner.open(place(link))).text)
    assert "In Germany or Austria, on a phone" in text
    assert "example.de/app" in text
    assert "Shop is open On Monday or Tuesday between 09:00 and 17:00 (Europe/Berlin) Off" in text
    assert "a 60% example.com/a" in text
    assert "b 40% example.com/b" in text
    assert "Everyone else" in text


async def test_a_rule_is_added_from_what_was_typed(house: House, owner: Browser) -> None:
    link = await make_link(house)
    step = await owner.send(
        place(link), await fill_in(owner, place(link), step="condition", new_type="country")
    )
    assert step.status_code == 200
    assert await find_rules(house, link) == ()
    fields = dict(read_fields(step.text)) | {
        "c0-values": "Germany, Austria",
        "v0-url": "example.de/app",
    }
    page = await owner.follow(await owner.send(place(link), fields))
    assert "Rule added: In Germany or Austria" in read_text(page)
    (rule,) = await find_rules(house, link)
    assert rule.url == "https://example.de/app"
    assert rule.conditions[0].values == ("DE", "AT")
    assert re.fullmatch(r"[\w-]+", rule.id)


async def test_a_new_rule_goes_before_one_for_everyone(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS, SPLIT)
    fields = {"c0-type": "language", "c0-values": "French", "v0-url": "example.fr"}
    fields |= {"is_active": "1"}
    await owner.follow(await owner.send(place(link), fields))
    ids = await list_ids(house, link)
    assert (ids[0], ids[2]) == ("4f2a", "b90e")


async def test_saving_a_form_as_it_is_changes_nothing(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS, HOURS, SPLIT)
    before = await find_rules(house, link)
    for rule in before:
        path = place(link, rule.id)
        answer = await owner.send(path, await fill_in(owner, path))
        assert answer.headers["location"] == f"{place(link)}#rule-{rule.id}"
    assert await find_rules(house, link) == before


async def test_a_changed_rule_keeps_its_id_and_its_place(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS, SPLIT)
    path = place(link, "4f2a")
    fields = await fill_in(owner, path, c0__values="France", v0__url="example.fr", name="French")
    page = await owner.follow(await owner.send(path, fields))
    assert "Rule saved: French" in read_text(page)
    first, second = await find_rules(house, link)
    assert (first.id, first.name, first.url) == ("4f2a", "French", "https://example.fr/")
    assert (first.conditions[0].values, first.conditions[1].values) == (("FR",), ("mobile",))
    assert second.id == "b90e"


async def test_a_destination_is_split_and_joined_again(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS)
    path = place(link, "4f2a")
    step = await owner.send(path, await fill_in(owner, path, step="variant"))
    assert "Add variant" in step.text
    fields: dict[str, list[str]] = {}
    for name, value in read_fields(step.text):
        fields.setdefault(name, []).append(value)
    fields |= {"v1-url": ["example.com/b"], "v0-weight": ["30"], "v1-weight": ["70"]}
    page = await owner.follow(await owner.send(path, fields))
    assert "a 30% example.de/app" in read_text(page)
    assert [each.weight for each in (await find_rules(house, link))[0].variants] == [30, 70]
    joined = await fill_in(owner, path, v0__url="")
    await owner.follow(await owner.send(path, joined))
    (rule,) = await find_rules(house, link)
    assert (rule.url, rule.variants) == ("https://example.com/b", ())


async def test_a_fault_stands_beside_its_field_and_nothing_typed_is_lost(
    house: House, owner: Browser
) -> None:
    link = await make_link(house, GERMANS, HOURS)
    path = place(link, "77c1")
    fields = await fill_in(
        owner, path, v0__url="ftp://files.example", c0__timezone="Mars/Base", name="Mine"
    )
    answer = await owner.send(path, fields)
    assert answer.status_code == 422
    assert find_fault(answer.text, "v0-url")
    assert find_fault(answer.text, "c0-timezone")
    shown = dict(read_fields(answer.text))
    assert (shown["v0-url"], shown["c0-timezone"], shown["name"]) == (
        "ftp://files.example",
        "Mars/Base",
        "Mine",
    )
    assert (await find_rules(house, link))[1].name == "Shop is open"
    unread = await fill_in(owner, place(link, "4f2a"), c2__type="after", c2__at="soon")
    answer = await owner.send(place(link, "4f2a"), unread)
    assert find_fault(answer.text, "c2-at") == "Must be a date and time."
    country = await fill_in(owner, place(link, "4f2a"), c0__values="Germany, Atlantis")
    answer = await owner.send(place(link, "4f2a"), country)
    assert "“Atlantis”" in find_fault(answer.text, "c0-values")


async def test_a_rule_for_everyone_in_the_middle_says_so(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS, HOURS)
    path = place(link, "4f2a")
    step = await fill_in(owner, path)
    for name in [name for name in step if name.startswith("c")]:
        del step[name]
    answer = await owner.send(path, step)
    assert answer.status_code == 422
    assert find_fault(answer.text, "conditions")


async def test_a_rule_that_somebody_changed_meanwhile_is_not_overwritten_unasked(
    house: House, owner: Browser
) -> None:
    link = await make_link(house, GERMANS)
    path = place(link, "4f2a")
    mine = await fill_in(owner, path, name="Mine")
    theirs = LinkChange(rules=read(GERMANS | {"url": "https://example.de/theirs"}))
    context, actor = house.app.services.links, await house.make_actor()
    await change_link(context, actor, link.id, theirs, house.now)
    answer = await owner.send(path, mine)
    assert answer.status_code == 409
    text = read_text(answer.text)
    assert "Someone changed this rule while you edited it." in text
    assert "on a phone → example.de/theirs" in text
    assert dict(read_fields(answer.text))["name"] == "Mine"
    again: dict[str, list[str]] = {}
    for name, value in read_fields(answer.text):
        again.setdefault(name, []).append(value)
    await owner.follow(await owner.send(path, again))
    (rule,) = await find_rules(house, link)
    assert (rule.name, rule.url) == ("Mine", "https://example.de/app")


async def test_a_rule_that_somebody_deleted_meanwhile_can_be_added_again(
    house: House, owner: Browser
) -> None:
    link = await make_link(house, GERMANS)
    mine = await fill_in(owner, place(link, "4f2a"), name="Mine")
    context, actor = house.app.services.links, await house.make_actor()
    await change_link(context, actor, link.id, LinkChange(rules=read(HOURS)), house.now)
    answer = await owner.send(place(link, "4f2a"), mine)
    assert answer.status_code == 409
    assert "This rule was deleted while you edited it." in read_text(answer.text)
    assert f'action="{place(link)}"' in answer.text
    assert dict(read_fields(answer.text))["name"] == "Mine"


async def test_rules_are_moved_one_place_or_into_any_order(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS, HOURS)
    page = await owner.follow(await owner.send(place(link, "77c1", "move"), way="up"))
    assert "“Shop is open” moved to position 1 of 2." in read_text(page)
    assert await list_ids(house, link) == ["77c1", "4f2a"]
    page = await owner.follow(await owner.send(place(link, "77c1", "move"), way="up"))
    assert "moved to position 1 of 2" in read_text(page)
    order = f"{PLACE}/{link.id}/rule-order"
    sent = await owner.send(order, {"ids": ["4f2a", "77c1"]})
    assert sent.status_code == 303
    assert await list_ids(house, link) == ["4f2a", "77c1"]
    for ids in (["4f2a"], ["4f2a", "4f2a"], ["4f2a", "77c1", "x"]):
        answer = await owner.send(order, {"ids": ids})
        assert answer.status_code == 409
        assert "The rules changed meanwhile" in read_text(answer.text)
    assert await list_ids(house, link) == ["4f2a", "77c1"]


async def test_a_rule_for_everyone_does_not_move_up(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS, SPLIT)
    answer = await owner.send(place(link, "b90e", "move"), way="up")
    assert answer.status_code == 422
    assert "Rule 1" in read_text(answer.text)
    assert await list_ids(house, link) == ["4f2a", "b90e"]


async def test_a_rule_is_switched_off_and_on(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS)
    for value, said, is_active in (("", "is off now", False), ("1", "is on now", True)):
        sent = await owner.send(place(link, "4f2a", "switch"), is_active=value)
        assert said in read_text(await owner.follow(sent))
        assert (await find_rules(house, link))[0].is_active is is_active


async def test_a_winner_is_made_and_taken_back(house: House, owner: Browser) -> None:
    link = await make_link(house, SPLIT)
    assert "Make b the winner" in read_text((await owner.open(place(link))).text)
    sent = await owner.send(place(link, "b90e", "winner"), variant="b")
    page = read_text(await owner.follow(sent))
    assert "Variant b is the winner: everyone gets it now." in page
    assert "b winner example.com/b" in page
    assert (await find_rules(house, link))[0].winner == "b"
    await owner.follow(await owner.send(place(link, "b90e", "winner"), variant=""))
    assert (await find_rules(house, link))[0].winner is None
    wrong = await owner.send(place(link, "b90e", "winner"), variant="z")
    assert wrong.status_code == 422


async def test_a_rule_is_deleted_once_somebody_is_sure(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS, HOURS)
    page = (await owner.open(place(link))).text
    question = re.search(r'name="confirm_question" value="(Delete the rule[^"]+)"', page)
    assert question
    path = place(link, "4f2a", "delete")
    asked = await owner.send(path, confirm_question=unescape(question[1]))
    assert "Its numbers are kept." in read_text(asked.text)
    assert await list_ids(house, link) == ["4f2a", "77c1"]
    sure = await owner.send(path, confirmed="1", confirm_question=unescape(question[1]))
    assert "deleted" in read_text(await owner.follow(sure))
    assert await list_ids(house, link) == ["77c1"]
    assert (await owner.send(path, confirmed="1")).status_code == 404


@pytest.mark.parametrize("link_type", ["MAILTO", "TEL"])
async def test_a_link_that_is_no_web_page_has_no_rules(
    house: House, owner: Browser, link_type: Any
) -> None:
    url = {"MAILTO": "mailto:ann@a.example", "TEL": "tel:+491234567"}[link_type]
    link = await house.make_link(url=url, link_type=link_type)
    page = (await owner.open(place(link))).text
    assert "Rules need a link that redirects to a web page." in read_text(page)
    assert 'id="rule-form"' not in page


async def test_the_simulator_says_what_decides_and_why_others_do_not(
    house: House, owner: Browser
) -> None:
    link = await make_link(house, GERMANS, HOURS | {"isActive": False}, SPLIT)
    page = (await owner.open(f"{place(link)}?try=1&country=DE&device=desktop")).text
    text = read_text(page[page.index('id="trial-result"') :])
    assert "Everyone decides: the visitor goes to 60% a example.com/a , 40% b example.com/b" in text
    assert "It asks for “on a phone”, but the device is a computer." in text
    assert "It is switched off." in text
    page = (await owner.open(f"{place(link)}?try=1&country=DE&device=mobile")).text
    text = read_text(page[page.index('id="trial-result"') :])
    assert "In Germany or Austria, on a phone decides: the visitor goes to example.de/app" in text
    assert "An earlier rule decides." in text
    page = (await owner.open(f"{place(link)}?try=1&at=soon&ip=x")).text
    assert "Must be a date and time." in read_text(page)
    assert "decides" not in page[page.index('id="trial-result"') :]


async def test_the_simulator_shows_each_variant_as_its_visitors_get_it(
    house: House, owner: Browser
) -> None:
    link = await make_link(house, SPLIT, utm_source="mail", forward_parameters=True)
    page = (await owner.open(f"{place(link)}?try=1&query=x%3D1")).text
    result = page[page.index('id="trial-result"') :]
    assert re.findall(r'<a class="wrap" href="([^"]*)"', result) == [
        f"https://example.com/{key}?utm_source=mail&amp;x=1" for key in "ab"
    ]


async def test_a_rule_about_places_says_where_no_place_is_known(
    house: House, owner: Browser
) -> None:
    """This server has no database of places."""
    city = {"type": "city", "values": ["Berlin"]}
    link = await make_link(house, {"id": "1", "url": "https://a.example", "conditions": [city]})
    text = read_text((await owner.open(place(link))).text)
    assert "knows no visitor's region or city: the rule never fits." in text
    other = await make_link(house, GERMANS)
    assert "never fits" not in read_text((await owner.open(place(other))).text)


async def test_nobody_is_left_where_a_rule_is_for_everyone(house: House, owner: Browser) -> None:
    for rules, is_said in (
        ((GERMANS, SPLIT), True),
        ((GERMANS, SPLIT | {"isActive": False}), False),
    ):
        link = await make_link(house, *rules)
        text = read_text((await owner.open(place(link))).text)
        assert ("(nobody: a rule above is for everyone)" in text) is is_said


async def test_a_destination_that_was_blocked_since_says_so(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS)
    away = {"key": "b", "url": "https://example.de/b", "weight": 40}
    split = await make_link(house, SPLIT | {"variants": [SPLIT["variants"][0], away]})
    context = house.app.services.links
    blocked = replace(context.rules, block_list=BlockList(["example.de"]))
    force_setattr(context, "rules", blocked)
    page = await owner.open(f"{place(link)}?try=1&country=DE&device=mobile")
    assert "A block list names this destination" in read_text(page.text)
    page = await owner.open(f"{place(split)}?try=1")
    faults = re.findall(r"A block list names (.*?), so visitors see", read_text(page.text))
    assert ["example.de/b" in fault for fault in faults] == [True]


async def test_a_viewer_sees_rules_and_tries_them_but_changes_none(
    house: House, viewer: Browser, stranger: Browser
) -> None:
    link = await make_link(house, GERMANS, SPLIT)
    page = (await viewer.open(f"{place(link)}?try=1&country=DE&device=mobile")).text
    assert "In Germany or Austria, on a phone decides" in read_text(page)
    assert "/rules/4f2a" not in page
    assert "rule-form" not in page
    assert "Make b the winner" not in page
    actions = [place(link, "4f2a", name) for name in ("move", "switch", "winner", "delete")]
    for path in (place(link), place(link, "4f2a"), f"{PLACE}/{link.id}/rule-order", *actions):
        assert (await viewer.send(path)).status_code == 403
        assert (await stranger.send(path)).status_code == 404
    assert (await viewer.open(place(link, "4f2a"))).status_code == 403
    assert (await stranger.open(place(link, "4f2a"))).status_code == 404
    assert await list_ids(house, link) == ["4f2a", "b90e"]


async def test_the_history_has_rules_in_words(house: House, owner: Browser) -> None:
    link = await make_link(house, GERMANS)
    await owner.send(place(link, "4f2a", "switch"), is_active="")
    text = read_text((await owner.open(f"{PLACE}/{link.id}/history")).text)
    rule = "country DE or AT, device mobile → https://example.de/app"
    assert f"Rules {rule} {rule} (off)" in text


async def test_a_form_whose_session_ended_comes_back_with_all_of_its_rows(
    house: House, ann: Browser
) -> None:
    """The page without it has none of these fields."""
    link = await make_link(house, GERMANS)
    typed = {"is_active": "1", "c0-type": "language", "c0-values": "French", "name": "Mine"}
    typed |= {"c4-type": "time", "c4-from": "09:00", "c4-timezone": "UTC"}
    typed |= {"v0-url": "a.example", "v0-key": "a", "v3-url": "b.example", "v3-key": "z"}
    typed |= {"sticky": "1", "winner": "z"}
    for path in (place(link), place(link, "4f2a")):
        await ann.open(place(link))
        way = await send_late(house, ann, path, typed, referer=f"{HERE}{path}?range=7d")
        page = (await sign_in_again(ann, way)).text
        assert "You were signed out before this form was sent." in read_text(page)
        assert "What you entered" not in page
        assert f'action="{path}"' in page
        shown = dict(read_fields(page))
        assert {name: shown.get(name) for name in typed} == typed
    assert await list_ids(house, link) == ["4f2a"]


async def test_a_form_of_a_rule_that_is_gone_comes_back_as_a_new_one(
    house: House, ann: Browser
) -> None:
    link = await make_link(house, GERMANS)
    path = place(link, "4f2a")
    fields = await fill_in(ann, path, name="Mine")
    plain = {name: values[-1] for name, values in fields.items() if name != "form_token"}
    way = await send_late(house, ann, path, plain, referer=f"{HERE}{path}")
    context, actor = house.app.services.links, await house.make_actor()
    await change_link(context, actor, link.id, LinkChange(rules=read(HOURS)), house.now)
    page = (await sign_in_again(ann, way)).text
    assert "This rule was deleted while you edited it." in read_text(page)
    assert dict(read_fields(page))["name"] == "Mine"
