"""Owns what a visit to a short link gets: the link and the visitor, in order, to one outcome.

Pure: the route renders the outcome, tries passwords and keeps count. The order is the contract,
since each step hides what the later ones would tell: an expired link asks for no password, and a
password page says nothing of where the link leads.
"""

from enum import Enum, auto
from typing import Final

import msgspec

from shorty.clicks.model import BOT, PERSON, PREFETCH, Kind
from shorty.links.lookup import CachedLink


class Outcome(Enum):
    """What is answered. HEAD gets the same headers, without the body."""

    NOT_FOUND = auto()
    EXPIRED = auto()
    USED_UP = auto()
    METHOD_NOT_ALLOWED = auto()
    BOT_REFUSED = auto()
    BLOCKED = auto()
    PASSWORD_FORM = auto()
    PASSWORD_ATTEMPT = auto()
    """A password was sent: right, the cookie and 303 to the same address; wrong, the form again."""
    PREVIEW_CARD = auto()
    WITHHELD = auto()
    """204 and bare headers: a prefetch or HEAD of a link whose visits are numbered."""
    BIO_PAGE = auto()
    CLOAK = auto()
    PIXEL = auto()
    REDIRECT = auto()
    DETAILS = auto()
    """The page at `SLUG+`."""


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision needs to know of a request.

    `knows_password`: has this link's cookie, or sent the password. `is_opted_out`: sent Sec-GPC or
    DNT, and the configuration honours it. `follows_button`: comes from the link's own bio page.
    `is_past_card`: comes from the link's own card.
    """

    method: str = "GET"
    is_bot: bool = False
    is_prefetch: bool = False
    is_preview_crawler: bool = False
    knows_password: bool = False
    is_opted_out: bool = False
    follows_button: bool = False
    is_past_card: bool = False


ENDED: Final = frozenset({Outcome.EXPIRED, Outcome.USED_UP})
"""Outcomes of a link that works no more; its visitors may be led elsewhere."""
STEERED: Final = frozenset({Outcome.CLOAK, Outcome.PIXEL, Outcome.REDIRECT})
"""Outcomes whose destination the link's rules choose."""
REACHED: Final = frozenset({Outcome.BIO_PAGE, Outcome.CLOAK, Outcome.PIXEL, Outcome.REDIRECT})
"""Outcomes by which a visitor came to the destination; what a click is."""


def decide(
    link: CachedLink | None, visitor: Visitor, now: int, *, is_used_up: bool = False
) -> Outcome:
    """`is_used_up`: the exact count of a link with `maxClicks` has reached it."""
    if link is None or not _is_open(link, now):
        return Outcome.NOT_FOUND
    return (
        _find_ending(link, now, is_used_up=is_used_up)
        or _find_denial(link, visitor)
        or _find_password_step(link, visitor)
        or _find_card(link, visitor)
        or _find_way(link, visitor)
    )


def is_plain(link: CachedLink) -> bool:
    """Whether every GET gets REDIRECT: nothing of the link asks for more, but perhaps its rules."""
    is_conditional = (
        link.is_blocked
        or link.block_bots
        or link.password_hash is not None
        or link.valid_since is not None
        or link.expires_at is not None
        or link.max_clicks is not None
        or link.description
        or link.image
        or link.is_link_in_bio
        or link.cloaked
        or link.meta_pixel_id
        or link.google_tag_id
        or link.gtm_container_id
        or link.hide_referrer
        or link.skip_social_crawler_tracking
        or link.forward_parameters
    )
    return bool(link.is_active and not is_conditional)


def decide_details(
    link: CachedLink | None, visitor: Visitor, now: int, *, is_used_up: bool = False
) -> Outcome:
    """What `SLUG+` gets: the page, unless the link keeps its destination to itself."""
    if link is None or not _is_open(link, now):
        return Outcome.NOT_FOUND
    ending = _find_ending(link, now, is_used_up=is_used_up) or _find_denial(link, visitor)
    if ending is not None:
        return ending
    if link.password_hash is not None or link.cloaked or link.max_clicks is not None:
        return Outcome.NOT_FOUND
    return Outcome.METHOD_NOT_ALLOWED if visitor.method == "POST" else Outcome.DETAILS


def count_visit(outcome: Outcome, visitor: Visitor, *, skips_crawlers: bool = False) -> Kind | None:
    """How the visit is stored; None if it is not stored. Only PERSON counts as a click.

    A crawler that got a card is stored as a bot, because somebody shared the link; with
    `skips_crawlers`, none of them is stored.
    """
    if visitor.method != "GET" or (skips_crawlers and visitor.is_preview_crawler):
        return None
    if outcome is Outcome.PREVIEW_CARD:
        return BOT
    if outcome not in REACHED:
        return None
    if visitor.is_bot or visitor.is_preview_crawler:
        return BOT
    return PREFETCH if visitor.is_prefetch else PERSON


def list_methods(link: CachedLink) -> str:
    """The value of an `Allow` header."""
    return "GET, HEAD" if link.password_hash is None else "GET, HEAD, POST"


def _is_open(link: CachedLink, now: int) -> bool:
    """Whether it lets on that it exists: switched on, and begun."""
    return link.is_active and (link.valid_since is None or link.valid_since <= now)


def _find_ending(link: CachedLink, now: int, *, is_used_up: bool) -> Outcome | None:
    if link.expires_at is not None and link.expires_at <= now:
        return Outcome.EXPIRED
    return Outcome.USED_UP if is_used_up else None


def _find_denial(link: CachedLink, visitor: Visitor) -> Outcome | None:
    if visitor.method not in {"GET", "HEAD", "POST"}:
        return Outcome.METHOD_NOT_ALLOWED
    if link.block_bots and (visitor.is_bot or visitor.is_preview_crawler):
        return Outcome.BOT_REFUSED
    return Outcome.BLOCKED if link.is_blocked else None


def _find_password_step(link: CachedLink, visitor: Visitor) -> Outcome | None:
    if link.password_hash is None:
        return Outcome.METHOD_NOT_ALLOWED if visitor.method == "POST" else None
    if visitor.method == "POST":
        return Outcome.PASSWORD_ATTEMPT
    return None if visitor.knows_password else Outcome.PASSWORD_FORM


def _find_card(link: CachedLink, visitor: Visitor) -> Outcome | None:
    has_card = bool(link.description or link.image) and not visitor.is_past_card
    if visitor.is_preview_crawler and has_card:
        return Outcome.PREVIEW_CARD
    if link.max_clicks is None:
        return None
    if visitor.is_bot or visitor.is_preview_crawler:
        return Outcome.PREVIEW_CARD
    return Outcome.WITHHELD if visitor.is_prefetch or visitor.method == "HEAD" else None


def _find_way(link: CachedLink, visitor: Visitor) -> Outcome:
    # The page of a limited link leads on by itself: its visit is the one that counts.
    if link.is_link_in_bio and not (visitor.follows_button and link.max_clicks is None):
        return Outcome.BIO_PAGE
    # A frame cannot show a letter or a phone call.
    if link.cloaked and link.link_type == "URL":
        return Outcome.CLOAK
    has_pixel = bool(link.meta_pixel_id or link.google_tag_id or link.gtm_container_id)
    # It has fired on the page already.
    is_spared = visitor.is_opted_out or link.is_link_in_bio
    return Outcome.PIXEL if has_pixel and not is_spared else Outcome.REDIRECT
