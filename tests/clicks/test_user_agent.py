import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA, is_crawler

from shorty.clicks.crawlers import TOOLS
from shorty.clicks.user_agent import (
    Agent,
    is_bot,
    is_prefetch,
    is_preview_crawler,
    read_user_agent,
)
from tests.clicks.user_agents import KnownAgent, list_agents

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko)"
)
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android {}) AppleWebKit/537.36 (KHTML, like Gecko)"

BROWSERS = {
    f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36": Agent("Chrome", "Windows", "desktop"),
    f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36 Edg/126.0": Agent("Edge", "Windows", "desktop"),
    f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36 OPR/111.0.0.0": Agent("Opera", "Windows", "desktop"),
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko": Agent(
        "Internet Explorer", "Windows", "desktop"
    ),
    f"{MAC} Version/17.4.1 Safari/605.1.15": Agent("Safari", "macOS", "desktop"),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:127.0) Gecko/20100101 Firefox/127.0": Agent(
        "Firefox", "macOS", "desktop"
    ),
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0": Agent(
        "Firefox", "Ubuntu", "desktop"
    ),
    f"{LINUX} Chrome/126.0.0.0 Safari/537.36": Agent("Chrome", "Linux", "desktop"),
    f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1": Agent("Safari", "iOS", "mobile"),
    f"{IPHONE} CriOS/126.0 Mobile/15E148 Safari/604.1": Agent("Chrome", "iOS", "mobile"),
    f"{IPHONE} Mobile/15E148": Agent("Safari WebView", "iOS", "mobile"),
    IPHONE: Agent("Safari WebView", "iOS", "mobile"),
    "Mozilla/5.0 (Sailfish; Mobile; rv:60.0) Gecko/60.0 SailfishBrowser/1.0": Agent(
        "Sailfish Browser", "", "mobile"
    ),
    f"{IPAD} Version/17.5 Mobile/15E148 Safari/604.1": Agent("Safari", "iOS", "tablet"),
    f"{ANDROID.format('10; K')} Chrome/126.0.0.0 Mobile Safari/537.36": Agent(
        "Chrome", "Android", "mobile"
    ),
    f"{ANDROID.format('13; SM-X906C')} Chrome/126.0.0.0 Safari/537.36": Agent(
        "Chrome", "Android", "tablet"
    ),
    f"{ANDROID.format('13; SAMSUNG SM-S918B')} SamsungBrowser/25.0 Chrome/121.0 Mobile "
    "Safari/537.36": Agent("Samsung Internet", "Android", "mobile"),
    f"{ANDROID.format('11; KFTRWI')} Silk/108.4.6 like Chrome/108.0 Safari/537.36": Agent(
        "Amazon Silk", "Android", "tablet"
    ),
    f"{ANDROID.format('9; AFTKA')} Silk/98.2.1 like Chrome/98.0 Safari/537.36": Agent(
        "Amazon Silk", "Android", "other"
    ),
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0": Agent(
        "Firefox", "Android", "mobile"
    ),
    "Opera/9.80 (Android; Opera Mini/36.2/119.132; U; id) Presto/2.12.423 Version/12.16": Agent(
        "Opera Mini", "Android", "mobile"
    ),
    "Mozilla/5.0 (PlayStation 5 3.20/SmartTV) AppleWebKit/605.1.15 (KHTML, like Gecko)": Agent(
        "Apple Mail", "", "other"
    ),
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.5) AppleWebKit/537.36 85.0.4183.93/6.5 TV "
    "Safari/537.36": Agent("Safari", "Tizen", "other"),
    "a browser nobody knows": Agent("", "", "other"),
}

PEOPLES_BROWSERS = {
    r"AP3A\.240617\.008",  # a system's build, which every phone with it sends
    r"Code\/1\.",
    r"Fluid",
    r"MetaIAB Facebook",
    r"Trae\/",
}
"""Browsers of people that the package takes for crawlers."""

PROGRAMS = [
    "curl/8.5.0",
    "Wget/1.21",
    "python-requests/2.32",
    "Python-urllib/3.11",
    "axios/1.7",
    "Go-http-client/2.0",
    "node",
    "undici",
    "Java/17.0.1",
    "PostmanRuntime/7.39",
    "Deno/1.44",
    "Bun/1.1",
    f"{LINUX} HeadlessChrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "",
    "   ",
]


@pytest.mark.parametrize(("user_agent", "agent"), BROWSERS.items())
def test_a_browser_is_read(user_agent: str, agent: Agent) -> None:
    assert read_user_agent(user_agent) == agent
    assert not is_bot(user_agent)
    assert not is_preview_crawler(user_agent)


@pytest.mark.parametrize("app", list_agents("person"))
def test_the_browser_inside_an_app_is_a_person(app: KnownAgent) -> None:
    assert not is_bot(app.user_agent)
    assert not is_preview_crawler(app.user_agent)


def test_at_least_thirty_apps_are_known() -> None:
    assert len({app.maker for app in list_agents("person")}) > 30


@pytest.mark.parametrize("crawler", list_agents("preview"))
def test_a_preview_crawler_is_a_bot_of_its_own_kind(crawler: KnownAgent) -> None:
    assert is_preview_crawler(crawler.user_agent)
    assert is_bot(crawler.user_agent)
    assert read_user_agent(crawler.user_agent).device == "other"


@pytest.mark.parametrize(
    "user_agent", [*PROGRAMS, *(crawler.user_agent for crawler in list_agents("bot"))]
)
def test_a_program_is_a_bot_but_no_preview_crawler(user_agent: str) -> None:
    assert is_bot(user_agent)
    assert not is_preview_crawler(user_agent)


def test_the_fast_engine_finds_what_the_package_finds_itself() -> None:
    listed = [agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry.get("instances", [])]
    assert len(listed) > 1000
    missed = {
        entry["pattern"]
        for entry in CRAWLER_USER_AGENTS_DATA
        if not all(map(is_bot, entry.get("instances", [])))
    }
    assert missed == PEOPLES_BROWSERS
    assert [agent for agent in BROWSERS if is_crawler(agent)] == []


def test_every_tool_named_is_one_of_the_packages() -> None:
    assert {entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA} >= TOOLS


@pytest.mark.parametrize("name", ["WhatsApp/2.24", "Viber/22.6", "Sonic", "Notion/3.0"])
def test_a_bare_name_counts_where_it_leads_or_no_engine_is_named_before_it(name: str) -> None:
    phone = f"{ANDROID.format('10; K')} Chrome/126.0.0.0 Mobile Safari/537.36"
    assert is_bot(name)
    assert is_bot(f"{name} {phone}")
    assert is_bot(f"Mozilla/5.0 (compatible; {name})")
    assert not is_bot(f"{phone} {name}")
    assert is_bot(f"{phone} (compatible; {name}; +https://crawler.example)")
    assert not is_bot(f"Mozilla/5.0 (Linux; Android 10; {name}) AppleWebKit/537.36 Chrome/126.0")


def test_only_the_first_512_characters_are_read() -> None:
    browser = f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36 "
    assert is_bot((browser + "Googlebot/2.1").ljust(9000))
    assert not is_bot(browser.ljust(512) + "Googlebot/2.1")
    assert read_user_agent(browser.ljust(9000, "x")).browser == "Chrome"


@pytest.mark.parametrize(
    "header",
    ["prefetch", "prefetch;prerender", "Prefetch; anonymous-client-ip", "preview", "prerender"],
)
def test_a_prefetch_says_so_in_any_of_its_headers(header: str) -> None:
    assert is_prefetch(header)
    assert is_prefetch("", "", header)


def test_other_purposes_are_no_prefetch() -> None:
    assert not is_prefetch("", "", "")
    assert not is_prefetch("navigate")
