"""Reads user agents and prefetch headers: bots, preview crawlers, browser, system, kind of device.

Whatever takes a user agent looks at its first 512 characters only, and remembers what it found.
"""

from functools import cache, lru_cache
from re import compile as compile_pattern
from typing import Final, Literal, NamedTuple

from ua_parser.core import Domain, PartialResult
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

from shorty.clicks.crawlers import REMEMBERED_AGENTS, find_program, load_programs
from shorty.clicks.model import BOT, LONGEST_USER_AGENT, PERSON, UNKNOWN, Kind

LONGEST_NAME: Final = 50

_BROWSERS: Final = {
    "Android": "Android Browser",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Ecosia iOS": "Ecosia",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari WebView",
    "Opera Mobile": "Opera",
    "Other": "",
    "QQ Browser Mobile": "QQ Browser",
}
_SYSTEMS: Final = {"Mac OS X": "macOS", "ATV OS X": "tvOS", "WatchOS": "watchOS", "Other": ""}
_PHONE_SYSTEMS: Final = {"Android", "iOS", "Windows Phone", "KaiOS", "BlackBerry OS", "Firefox OS"}
_NO_PERSONAL_DEVICE: Final = compile_pattern(
    r"TV\b|\bAFT[A-Z]|BRAVIA|Tizen|Web0S|Roku|CrKey|PlayStation|Xbox|Nintendo"
)
_TABLET: Final = compile_pattern(r"iPad|Tablet|PlayBook|\bKF[A-Z]{2,6}\b|Nexus (?:7|9|10)\b")
_DESKTOP: Final = compile_pattern(r"Windows NT|Macintosh|X11|CrOS|Linux")
_PREFETCH: Final = compile_pattern(r"prefetch|prerender|preview")

Device = Literal["desktop", "mobile", "tablet", "other"]


class Agent(NamedTuple):
    """What made a request; "" where it does not say."""

    browser: str
    os: str
    device: Device


def is_bot(user_agent: str) -> bool:
    """Whether a program says that it is one, or says nothing at all."""
    return find_program(user_agent[:LONGEST_USER_AGENT]) != ""


def is_preview_crawler(user_agent: str) -> bool:
    """Whether it fetches addresses to show a card of them. Every one of them is a bot too."""
    return find_program(user_agent[:LONGEST_USER_AGENT]) == "preview"


def tell_kind(kind: Kind, user_agent: str) -> Kind:
    """A visit's kind; where the redirect did not need to know it, the user agent says."""
    if kind != UNKNOWN:
        return kind
    return BOT if is_bot(user_agent) else PERSON


def is_prefetch(*headers: str) -> bool:
    """Whether nobody may ever look at the answer: Sec-Purpose, Purpose and X-Moz say so."""
    return any(_PREFETCH.search(header.lower()) for header in headers)


def read_user_agent(user_agent: str) -> Agent:
    return _read_agent(user_agent[:LONGEST_USER_AGENT])


def load_patterns() -> None:
    """Takes 0.3 s; otherwise the first visitor would wait for it."""
    load_programs()
    _load_agents()


@lru_cache(REMEMBERED_AGENTS)
def _read_agent(user_agent: str) -> Agent:
    found = _load_agents()(user_agent, Domain.USER_AGENT | Domain.OS)
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    return Agent(
        _BROWSERS.get(browser, browser)[:LONGEST_NAME],
        _SYSTEMS.get(system, system)[:LONGEST_NAME],
        _tell_device(user_agent, found),
    )


def _tell_device(user_agent: str, found: PartialResult) -> Device:
    if is_bot(user_agent) or _NO_PERSONAL_DEVICE.search(user_agent):
        return "other"
    if _TABLET.search(user_agent):
        return "tablet"
    system = found.os.family if found.os else ""
    if system == "Android":
        # Browsers on Android say "Mobile" on phones only.
        return "mobile" if "Mobi" in user_agent or "Opera M" in user_agent else "tablet"
    if system in _PHONE_SYSTEMS or "Mobi" in user_agent:
        return "mobile"
    return "desktop" if _DESKTOP.search(user_agent) else "other"


@cache
def _load_agents() -> Resolver:
    browsers, systems, _ = load_lazy_builtins()
    return Resolver((browsers, systems, []))  # the patterns of devices alone would take 15 MB
