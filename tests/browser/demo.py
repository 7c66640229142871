"""Fills a workspace through the domains, as if its people had used it for months."""

from collections.abc import Iterator, Sequence
from functools import partial
from random import Random
from typing import Final, TypeVar

import msgspec

from shorty.accounts.model import Actor
from shorty.accounts.service import Home, add_user, rename_workspace
from shorty.bio.blocks import add_block
from shorty.bio.model import NewBlock
from shorty.bio.service import create_page
from shorty.clicks.model import BOT, LINK, PERSON, QR, Click
from shorty.config import Config
from shorty.domains import DomainDirectory
from shorty.links.checks import read_link_rules
from shorty.links.context import LinkContext
from shorty.links.lookup import LinkLookup
from shorty.links.model import Link, LinkChange
from shorty.links.service import create_link
from shorty.links.tags import NewTag, create_tag
from shorty.storage.database import Database
from tests.browser.roasters import (
    BIO_BLOCKS,
    BIO_PAGE,
    BIO_PAGE_MADE,
    CODE,
    COUNTRIES,
    HOURS,
    LINKS,
    OWNER,
    PROGRAMS,
    REFERRERS,
    RULES,
    SITE,
    TAGS,
    WINNERS,
    WORKSPACE,
    Entry,
)
from tests.browser.site import Site, read_clock
from tests.clicks.making import load_clicks
from tests.support import DAY, make_actor

T = TypeVar("T")

HOUR: Final = 3_600_000
WEEKEND: Final = 0.7
BOTS: Final = 0.06
GROWTH: Final = 1.6  # how much busier the last day is than the one four months before
FADED: Final = 0.03  # of the first day's clicks, in the end
MONTHS: Final = 120
REGULARS: Final = 260  # how many regular visitors each day has


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    home: Home
    links: dict[str, Link]
    bio_page_id: int
    rule_id: str = RULES[0].id
    """Of the link "menu"."""


def furnish(
    site: Site,
    config: Config,
    domain: str,
    *,
    entries: Sequence[Entry] = LINKS,
    share: float = 1,
) -> Demo:
    """A workspace with links on `domain` and `share` of their clicks."""
    return site.portal.call(partial(furnish_workspace, site.db, config, domain, entries, share))


async def furnish_workspace(
    db: Database, config: Config, domain: str, entries: Sequence[Entry], share: float
) -> Demo:
    now = read_clock()
    name, email = OWNER
    context = await open_link_context(db, config)
    home = await db.write(lambda tx: add_user(tx, config, email, now - MONTHS * DAY, name=name))
    actor = await make_actor(db, home, config=config)
    await db.write(lambda tx: rename_workspace(tx, actor, WORKSPACE))
    links = await furnish_links(context, actor, domain, entries, now, share)
    return Demo(
        home=home, links=links, bio_page_id=await make_bio_page(context, actor, links, domain, now)
    )


async def open_link_context(db: Database, config: Config) -> LinkContext:
    """Beside the server, like commands."""
    directory = DomainDirectory(db, config)
    await directory.reload()
    rules = read_link_rules(config)
    return LinkContext(
        db=db,
        domains=directory,
        lookup=LinkLookup(db, rules.block_list),
        rules=rules,
    )


async def furnish_links(
    context: LinkContext,
    actor: Actor,
    domain: str,
    entries: Sequence[Entry],
    now: int,
    share: float,
) -> dict[str, Link]:
    """The links by their slugs, with `share` of their clicks."""
    for name, color in TAGS.items():
        new = NewTag(name=name, color=color)
        await context.db.write(lambda tx, new=new: create_tag(tx, actor, new, now))
    random = Random(7)  # noqa: S311 - nothing secret, and the same each time
    links: dict[str, Link] = {}
    for entry in sorted(entries, key=lambda each: each.made, reverse=True):
        made_at = now - entry.made * DAY - random.randrange(9 * HOUR)
        link = await create_link(context, actor, describe_link(entry, domain, now), made_at)
        links[entry.slug] = link
        await load_clicks(context.db, invent_clicks(random, entry, link.id, made_at, now, share))
    return links


async def make_bio_page(
    context: LinkContext, actor: Actor, links: dict[str, Link], domain: str, now: int
) -> int:
    made_at = now - BIO_PAGE_MADE * DAY
    new = LinkChange(url=SITE, domain=domain, slug="hello", title=WORKSPACE)
    page = await create_page(context, actor, new, BIO_PAGE, made_at)
    for entry in BIO_BLOCKS:
        block = NewBlock(kind="link", link_id=links[entry].id) if isinstance(entry, str) else entry
        await context.db.write(
            lambda tx, block=block: add_block(tx, context, actor, page.id, block, made_at)
        )
    return page.id


def describe_link(entry: Entry, domain: str, now: int) -> LinkChange:
    return LinkChange(
        url=SITE + entry.path,
        domain=domain,
        slug=entry.slug,
        title=entry.title,
        tag_names=entry.tags,
        utm_source="harbour" if entry.medium else None,
        utm_medium=entry.medium or None,
        utm_campaign=entry.campaign or None,
        expires_at=None if entry.ends_in is None else now + entry.ends_in * DAY,
        max_clicks=entry.max_clicks,
        password=entry.password,
        is_active=entry.is_active,
        qr_settings=CODE if entry.scans else None,
        rules=entry.rules or None,
    )


def invent_clicks(
    random: Random, entry: Entry, link_id: int, made_at: int, now: int, share: float
) -> Iterator[Click]:
    for day in range(made_at // DAY, now // DAY + 1):
        expected = entry.daily * share * weigh_day(entry, day, now // DAY)
        for _ in range(round(max(0, random.gauss(expected, expected**0.5)))):
            at = day * DAY + draw(random, dict(enumerate(HOURS))) * HOUR + random.randrange(HOUR)
            if made_at < at < now:
                yield invent_click(random, entry, link_id, at)


def weigh_day(entry: Entry, day: int, today: int) -> float:
    age = day - (today - entry.made)
    if entry.fades:
        return max(FADED, 0.6**age)
    growth = GROWTH ** (1 - (today - day) / MONTHS) / GROWTH
    is_weekend = (day + 3) % 7 >= 5
    return growth * (WEEKEND if is_weekend else 1)


def invent_click(random: Random, entry: Entry, link_id: int, at: int) -> Click:
    is_scan = random.randrange(100) < entry.scans
    kind = BOT if random.random() < BOTS else PERSON
    has_rules = bool(entry.rules) and kind == PERSON
    rule_id, variant = draw(random, WINNERS) if has_rules else ("", "")
    browser, system, device = draw(random, PROGRAMS)
    if is_scan:
        browser, system, device = draw(random, dict(list(PROGRAMS.items())[:2]))
    return Click(
        link_id=link_id,
        at=at,
        visitor=random.randrange(1, REGULARS) + at // DAY * REGULARS,
        kind=kind,
        source=QR if is_scan else LINK,
        country=draw(random, COUNTRIES),
        referrer=None if is_scan else draw(random, REFERRERS),
        browser=browser,
        os=system,
        device=device,
        utm=write_utm(entry),
        rule_id=rule_id or None,
        variant=variant or None,
    )


def write_utm(entry: Entry) -> str | None:
    if not entry.medium:
        return None
    return msgspec.json.encode(["harbour", entry.medium, entry.campaign, None, None]).decode()


def draw(random: Random, weights: dict[T, int]) -> T:
    return random.choices(list(weights), list(weights.values()))[0]
