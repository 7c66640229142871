"""Badges: what is special about a link, in a word or two, with the day on which it changes."""

from zoneinfo import ZoneInfo

import msgspec

from shorty.links.model import Link
from shorty.web.formatting import write_day, write_moment, write_plural


class Badge(msgspec.Struct, frozen=True, kw_only=True):
    """`about` is for the pointer."""

    text: str
    kind: str = ""
    about: str = ""


def list_badges(link: Link, now: int, zone: ZoneInfo) -> list[Badge]:
    """What is special about a link, the most important first."""
    is_used_up = link.max_clicks is not None and link.click_count >= link.max_clicks
    limit = link.max_clicks
    left = "" if limit is None else f"{link.click_count:,} of {write_plural(limit, 'visit')}"
    badges = (
        (link.is_admin_blocked, Badge(text="Blocked", kind="alarm", about="Blocked by an admin")),
        (not link.is_active, Badge(text="Off", kind="warn", about="Visitors see a 404 page")),
        *_list_dated(link, now, zone),
        (is_used_up, Badge(text="Used up", kind="warn", about=left)),
        (link.max_clicks is not None and not is_used_up, Badge(text="Limited", about=left)),
        (link.password_hash is not None and link.is_password_asked, Badge(text="Password")),
        (link.is_link_in_bio, Badge(text="Bio page")),
        (link.cloaked, Badge(text="Cloaked")),
        (has_rules(link), Badge(text="Rules", about="Some visitors go elsewhere")),
    )
    return [badge for is_so, badge in badges if is_so]


def has_rules(link: Link) -> bool:
    return any(rule.is_active for rule in link.rules)


def _list_dated(link: Link, now: int, zone: ZoneInfo) -> list[tuple[bool, Badge]]:
    dated: list[tuple[bool, Badge]] = []
    if (start := link.valid_since) is not None:
        about = f"{write_moment(start, zone)} ({zone})"
        text = f"Starts {write_day(start, now, zone)}"
        dated.append((start > now, Badge(text=text, kind="warn", about=about)))
    if (end := link.expires_at) is not None:
        is_over = end <= now
        text = f"{'Expired' if is_over else 'Ends'} {write_day(end, now, zone)}"
        about = f"{write_moment(end, zone)} ({zone})"
        dated.append((True, Badge(text=text, kind="warn" if is_over else "", about=about)))
    return dated
