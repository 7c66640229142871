"""Tries a link's rules for a visitor that somebody describes: what the redirect would do.

Nothing is counted or stored. Doors read their input into a `Described` visitor.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from shorty.clicks.model import LONGEST_USER_AGENT, read_referrer
from shorty.clicks.user_agent import is_bot, read_user_agent
from shorty.errors import InvalidFieldsError
from shorty.links.blocklist import BlockList
from shorty.links.destination import UTM_PARAMETERS, destination_host, forward_parameters
from shorty.links.model import Link
from shorty.links.rule_matching import Choice, compile_rules, list_drawn
from shorty.links.rule_reasons import explain
from shorty.links.rule_visitor import (
    LONGEST_LANGUAGES,
    Address,
    StatedVisitor,
    fold_name,
    read_client_address,
    read_country,
    read_languages,
    read_query,
)
from shorty.links.rules import Rules

URL_MARK: Final = "://"
# The ends of the calendar, as far in that the clock of every time zone still shows a date.
FIRST_MOMENT: Final = datetime(1, 1, 2, tzinfo=UTC)
LAST_MOMENT: Final = datetime(9999, 12, 30, tzinfo=UTC)


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A visitor in texts; what is None is unknown.

    `language` is a language or a whole Accept-Language header, `referrer` a host or a URL, `at`
    ISO 8601 or None for now. A device, system and browser that are not given are read off the
    `user_agent`.
    """

    country: str | None = None
    region: str | None = None
    city: str | None = None
    device: str | None = None
    os: str | None = None
    browser: str | None = None
    language: str | None = None
    query: str | None = None
    referrer: str | None = None
    ip: str | None = None
    at: str | None = None
    user_agent: str | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """Where the visitor would be led, and why. `at` is the moment that was tried.

    `drawn` are the choices of which `choice` was drawn; it alone where nothing is drawn. Their URLs
    are as visitors get them, the link's own among them, and a block list that names the link's own
    destination blocks them all.
    """

    choice: Choice
    drawn: Sequence[Choice]
    at: int

    @property
    def url(self) -> str:
        return self.choice.url or ""


def try_rules(
    link: Link,
    described: Described,
    now: int,
    *,
    draw: Callable[[], float],
    block_list: BlockList,
    rules: Rules | None = None,
) -> Trial:
    """`rules` are tried in place of the link's own. Raises InvalidFieldsError."""
    visitor = read_visitor(described, now)

    def is_blocked(url: str) -> bool:
        return block_list.is_blocked(destination_host(url))

    compiled = compile_rules(
        link.rules if rules is None else rules,
        utm={name: getattr(link, name) for name in UTM_PARAMETERS},
        is_blocked=is_blocked,
    )
    is_closed = link.link_type == "URL" and is_blocked(link.url)
    query = (described.query or "").removeprefix("?") if link.forward_parameters else ""

    def aim(found: Choice) -> Choice:
        url = found.url or link.url
        return found._replace(
            url=forward_parameters(url, query) if query else url,
            is_blocked=is_closed or found.is_blocked,
        )

    choice = explain(compiled, visitor, draw())
    drawn = [aim(each) for each in list_drawn(compiled, choice, visitor.now)]
    return Trial(choice=aim(choice), drawn=drawn, at=visitor.now)


def read_visitor(described: Described, now: int) -> StatedVisitor:
    """Raises InvalidFieldsError with every fault."""
    faults: dict[str, str] = {}
    address, at = _read_address(described.ip, faults), _read_moment(described.at, now, faults)
    if faults:
        raise InvalidFieldsError(faults)
    user_agent = described.user_agent
    agent = None if user_agent is None else read_user_agent(user_agent[:LONGEST_USER_AGENT])
    query, languages = described.query, (described.language or "")[:LONGEST_LANGUAGES]
    return StatedVisitor(
        now=at,
        is_program=user_agent is not None and is_bot(user_agent),
        country=read_country((described.country or "").strip().upper()),
        region=(described.region or "").strip().upper() or None,
        city=_read_name(described.city),
        device=_read_name(described.device or (agent and agent.device)),
        os=_read_name(described.os or (agent and agent.os)),
        browser=_read_name(described.browser or (agent and agent.browser)),
        languages=read_languages(languages),
        query=None if query is None else read_query(query.removeprefix("?")),
        referrer_host=_read_referrer(described.referrer),
        address=address,
    )


def _read_name(text: str | None) -> str | None:
    return fold_name((text or "").strip()) or None


def _read_referrer(text: str | None) -> str | None:
    given = (text or "").strip()
    return read_referrer(given if URL_MARK in given else f"https://{given}/") or None


def _read_address(text: str | None, faults: dict[str, str]) -> Address | None:
    address = read_client_address(text.strip()) if text else None
    if text and address is None:
        faults["ip"] = "must be an IP address, such as 203.0.113.7 or 2001:db8::7"
    return address


def _read_moment(text: str | None, now: int, faults: dict[str, str]) -> int:
    """A time without a zone is in UTC."""
    if not text:
        return now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        faults["at"] = "must be an ISO 8601 time, such as 2026-12-31T23:59:59Z"
        return now
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if FIRST_MOMENT <= aware <= LAST_MOMENT:
        return round(aware.timestamp() * 1000)
    faults["at"] = "must be between 0001-01-02 and 9999-12-30"
    return now
