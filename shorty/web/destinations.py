"""What somebody types as a destination, where a link may open other things than a web page."""

from collections.abc import Mapping
from typing import Final

from shorty.links.destination import destination_host, parse_destination
from shorty.links.model import LinkType

LINK_TYPES: Final[dict[LinkType, str]] = {
    "URL": "A web page",
    "MAILTO": "An email",
    "TEL": "A phone call",
    "SMS": "A text message",
}
_SCHEMES: Final[dict[str, LinkType]] = {
    "http:": "URL",
    "https:": "URL",
    "mailto:": "MAILTO",
    "tel:": "TEL",
    "sms:": "SMS",
}


def read_destination(texts: Mapping[str, str]) -> tuple[str, LinkType]:
    """The destination and its type, from `url` and `link_type`; a scheme decides the type."""
    link_type = _read_type(texts["url"], texts["link_type"])
    url = complete_destination(texts["url"]) if link_type == "URL" else texts["url"]
    return url, link_type


def complete_destination(text: str) -> str:
    """Adds the scheme that people leave out, as in `example.com/page`."""
    authority = text.partition("/")[0]
    if "." not in authority or "@" in authority or " " in text:
        return text
    try:
        parse_destination("URL", text)
    except ValueError:
        pass
    else:
        return text
    whole = f"https://{text}"
    try:
        has_host = "." in destination_host(parse_destination("URL", whole))
    except ValueError:
        return text
    return whole if has_host else text


def _read_type(url: str, chosen: str) -> LinkType:
    for scheme, link_type in _SCHEMES.items():
        if url.lower().startswith(scheme):
            return link_type
    for link_type in LINK_TYPES:
        if link_type == chosen:
            return link_type
    return "URL"
