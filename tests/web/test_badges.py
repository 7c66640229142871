"""Badges say what is special about a link, and from or until when."""

from zoneinfo import ZoneInfo

import pytest

from shorty.links.model import Link
from shorty.web.badges import list_badges
from tests.api.house import House
from tests.support import DAY, NOW

UTC = ZoneInfo("UTC")


def list_texts(link: Link, now: int, zone: ZoneInfo = UTC) -> list[str]:
    return [badge.text for badge in list_badges(link, now, zone)]


async def test_badges_say_what_is_special(house: House) -> None:
    link = await house.make_link(is_active=False, expires_at=NOW + 1, cloaked=True)
    assert list_texts(link, NOW) == ["Off", "Ends 22 Nov", "Cloaked"]
    assert "Expired 22 Nov" in list_texts(link, NOW + 1)
    later = await house.make_link(valid_since=NOW + 1)
    assert list_texts(later, NOW) == ["Starts 22 Nov"]
    assert list_texts(later, NOW + 1) == []
    assert list_texts(await house.make_link(), NOW) == []


@pytest.mark.parametrize(("most", "about"), [(1, "0 of 1 visit"), (5, "0 of 5 visits")])
async def test_a_limit_is_told_with_its_plural(house: House, most: int, about: str) -> None:
    (badge,) = list_badges(await house.make_link(max_clicks=most), NOW, UTC)
    assert (badge.text, badge.about) == ("Limited", about)


@pytest.mark.parametrize(
    ("days", "zone", "text"),
    [
        (8, "UTC", "Ends 30 Nov"),
        (8.6, "UTC", "Ends 1 Dec"),
        (8.49, "Asia/Tokyo", "Ends 1 Dec"),
        (365, "UTC", "Ends 22 Nov 2027"),
    ],
)
async def test_a_badge_has_the_day_in_the_viewers_zone_and_another_year(
    house: House, days: float, zone: str, text: str
) -> None:
    link = await house.make_link(expires_at=NOW + int(days * DAY))
    (badge,) = list_badges(link, NOW, ZoneInfo(zone))
    assert badge.text == text
    assert zone in badge.about
