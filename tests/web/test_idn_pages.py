"""Pages show internationalised hosts of short links and destinations as people write them."""

from typing import Final

import pytest

from shorty.config import Config, DomainConfig
from shorty.links.model import QrSettings
from tests.api.house import House
from tests.web.browser import Browser, read_text

ENCODED: Final = "xn--bcher-kva.example"
SHOWN: Final = "bücher.example"
LEADS: Final = "https://xn--mnchen-3ya.example/fest"


@pytest.fixture
def config() -> Config:
    """Its only domain is internationalised."""
    return Config(domains=(DomainConfig(host=ENCODED),))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/app", SHOWN),
        ("/app/links", f"{SHOWN}/ lesen"),
        ("/app/links", "münchen.example/fest"),
        ("/app/links/{id}", f"{SHOWN}/lesen"),
        ("/app/links/{id}", "https://münchen.example/fest"),
        ("/app/links/{id}/edit", f"{SHOWN}/lesen"),
        ("/app/links/{id}/delete", "https://münchen.example/fest"),
        ("/app/links/{id}/rules", "münchen.example/fest"),
        ("/app/qr-codes", f"{SHOWN}/lesen"),
        ("/app/qr-codes/{id}", f"{SHOWN}/lesen"),
        ("/app/search?q=lesen", f"{SHOWN}/lesen https://münchen.example/fest"),
        (f"/app/search?q={SHOWN}/lesen", f"{SHOWN}/lesen"),
        ("/app/domains/1", f"https://{SHOWN}/…"),
    ],
)
async def test_a_page_shows_hosts_in_unicode(
    house: House, owner: Browser, path: str, shown: str
) -> None:
    link = await house.make_link(
        domain=ENCODED, slug="lesen", url=LEADS, qr_settings=QrSettings(preset="classic")
    )
    text = read_text((await owner.open(path.replace("{id}", str(link.id)))).text)
    assert shown in text
    for_programs = (f"In DNS: {ENCODED}", f'Firefox/140.0" https://{ENCODED}')
    for each in for_programs:
        text = text.replace(each, "")
    assert "xn--" not in text


@pytest.mark.parametrize("path", ["/app/links/new", "/app/apps", "/app/bio-pages", "/app/import"])
async def test_a_form_shows_the_domain_in_unicode_and_sends_it_as_it_is_stored(
    owner: Browser, path: str
) -> None:
    page = (await owner.open(path)).text
    assert f'value="{ENCODED}"' in page
    assert SHOWN in page


async def test_the_only_domain_of_a_new_link_is_sent_with_the_form(
    house: House, owner: Browser
) -> None:
    page = (await owner.open("/app/links/new")).text
    assert f'<input type="hidden" name="domain" value="{ENCODED}">' in page
    assert page.count('name="domain"') == 1
