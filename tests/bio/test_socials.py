"""The icons of profiles on other sites."""

from typing import get_args

import pytest
from resvg_py import svg_to_bytes

from shorty.bio.model import Network, Social
from shorty.bio.socials import ICONS, read_social


def test_every_network_has_an_icon_and_a_name_of_its_own() -> None:
    assert set(ICONS) == set(get_args(Network))
    assert len({icon.name for icon in ICONS.values()}) == len(ICONS)
    assert len({icon.path for icon in ICONS.values()}) == len(ICONS)


@pytest.mark.parametrize("network", ICONS)
def test_each_icon_is_drawn_within_its_square(network: Network) -> None:
    def draw(path: str, clip: str) -> bytes:
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-6 -6 36 36" width="72" height="72">'
            f'<path d="{path}" fill="none" stroke="#000" stroke-width="1.75"/>{clip}</svg>'
        )
        return svg_to_bytes(svg_string=svg, skip_system_fonts=True)

    path = ICONS[network].path
    inside = '<rect width="24" height="24" fill="#fff"/>'
    assert draw(path, "") != draw("M0 0", "")
    assert draw(path, inside) == draw("M0 0", inside)


@pytest.mark.parametrize(
    ("network", "given", "kept"),
    [
        ("x", "https://X.com/ann", "https://x.com/ann"),
        ("email", " ann@example.com", "mailto:ann@example.com"),
        ("email", "mailto:ann@example.com", "mailto:ann@example.com"),
        ("phone", "+1 201 555 0123", "tel:+12015550123"),
        ("rss", "http://a.example/feed.xml", "http://a.example/feed.xml"),
    ],
)
def test_addresses_are_read_as_their_kind(network: Network, given: str, kept: str) -> None:
    assert read_social(Social(network=network, url=given)) == Social(network=network, url=kept)


@pytest.mark.parametrize(
    ("network", "given"),
    [
        ("x", "ann@example.com"),
        ("x", ""),
        ("email", "https://a.example"),
        ("phone", "no number"),
        ("website", "data:text/html,x"),
    ],
)
def test_addresses_of_another_kind_are_refused(network: Network, given: str) -> None:
    with pytest.raises(ValueError):
        read_social(Social(network=network, url=given))
