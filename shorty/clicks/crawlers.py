"""Recognises programs by their user agent, and which of them fetch link previews.

The patterns are those of the package `crawler-user-agents` and some of our own. Most are names, and
a name alone proves little: the browser inside an app appends the app's name to the system browser's
user agent. A bare name therefore counts only before a browser engine, or in a user agent that
introduces itself like crawlers do. A name that contains "bot" counts anywhere.
"""

from functools import cache, lru_cache
from re import IGNORECASE
from re import compile as compile_pattern
from typing import Final, Literal

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser.core import Domain, Matcher, UserAgent
from ua_parser.lazy import UserAgentMatcher
from ua_parser.regex import Resolver

REMEMBERED_AGENTS: Final = 4096

PREVIEW_CRAWLERS: Final = (
    r"facebookexternalhit|Facebot|meta-externalfetcher|Twitterbot|LinkedInBot|redditbot",
    r"Slackbot|Slack-ImgProxy|Discordbot|TelegramBot|SkypeUriPreview|TeamsBot",
    r"Pinterestbot|Snap URL Preview|vkShare|kakaotalk-scrap|line-poker",
    r"SummalyBot|Cardyb|/web/snippet/|Google-PageRenderer|MicrosoftPreview",
    r"XING-contenttabreceiver|Mattermost-Bot|Synapse \(bot|NotionEmbedder",
)
"""Programs that fetch a URL to show a preview of it."""
PREVIEW_NAMES: Final = (
    r"WhatsApp/|Viber/|^Pinterest/0|^Tumblr/|Mastodon/|Pleroma |Akkoma |Misskey/|Friendica|Lemmy/",
    r"Iframely|Embedly|FlipboardProxy|Rocket\.Chat",
)
"""The same, by the names of products that people also use."""
MORE_BOTS: Final = (
    r"^node(?:/|$)|^undici|^Java/|^PostmanRuntime/|^Deno/|^Bun/|^insomnia/|^Dart/|^Ruby",
    r"^GuzzleHttp|^PHP/|^Faraday|^rest-client|^unirest|^http\.rb/|^ReactorNetty|^python-urllib3",
    r"^ApacheBench/|^k6/|^Artillery|^Dalvik/|CFNetwork/|^Microsoft Office/|ms-office",
)
"""Programs that follow links by themselves and are not in the package's list."""
TOOLS: Final = frozenset(
    {
        r"AppInsights",
        r"Chrome-Lighthouse",
        r"Collapsify",
        r"CookieHubVerify",
        r"Criticalcss\.com",
        r"DareBoost",
        r"Dlc\/",
        r"Foregenix",
        r"GTmetrix",
        r"Ghost Inspector",
        r"Google-Ads-Conversions",
        r"GoogleImageProxy",
        r"Hardenize",
        r"Hotjar",
        r"LinkTiger",
        r"Manus-User",
        r"MarketGoo\/",
        r"MonitoRSS\/",
        r"Nitro-",
        r"PWABuilderHttpAgent",
        r"PlayStore-Google",
        r"Playwright",
        r"PrintFriendly\.com",
        r"Puppeteer",
        r"Readable\/",
        r"SQWatcher",
        r"Scope3",
        r"SecurityHeaders",
        r"Selenium",
        r"Silktide",
        r"Sindup",
        r"Siteimprove\.com",
        r"Specificfeeds",
        r"Sucuri",
        r"TestLocally\/",
        r"ThousandEyes",
        r"YLT Chrome",
        r"[pP]ingdom",
        r"abuse\.xmco\.fr",
        r"GeedoShopProductFinder",
        r"GotSiteMonitor\.com",
        r"(^| )PTST\/",
        r"nbertaupete95",
        r"newsai\/",
        r"splash Version\/",
    }
)
"""The package's names of programs that drive a browser, follow its engine and say nothing more.
Nobody opens a link in one of them. A test finds names that are missing here."""

_CALLS_ITSELF_PROGRAM: Final = compile_pattern(
    r"bot|crawl|spider|scrape|scan|preview|headless|monitor|synthetic|favicon"
    r"|http|python|curl|wget",
    IGNORECASE,
)
_ENGINE: Final = compile_pattern(r"AppleWebKit|Gecko/|KHTML|Trident/|Presto/|Chrome/|Firefox/")
_INTRODUCTION: Final = compile_pattern(r"compatible;|https?://|www\.|@")
# A phone's model and its system's build, which the maker chooses freely and may be any word.
_MODEL: Final = compile_pattern(r"Android [^;()]*;[^()]*")

Program = Literal["", "bot", "preview"]


@lru_cache(REMEMBERED_AGENTS)
def find_program(user_agent: str) -> Program:
    """The kind of program that sent it; "" for a person's browser.

    An empty user agent is a program.
    """
    if not user_agent.strip():
        return "bot"
    program = _find(_load_programs(), user_agent)
    if program == "preview":
        return program
    return _find(_load_names(), _cut_apps(user_agent)) or program


def names_engine(user_agent: str) -> bool:
    return _ENGINE.search(user_agent) is not None


def load_programs() -> None:
    _load_programs()
    _load_names()


def _find(resolver: Resolver, text: str) -> Program:
    found = resolver(text, Domain.USER_AGENT).user_agent
    if found is None:
        return ""
    return "preview" if found.family == "preview" else "bot"


def _cut_apps(user_agent: str) -> str:
    """Removes what an app's browser adds after the engine, and the phone's model."""
    engine = _ENGINE.search(user_agent)
    if engine is None or _INTRODUCTION.search(user_agent, engine.start()):
        return user_agent
    return _MODEL.sub("", user_agent[: engine.start()])


@cache
def _load_programs() -> Resolver:
    listed = (pattern for pattern in _list_patterns() if not _is_bare_name(pattern))
    return _build_resolver(PREVIEW_CRAWLERS, (*MORE_BOTS, *listed))


@cache
def _load_names() -> Resolver:
    return _build_resolver(PREVIEW_NAMES, tuple(filter(_is_bare_name, _list_patterns())))


def _list_patterns() -> list[str]:
    return [entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA]


def _is_bare_name(pattern: str) -> bool:
    return pattern not in TOOLS and not _CALLS_ITSELF_PROGRAM.search(pattern)


def _build_resolver(previews: tuple[str, ...], bots: tuple[str, ...]) -> Resolver:
    # The pattern engine for browsers is about forty times as fast as `re` for this list.
    matchers: list[Matcher[UserAgent]] = []
    matchers += [UserAgentMatcher(pattern, "preview") for pattern in previews]
    matchers += [UserAgentMatcher(pattern, "bot") for pattern in bots]
    return Resolver((matchers, [], []))
