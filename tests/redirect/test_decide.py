"""What a visit gets: every step in its place, and what must never happen in any combination."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.clicks.model import BOT, PERSON, PREFETCH, Kind
from shorty.links.lookup import CachedLink
from shorty.redirect.decide import (
    REACHED,
    Outcome,
    Visitor,
    count_visit,
    decide,
    decide_details,
    is_plain,
    list_methods,
)
from tests.redirect.factory import NOW, make_link

BOT_VISIT = {"is_bot": True}
CRAWLER = {"is_bot": True, "is_preview_crawler": True}
PREFETCH_VISIT = {"is_prefetch": True}
HEAD = {"method": "HEAD"}
POST = {"method": "POST"}
KNOWN = {"knows_password": True}
PAST_CARD = {"is_past_card": True}
OPTED_OUT = {"is_opted_out": True}

PASSWORD = {"password_hash": "$argon2id$x"}
EXPIRED = {"expires_at": NOW}
EARLY = {"valid_since": NOW + 1}
LIMITED = {"max_clicks": 5}
CARD = {"title": "Sale", "description": "All of it"}
PIXEL = {"meta_pixel_id": "123"}
EVERYTHING = {
    **PASSWORD,
    **LIMITED,
    **CARD,
    **PIXEL,
    "block_bots": True,
    "cloaked": True,
    "is_link_in_bio": True,
}

TABLE: list[tuple[dict[str, Any], dict[str, Any], Outcome, Kind | None]] = [
    ({}, {}, Outcome.REDIRECT, PERSON),
    ({}, BOT_VISIT, Outcome.REDIRECT, BOT),
    ({}, CRAWLER, Outcome.REDIRECT, BOT),
    ({}, PREFETCH_VISIT, Outcome.REDIRECT, PREFETCH),
    ({}, BOT_VISIT | PREFETCH_VISIT, Outcome.REDIRECT, BOT),
    ({}, HEAD, Outcome.REDIRECT, None),
    ({}, POST, Outcome.METHOD_NOT_ALLOWED, None),
    ({}, {"method": "DELETE"}, Outcome.METHOD_NOT_ALLOWED, None),
    ({}, {"method": "OPTIONS"}, Outcome.METHOD_NOT_ALLOWED, None),
    # 1: inactive, then the end of a link, before everything else
    (EVERYTHING | EXPIRED | {"is_active": False}, {}, Outcome.NOT_FOUND, None),
    (EVERYTHING | {"is_active": False, "is_blocked": True}, POST, Outcome.NOT_FOUND, None),
    (EARLY, {}, Outcome.NOT_FOUND, None),
    (EVERYTHING | EARLY | {"is_blocked": True}, POST | KNOWN, Outcome.NOT_FOUND, None),
    (CARD | EARLY, CRAWLER, Outcome.NOT_FOUND, None),
    (EARLY | {"expires_at": NOW + 2}, HEAD, Outcome.NOT_FOUND, None),
    ({"valid_since": NOW}, {}, Outcome.REDIRECT, PERSON),
    ({"valid_since": NOW - 1} | EXPIRED, {}, Outcome.EXPIRED, None),
    (EVERYTHING | EXPIRED | {"is_blocked": True}, BOT_VISIT, Outcome.EXPIRED, None),
    (PASSWORD | EXPIRED, {}, Outcome.EXPIRED, None),
    (PASSWORD | EXPIRED, POST, Outcome.EXPIRED, None),
    (PASSWORD | EXPIRED, KNOWN, Outcome.EXPIRED, None),
    (CARD | EXPIRED, CRAWLER, Outcome.EXPIRED, None),
    ({"expires_at": NOW + 1}, {}, Outcome.REDIRECT, PERSON),
    ({"expires_at": NOW - 1}, HEAD, Outcome.EXPIRED, None),
    # 2: bots, and blocked links
    ({"block_bots": True}, BOT_VISIT, Outcome.BOT_REFUSED, None),
    ({"block_bots": True} | CARD, CRAWLER, Outcome.BOT_REFUSED, None),
    ({"block_bots": True}, BOT_VISIT | HEAD, Outcome.BOT_REFUSED, None),
    ({"block_bots": True}, {}, Outcome.REDIRECT, PERSON),
    ({"block_bots": True}, PREFETCH_VISIT, Outcome.REDIRECT, PREFETCH),
    (EVERYTHING | {"is_blocked": True}, {}, Outcome.BLOCKED, None),
    (EVERYTHING | {"is_blocked": True}, POST | KNOWN, Outcome.BLOCKED, None),
    ({"is_blocked": True} | CARD, CRAWLER, Outcome.BLOCKED, None),
    # 3: the password, for whoever comes
    (EVERYTHING, {}, Outcome.PASSWORD_FORM, None),
    (PASSWORD, HEAD, Outcome.PASSWORD_FORM, None),
    (PASSWORD, BOT_VISIT, Outcome.PASSWORD_FORM, None),
    (PASSWORD | CARD, CRAWLER, Outcome.PASSWORD_FORM, None),
    (PASSWORD | LIMITED, PREFETCH_VISIT, Outcome.PASSWORD_FORM, None),
    (PASSWORD, POST, Outcome.PASSWORD_ATTEMPT, None),
    (PASSWORD, POST | KNOWN, Outcome.PASSWORD_ATTEMPT, None),
    (PASSWORD, {"method": "PUT"} | KNOWN, Outcome.METHOD_NOT_ALLOWED, None),
    (PASSWORD, KNOWN, Outcome.REDIRECT, PERSON),
    (PASSWORD, KNOWN | HEAD, Outcome.REDIRECT, None),
    # 4: cards, and links whose visits are numbered
    (CARD, CRAWLER, Outcome.PREVIEW_CARD, BOT),
    (CARD, CRAWLER | HEAD, Outcome.PREVIEW_CARD, None),
    ({"image": "https://example.com/i.png"}, CRAWLER, Outcome.PREVIEW_CARD, BOT),
    ({"title": "Sale"}, CRAWLER, Outcome.REDIRECT, BOT),
    (CARD, BOT_VISIT, Outcome.REDIRECT, BOT),
    (CARD, {}, Outcome.REDIRECT, PERSON),
    (CARD | PIXEL | {"cloaked": True}, CRAWLER, Outcome.PREVIEW_CARD, BOT),
    (CARD, CRAWLER | PAST_CARD, Outcome.REDIRECT, BOT),
    (CARD | PIXEL, CRAWLER | PAST_CARD, Outcome.PIXEL, BOT),
    (CARD, PAST_CARD, Outcome.REDIRECT, PERSON),
    (CARD | {"block_bots": True}, CRAWLER | PAST_CARD, Outcome.BOT_REFUSED, None),
    (CARD | PASSWORD, CRAWLER | PAST_CARD, Outcome.PASSWORD_FORM, None),
    (CARD | EXPIRED, CRAWLER | PAST_CARD, Outcome.EXPIRED, None),
    (CARD | LIMITED, CRAWLER | PAST_CARD, Outcome.PREVIEW_CARD, BOT),
    (LIMITED, {}, Outcome.REDIRECT, PERSON),
    (LIMITED, BOT_VISIT, Outcome.PREVIEW_CARD, BOT),
    (LIMITED, CRAWLER, Outcome.PREVIEW_CARD, BOT),
    (LIMITED, PREFETCH_VISIT, Outcome.WITHHELD, None),
    (LIMITED, HEAD, Outcome.WITHHELD, None),
    (LIMITED | PASSWORD, KNOWN | PREFETCH_VISIT, Outcome.WITHHELD, None),
    (LIMITED | PASSWORD, KNOWN | BOT_VISIT, Outcome.PREVIEW_CARD, BOT),
    # 5 to 8: the ways to the destination
    (PIXEL | {"cloaked": True, "is_link_in_bio": True}, {}, Outcome.BIO_PAGE, PERSON),
    (PIXEL | {"cloaked": True, "is_link_in_bio": True}, OPTED_OUT, Outcome.BIO_PAGE, PERSON),
    (PIXEL | {"cloaked": True}, {}, Outcome.CLOAK, PERSON),
    (PIXEL | {"cloaked": True}, OPTED_OUT, Outcome.CLOAK, PERSON),
    ({"cloaked": True, "link_type": "MAILTO"}, {}, Outcome.REDIRECT, PERSON),
    (PIXEL, {}, Outcome.PIXEL, PERSON),
    ({"google_tag_id": "G-1"}, {}, Outcome.PIXEL, PERSON),
    ({"gtm_container_id": "GTM-1"}, {}, Outcome.PIXEL, PERSON),
    ({"gtm_container_id": "GTM-1"}, OPTED_OUT, Outcome.REDIRECT, PERSON),
    (PIXEL, OPTED_OUT, Outcome.REDIRECT, PERSON),
    (PIXEL, HEAD, Outcome.PIXEL, None),
    (PIXEL | LIMITED, {}, Outcome.PIXEL, PERSON),
]


@pytest.mark.parametrize(("of_link", "of_visitor", "outcome", "kind"), TABLE)
def test_each_visit_gets_its_outcome_and_counts_as_what_it_is(
    of_link: dict[str, Any], of_visitor: dict[str, Any], outcome: Outcome, kind: Kind | None
) -> None:
    visitor = Visitor(**of_visitor)
    assert decide(make_link(**of_link), visitor, NOW) is outcome
    assert count_visit(outcome, visitor) == kind


@pytest.mark.parametrize("outcome", [Outcome.PREVIEW_CARD, Outcome.REDIRECT])
def test_preview_crawlers_can_be_left_unstored_and_nobody_else(outcome: Outcome) -> None:
    crawler = Visitor(is_bot=True, is_preview_crawler=True)
    assert count_visit(outcome, crawler) == BOT
    assert count_visit(outcome, crawler, skips_crawlers=True) is None
    assert count_visit(Outcome.REDIRECT, Visitor(is_bot=True), skips_crawlers=True) == BOT
    assert count_visit(Outcome.REDIRECT, Visitor(), skips_crawlers=True) == PERSON


def test_what_is_not_there_is_not_found_whatever_the_method() -> None:
    for method in ("GET", "HEAD", "POST", "DELETE"):
        assert decide(None, Visitor(method=method), NOW) is Outcome.NOT_FOUND
        assert decide_details(None, Visitor(method=method), NOW) is Outcome.NOT_FOUND


@pytest.mark.parametrize("of_visitor", [{}, BOT_VISIT, PREFETCH_VISIT, HEAD, POST, KNOWN])
def test_a_used_up_link_is_gone_for_everybody(of_visitor: dict[str, Any]) -> None:
    link = make_link(**EVERYTHING)
    assert decide(link, Visitor(**of_visitor), NOW, is_used_up=True) is Outcome.USED_UP


@pytest.mark.parametrize(
    ("of_link", "of_visitor", "outcome"),
    [
        ({}, {}, Outcome.DETAILS),
        ({}, HEAD, Outcome.DETAILS),
        (CARD | PIXEL | {"is_link_in_bio": True}, {}, Outcome.DETAILS),
        (PASSWORD, {}, Outcome.NOT_FOUND),
        (PASSWORD, KNOWN, Outcome.NOT_FOUND),
        ({"cloaked": True}, {}, Outcome.NOT_FOUND),
        (LIMITED, {}, Outcome.NOT_FOUND),
        ({"is_active": False}, {}, Outcome.NOT_FOUND),
        (EARLY, {}, Outcome.NOT_FOUND),
        (EARLY, POST, Outcome.NOT_FOUND),
        (EXPIRED, {}, Outcome.EXPIRED),
        ({"is_blocked": True}, {}, Outcome.BLOCKED),
        ({"block_bots": True}, BOT_VISIT, Outcome.BOT_REFUSED),
        ({}, POST, Outcome.METHOD_NOT_ALLOWED),
        ({}, {"method": "PUT"}, Outcome.METHOD_NOT_ALLOWED),
    ],
)
def test_the_details_are_shown_unless_the_link_keeps_them_to_itself(
    of_link: dict[str, Any], of_visitor: dict[str, Any], outcome: Outcome
) -> None:
    assert decide_details(make_link(**of_link), Visitor(**of_visitor), NOW) is outcome
    assert count_visit(Outcome.DETAILS, Visitor(**of_visitor)) is None


def test_only_a_link_with_a_password_takes_a_post() -> None:
    assert list_methods(make_link()) == "GET, HEAD"
    assert list_methods(make_link(**PASSWORD)) == "GET, HEAD, POST"


LINKS = st.builds(
    make_link,
    link_type=st.sampled_from(["URL", "MAILTO", "TEL", "SMS"]),
    description=st.sampled_from([None, "All of it"]),
    image=st.sampled_from([None, "https://example.com/i.png"]),
    cloaked=st.booleans(),
    block_bots=st.booleans(),
    is_active=st.booleans(),
    is_blocked=st.booleans(),
    password_hash=st.sampled_from([None, "$argon2id$x"]),
    valid_since=st.one_of(st.none(), st.integers(NOW - 2, NOW + 2)),
    expires_at=st.one_of(st.none(), st.integers(NOW - 2, NOW + 2)),
    max_clicks=st.one_of(st.none(), st.integers(1, 3)),
    meta_pixel_id=st.sampled_from([None, "1"]),
    google_tag_id=st.sampled_from([None, "G-1"]),
    gtm_container_id=st.sampled_from([None, "GTM-1"]),
    hide_referrer=st.booleans(),
    skip_social_crawler_tracking=st.booleans(),
    is_link_in_bio=st.booleans(),
    forward_parameters=st.booleans(),
)
VISITORS = st.builds(
    Visitor,
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT"]),
    is_bot=st.booleans(),
    is_prefetch=st.booleans(),
    is_preview_crawler=st.booleans(),
    knows_password=st.booleans(),
    is_opted_out=st.booleans(),
    is_past_card=st.booleans(),
)
REVEALING = REACHED | {Outcome.DETAILS}


@given(LINKS, VISITORS, st.booleans())
def test_the_destination_is_never_shown_where_it_must_not_be(
    link: CachedLink, visitor: Visitor, is_used_up: bool
) -> None:
    outcomes = {
        decide(link, visitor, NOW, is_used_up=is_used_up),
        decide_details(link, visitor, NOW, is_used_up=is_used_up),
    }
    if not outcomes & REVEALING:
        return
    assert link.is_active
    assert not link.is_blocked
    assert not is_used_up
    assert link.valid_since is None or link.valid_since <= NOW
    assert link.expires_at is None or link.expires_at > NOW
    assert visitor.method in {"GET", "HEAD"}
    assert link.password_hash is None or visitor.knows_password
    assert not (link.block_bots and (visitor.is_bot or visitor.is_preview_crawler))
    if link.max_clicks is not None:
        assert visitor == Visitor(
            knows_password=visitor.knows_password,
            is_opted_out=visitor.is_opted_out,
            is_past_card=visitor.is_past_card,
        )


@given(LINKS, VISITORS)
def test_a_click_is_a_get_by_a_person_that_reached_the_destination(
    link: CachedLink, visitor: Visitor
) -> None:
    outcome = decide(link, visitor, NOW)
    kind = count_visit(outcome, visitor)
    is_person = not (visitor.is_bot or visitor.is_prefetch or visitor.is_preview_crawler)
    assert (kind == PERSON) == (outcome in REACHED and visitor.method == "GET" and is_person)


@given(LINKS, VISITORS)
def test_head_gets_what_get_gets_except_of_a_numbered_link(
    link: CachedLink, visitor: Visitor
) -> None:
    get, head = (
        decide(link, Visitor(is_bot=visitor.is_bot, method=method), NOW)
        for method in ("GET", "HEAD")
    )
    assert get is head or (link.max_clicks is not None and head is Outcome.WITHHELD)


@given(LINKS, VISITORS)
def test_who_opted_out_meets_no_pixel_page(link: CachedLink, visitor: Visitor) -> None:
    if visitor.is_opted_out:
        assert decide(link, visitor, NOW) is not Outcome.PIXEL


@given(LINKS, VISITORS, st.integers(NOW - 3, NOW + 3), st.booleans())
def test_a_plain_link_redirects_every_visitor_at_every_time(
    link: CachedLink, visitor: Visitor, now: int, is_used_up: bool
) -> None:
    # Nobody counts the visits of a link without a limit.
    is_used_up = is_used_up and link.max_clicks is not None
    if is_plain(link) and visitor.method == "GET":
        assert decide(link, visitor, now, is_used_up=is_used_up) is Outcome.REDIRECT
        assert not link.forward_parameters
        assert not link.hide_referrer
        assert not link.skip_social_crawler_tracking


@given(LINKS)
def test_what_depends_on_nothing_is_plain(link: CachedLink) -> None:
    """The other way round: no link that could be answered at once takes the longer way."""
    visitors = [
        Visitor(is_bot=is_bot, is_prefetch=is_bot, is_preview_crawler=is_crawler)
        for is_bot in (False, True)
        for is_crawler in (False, True)
    ]
    outcomes = {decide(link, visitor, now) for visitor in visitors for now in (0, NOW + 9)}
    if outcomes == {Outcome.REDIRECT} and not link.forward_parameters:
        pixels = (link.meta_pixel_id, link.google_tag_id, link.gtm_container_id)
        has_more = link.hide_referrer or link.skip_social_crawler_tracking
        assert is_plain(link) or link.cloaked or any(pixels) or has_more
