"""Which players a page may embed, and that nothing else is possible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.bio.embeds import SITES, find_embed

KNOWN = [
    ("https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=10", "youtube-nocookie.com/embed/dQw4w9WgXcQ"),
    ("http://youtu.be/dQw4w9WgXcQ?si=x", "youtube-nocookie.com/embed/dQw4w9WgXcQ"),
    ("https://youtube.com/shorts/dQw4w9WgXcQ", "youtube-nocookie.com/embed/dQw4w9WgXcQ"),
    ("https://vimeo.com/76979871", "player.vimeo.com/video/76979871?dnt=1"),
    ("https://player.vimeo.com/video/76979871?h=1", "player.vimeo.com/video/76979871?dnt=1"),
    (
        "https://open.spotify.com/intl-de/track/4uLU6hMCjMI75M1A2tKUQC?si=1",
        "open.spotify.com/embed/track/4uLU6hMCjMI75M1A2tKUQC",
    ),
    (
        "https://open.spotify.com/playlist/37i9dQZF1DXcBWIGoYBM5M",
        "open.spotify.com/embed/playlist/37i9dQZF1DXcBWIGoYBM5M",
    ),
    (
        "https://music.apple.com/us/album/a-name/1440857781?i=1",
        "embed.music.apple.com/us/album/a-name/1440857781",
    ),
    (
        "https://podcasts.apple.com/gb/podcast/a-show/id123456",
        "embed.podcasts.apple.com/gb/podcast/a-show/id123456",
    ),
    ("https://www.deezer.com/en/track/3135556", "widget.deezer.com/widget/auto/track/3135556"),
    ("https://www.dailymotion.com/video/x84sh87", "geo.dailymotion.com/player.html?video=x84sh87"),
]
UNKNOWN = [
    "",
    "no IP address",
    "https://example.com/watch?v=dQw4w9WgXcQ",
    "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
    "https://evil.example/https://youtu.be/dQw4w9WgXcQ",
    "https://youtube.com/watch?v=../../evil",
    'https://youtube.com/watch?v=a"><script>',
    "https://youtube.com/@somebody",
    "https://youtu.be@evil.example/dQw4w9WgXcQ",
    "javascript://youtu.be/dQw4w9WgXcQ",
    "https://open.spotify.com/user/somebody",
]


@pytest.mark.parametrize(("url", "src"), KNOWN)
def test_players_of_known_sites_are_found(url: str, src: str) -> None:
    embed = find_embed(url)
    assert embed is not None
    assert embed.src.removeprefix("https://").removeprefix("www.") == src
    assert embed.src.startswith(f"https://{embed.host}/")
    assert embed.site in SITES


def test_every_site_is_tested() -> None:
    assert {found.site for url, _ in KNOWN if (found := find_embed(url))} == set(SITES)


@pytest.mark.parametrize("url", UNKNOWN)
def test_nothing_else_is_embedded(url: str) -> None:
    assert find_embed(url) is None


@given(path=st.text(max_size=60), host=st.sampled_from(["youtu.be", "vimeo.com", "a.example"]))
def test_no_address_leads_a_frame_astray(path: str, host: str) -> None:
    embed = find_embed(f"https://{host}/{path}")
    assert embed is None or embed.host in {"www.youtube-nocookie.com", "player.vimeo.com"}
