import pytest

from shorty.config import Config, DefaultsConfig, Plan
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.web.browser import Browser, read_text

PLACE = "/app/usage"


async def test_without_a_plan_there_are_no_limits(house: House, owner: Browser) -> None:
    await house.make_link()
    page = (await owner.open(PLACE)).text
    told = read_text(page)
    assert "Plan: unlimited" in told
    assert "Links 1 , no limit" in told
    assert "Clicks are kept indefinitely" in told
    assert "<meter" not in page


class TestWithAPlan:
    @pytest.fixture
    def config(self) -> Config:
        plan = Plan(links=5, links_per_month=1, domains=0, webhooks=False, click_retention_days=30)
        return Config(domains=DOMAINS, plans={"small": plan}, defaults=DefaultsConfig(plan="small"))

    async def test_each_number_is_told_with_when_it_starts_anew(
        self, house: House, owner: Browser
    ) -> None:
        await house.make_link()
        page = (await owner.open(PLACE)).text
        told = read_text(page)
        assert "Links 1 of 5" in told
        assert "New links this month Limit reached 1 of 1" in told
        assert "Resets on 1 Dec 2026, 00:00" in told
        assert "Your own domains Limit reached 0 of 0" in told
        assert 'max="5" value="1" aria-label="Links: 1 of 5"' in page
        assert "kept for 30 days" in told
        assert '<li class="no">' in page

    async def test_a_viewer_sees_it_too(self, viewer: Browser) -> None:
        assert "Plan: small" in read_text((await viewer.open(PLACE)).text)
