"""A browser and a server for all tests of a worker, with people, pages and a watch for each."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from shorty.accounts.service import Home
from shorty.config import Config
from tests.browser.chromium import find_chromium, launch_chromium
from tests.browser.demo import Demo, furnish
from tests.browser.elsewhere import run_elsewhere
from tests.browser.looking import WIDE
from tests.browser.roasters import KINDS
from tests.browser.site import Site
from tests.browser.watch import Watch
from tests.service import PATIENCE_S
from tests.support import prepare_copy
from tests.webhooks.receiver import Receiver, answer, run_receiver

ZONE = "Europe/Berlin"

expect.set_options(timeout=PATIENCE_S * 1000)


class OpenBrowser(Protocol):
    """A separate browser, signed in if a person is given."""

    def __call__(
        self,
        home: Home | None = None,
        *,
        size: tuple[int, int] = WIDE,
        scheme: Literal["light", "dark"] = "light",
        scripts: bool = True,
    ) -> Page: ...


# Not session-scoped: Playwright's loop counts as running in this thread until it is closed, and
# coroutine tests elsewhere need the thread for their own loops.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip("needs Chromium")
    with sync_playwright() as playwright, launch_chromium(playwright, program) as browser:
        yield browser


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    prepare_copy(folder)
    with Site(folder, SHORTY_WEBHOOKS__ALLOW_PRIVATE="true") as site:
        yield site


@pytest.fixture(scope="package")
def elsewhere(site: Site) -> Iterator[str]:
    """The origin of a site that links may lead to."""
    with site.portal.wrap_async_context_manager(run_elsewhere()) as origin:
        yield origin


@pytest.fixture
def receiver(site: Site) -> Iterator[Receiver]:
    """A receiver of webhooks, which answers each with 200 and closes the connection."""
    closing = answer(200, b"", "Connection: close")
    with site.portal.wrap_async_context_manager(run_receiver(closing)) as receiver:
        yield receiver


@pytest.fixture(scope="package")
def demo(site: Site) -> Demo:
    """A workspace with data; tests only read it."""
    return furnish(site, Config(), site.host, entries=KINDS, share=0.02)


@pytest.fixture(autouse=True)
def watch(site: Site) -> Iterator[Watch]:
    """Watches all pages that the test opens; its findings fail the test at the end."""
    watch = Watch(site.url, f"http://{site.host}")
    yield watch
    assert watch.list_unforgiven() == []


def make_context(chromium: Browser, **options: object) -> BrowserContext:
    context = chromium.new_context(locale="en-GB", timezone_id=ZONE, **options)  # pyright: ignore[reportArgumentType]
    context.set_default_timeout(PATIENCE_S * 1000)
    return context


@pytest.fixture(scope="package")
def reader(chromium: Browser, site: Site, demo: Demo) -> Iterator[Page]:
    """The demo's owner, in one page for many tests: its process has all scripts and styles."""
    context = make_context(chromium, base_url=site.url)
    site.sign_in(context, demo.home)
    yield context.new_page()
    context.close()


@pytest.fixture
def reading(reader: Page, watch: Watch) -> Iterator[Page]:
    """The page of `reader`, on a desktop; the test leaves nothing behind but where it went."""
    reader.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    watch.follow(reader.context)
    yield reader
    watch.leave(reader.context)


@pytest.fixture
def open_context(chromium: Browser, watch: Watch) -> Iterator[Callable[..., BrowserContext]]:
    contexts: list[BrowserContext] = []

    def open_context(**options: object) -> BrowserContext:
        context = make_context(chromium, **options)
        watch.follow(context)
        contexts.append(context)
        return context

    yield open_context
    for context in contexts:
        context.close()


@pytest.fixture
def open_browser(site: Site, open_context: Callable[..., BrowserContext]) -> OpenBrowser:
    def open_browser(
        home: Home | None = None,
        *,
        size: tuple[int, int] = WIDE,
        scheme: Literal["light", "dark"] = "light",
        scripts: bool = True,
    ) -> Page:
        context = open_context(
            base_url=site.url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            java_script_enabled=scripts,
        )
        if home is not None:
            site.sign_in(context, home)
        return context.new_page()

    return open_browser


@pytest.fixture
def ann(site: Site) -> Home:
    """An owner whose workspace is empty."""
    return site.add_person()


@pytest.fixture
def page(open_browser: OpenBrowser, ann: Home) -> Page:
    """Ann's browser."""
    return open_browser(ann)


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path
