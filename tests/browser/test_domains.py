"""A domain is added, verified by its DNS records, and answers."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, expect

from tests.browser.finding import find_notice
from tests.browser.served import COMMAND, NAME_SERVER
from tests.browser.site import Site
from tests.domains.dns_server import DnsServer, run_dns_server
from tests.support import prepare_copy

OPERATOR = "links.operator.example"
HOST = "go.acme.example"


@pytest.fixture(scope="module")
def name_server() -> Iterator[DnsServer]:
    zone = {
        OPERATOR: {"A": ["203.0.113.7"]},
        HOST: {"CNAME": [f"{OPERATOR}."]},
    }
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(run_dns_server(zone)) as server,
    ):
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, name_server: DnsServer) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("domains")
    settings = folder / "shorty.toml"
    settings.write_text(f'[[domains]]\nhost = "{OPERATOR}"\n', encoding="utf-8")
    prepare_copy(folder)
    environment = {NAME_SERVER: name_server.address, "SHORTY_CONFIG": str(settings)}
    with Site(folder, COMMAND, **environment) as site:
        yield site


def test_a_domain_is_added_checked_and_answers(
    page: Page, site: Site, name_server: DnsServer
) -> None:
    page.goto("/app/domains")
    page.get_by_label("New domain").fill(HOST)
    page.get_by_role("button", name="Add domain").click()
    expect(find_notice(page)).to_contain_text("Create the DNS records below")
    page.get_by_role("button", name="Check now").click()
    checks = page.get_by_role("status")
    expect(checks).to_contain_text("Ownership: not verified yet")
    expect(checks).to_contain_text(f"it is an alias of {OPERATOR}")
    name, value = page.locator(".records li", has_text="TXT").locator("code").all_inner_texts()
    name_server.zone[name] = {"TXT": [f'"{value}"']}
    page.get_by_role("button", name="Check again").click()
    expect(find_notice(page)).to_have_text(f"{HOST} is verified and working.")
    assert site.visit("nowhere", Host=HOST) == 404
    page.get_by_role("link", name="Domains").first.click()
    expect(page.get_by_role("listitem").filter(has_text=HOST)).to_contain_text("Verified")
