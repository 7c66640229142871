"""Owns the icons of profiles on other sites: their names, and shapes drawn by us."""

from typing import Final, NamedTuple

from shorty.bio.model import Network, Social
from shorty.links.checks import ADDRESS_LENGTH, read_text
from shorty.links.destination import parse_destination
from shorty.links.model import LinkType

_KINDS: Final[dict[Network, LinkType]] = {"email": "MAILTO", "phone": "TEL"}


class Icon(NamedTuple):
    """`path` is stroked, not filled, on a square of 24."""

    name: str
    path: str


_RING: Final = "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18"
_TILE: Final = (
    "M8 3.5h8a4.5 4.5 0 0 1 4.5 4.5v8a4.5 4.5 0 0 1-4.5 4.5"
    "H8A4.5 4.5 0 0 1 3.5 16V8A4.5 4.5 0 0 1 8 3.5z"
)

ICONS: Final[dict[Network, Icon]] = {
    "website": Icon(
        "Website",
        f"{_RING}M3.3 9.5h17.4M3.3 14.5h17.4M12 3c-4.7 5-4.7 13 0 18M12 3c4.7 5 4.7 13 0 18",
    ),
    "email": Icon(
        "Email",
        "M5 5h14a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2zM3.5 "
        "7.5L12 13.3l8.5-5.8",
    ),
    "phone": Icon(
        "Phone",
        "M7.2 3.5l2.3 4.7-2 1.9a12.5 12.5 0 0 0 6.4 6.4l1.9-2 4.7 2.3c-.1 2.3-1.6 "
        "3.9-3.9 3.7C9.4 19.8 4.2 14.6 3.5 7.4c-.2-2.3 1.4-3.8 3.7-3.9z",
    ),
    "instagram": Icon(
        "Instagram",
        f"{_TILE}M12 7.8a4.2 4.2 0 1 0 0 8.4a4.2 4.2 0 0 0 0-8.4M16.9 7.1v.02",
    ),
    "facebook": Icon(
        "Facebook",
        f"{_RING}M12.3 21v-9.3c0-2.5 1.2-3.7 3.7-3.5M9.3 13.2h6",
    ),
    "x": Icon(
        "X",
        "M4 4h4.2L20 20h-4.2zM4.3 20l6.3-7M13.5 10.7L19.3 4",
    ),
    "threads": Icon(
        "Threads",
        "M17.6 8.3C16.8 5.5 14.9 4 12 4c-4.2 0-6.5 3-6.5 8s2.3 8 6.5 8c3.4 0 5.6-1.8 "
        "5.6-4.4c0-2.7-2.3-4-5.2-4c-2.3 0-3.8 1-3.8 2.6c0 1.4 1.1 2.3 2.7 2.3c2.2 0 "
        "3.4-1.3 3.4-3.9c0-2.2-1-3.4-2.7-3.4c-1.1 0-2 .5-2.5 1.4",
    ),
    "bluesky": Icon(
        "Bluesky",
        "M12 11.2C10.9 8.9 8.2 5.6 5.8 4.4C4.3 3.7 3.2 4 3.2 6.1c0 1.2.6 4.6 1 5.6"
        "c.8 1.9 2.5 2.3 4.4 2.1c-3 .5-3.6 2.2-1.9 4c2.4 2.4 4.1 0 5.3-2.8c1.2 2.8 "
        "2.9 5.2 5.3 2.8c1.7-1.8 1.1-3.5-1.9-4c1.9.2 3.6-.2 4.4-2.1c.4-1 1-4.4 1-5.6"
        "c0-2.1-1.1-2.4-2.6-1.7C15.8 5.6 13.1 8.9 12 11.2z",
    ),
    "mastodon": Icon(
        "Mastodon",
        "M15.7 19.3c-3.2 1.1-7 .9-9-1.5C4.3 14.9 3.7 9.9 4.4 7c.6-2.3 2.4-3.1 "
        "4.3-3.4c2.2-.3 4.4-.3 6.6 0c1.9.3 3.7 1.1 4.3 3.4c.5 2 .4 4.3-.1 6.5c-.4 "
        "1.7-1.8 2.5-3.5 2.7c-2.4.4-4.8.3-7.1-.2M8 12.7V9.3c0-2.3 4-2.3 4 .2v2.3M12 "
        "9.5c0-2.5 4-2.5 4-.2v3.4",
    ),
    "linkedin": Icon(
        "LinkedIn",
        f"{_TILE}M8 10.8V16.5M8 7.6v.02M11.8 16.5v-5.7M11.8 13.6c0-3.5 4.6-3.5 4.6-.2v3.1",
    ),
    "youtube": Icon(
        "YouTube",
        "M6.5 5.5h11a4 4 0 0 1 4 4v5a4 4 0 0 1-4 4h-11a4 4 0 0 1-4-4v-5a4 4 0 0 1 "
        "4-4zM10.3 9.2v5.6l4.7-2.8z",
    ),
    "tiktok": Icon(
        "TikTok",
        "M13.2 3.5v12a4 4 0 1 1-4-4M13.2 3.5c.3 3 2.5 5.2 5.5 5.5",
    ),
    "twitch": Icon(
        "Twitch",
        "M6 3.5h14v10.5l-4 4h-3.5l-3 3v-3H4.5V6.5zM11.5 8v4M15.8 8v4",
    ),
    "spotify": Icon(
        "Spotify",
        f"{_RING}"
        "M7 9.6c3.5-1 7.3-.7 10.3.9M7.6 12.7c3-.8 5.9-.5 8.6.9M8.2 15.6c2.3-.6 "
        "4.6-.4 6.7.7",
    ),
    "github": Icon(
        "GitHub",
        "M9.3 20.7v-3.3c-3.2.7-3.7-1.6-5.3-2.2M14.7 20.7v-3.5c0-.9-.2-1.5-.7-1.9"
        "c2.7-.4 5-1.5 5-5.3c0-1.2-.4-2.1-1.1-2.9c.2-.9.2-1.9-.2-2.9c-1.2 0-2.2.6-3 "
        "1.2a9.6 9.6 0 0 0-5.4 0c-.8-.6-1.8-1.2-3-1.2c-.4 1-.4 2-.2 2.9C5.4 7.9 5 "
        "8.8 5 10c0 3.8 2.3 4.9 5 5.3c-.5.4-.7 1-.7 1.9",
    ),
    "discord": Icon(
        "Discord",
        "M9 5.2l-.6 1.3c2.4-.5 4.8-.5 7.2 0L15 5.2c1.5.2 2.9.7 4.2 1.4c1.7 3.2 2.4 "
        "6.6 2.1 10.2c-1.3 1-2.7 1.7-4.3 2.1l-1.1-1.9M9 5.2c-1.5.2-2.9.7-4.2 1.4C3.1 "
        "9.8 2.4 13.2 2.7 16.8c1.3 1 2.7 1.7 4.3 2.1l1.1-1.9M7 16.3c3.3 1.3 6.7 1.3 "
        "10 0M9.2 12v.9M14.8 12v.9",
    ),
    "telegram": Icon(
        "Telegram",
        "M21 4.5L3 11.6l5.6 2.3L18.3 20zM8.6 13.9V19.5l3.2-3M8.6 13.9L21 4.5",
    ),
    "whatsapp": Icon(
        "WhatsApp",
        "M3.5 20.5l1.2-4.2a8.6 8.6 0 1 1 3.1 3.1zM9.3 8.3c-1 1-.3 3 1.5 4.8s3.9 2.6 "
        "4.9 1.6l-1.9-1.6l-1.1.6c-1-.5-1.6-1.2-2-2.1l.6-1.2z",
    ),
    "pinterest": Icon(
        "Pinterest",
        f"{_RING}"
        "M10 20.6l2.3-9.6M9 13.3C7.3 10.3 9.2 7.4 12.3 7.4c3 0 4.6 1.9 4.3 4.4c-.3 "
        "2.4-1.9 3.8-3.6 3.6c-.9-.1-1.5-.6-1.7-1.3",
    ),
    "rss": Icon(
        "RSS",
        "M5 11.5a7.5 7.5 0 0 1 7.5 7.5M5 5a14 14 0 0 1 14 14M5.7 18.3v.02",
    ),
}


def read_social(social: Social) -> Social:
    """The stored form. Raises ValueError with a sentence for the author."""
    text = read_text(social.url, ADDRESS_LENGTH) or ""
    url = parse_destination(find_social_type(social.network), text)
    return Social(network=social.network, url=url)


def find_social_type(network: Network) -> LinkType:
    return _KINDS.get(network, "URL")
