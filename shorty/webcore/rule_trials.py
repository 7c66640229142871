"""Tries a link's rules for a visitor that somebody describes: what the redirect would do.

Nothing is counted or stored. Doors read their input into a `Described` visitor.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from shorty.clicks.model import LONGEST_USER_AGENT, read_referrer
from shorty.clicks.user_agent import is_bot, read_user_agent
from shorty.errors import InvalidFieldsError
from shorty.links.blocklist import BlockList
from shorty.links.destination import UTM_PARAMETERS, destination_host, forward_parameters
from shorty.links.model import Link
from shorty.links.rule_matching import Choice, compile_rules
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

URL_MARK = "://"


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
    """Where the visitor would be led, and why. `at` is the moment that was tried."""

    url: str
    choice: Choice
    at: int


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
    compiled = compile_rules(
        link.rules if rules is None else rules,
        utm={name: getattr(link, name) for name in UTM_PARAMETERS},
        is_blocked=lambda url: block_list.is_blocked(destination_host(url)),
    )
    choice = explain(compiled, visitor, draw())
    url = choice.url or link.url
    if link.forward_parameters and described.query:
        url = forward_parameters(url, described.query.removeprefix("?"))
    return Trial(url=url, choice=choice, at=visitor.now)


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
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(aware.timestamp() * 1000)
    except (ValueError, OverflowError):
        faults["at"] = "must be an ISO 8601 time, such as 2026-12-31T23:59:59Z"
        return now
