"""The URLs of the API and the dashboard: for links that are copied or mailed, and for returning."""

import re
from typing import Final
from urllib.parse import unquote

import can_ada

from shorty.webcore.requests import ServedRequest

API: Final = "/api/v1"
HOME: Final = "/app"
LONGEST_WAY_BACK: Final = 2048

_SOMEWHERE: Final = "https://dashboard.invalid"
_SLASH: Final = re.compile(r"[/\\]")


def find_shown_base(request: ServedRequest) -> str:
    """The base URL as the viewer reaches it, for links that only they see."""
    return f"{_find_scheme(request)}://{request.find_header(b'host') or ''}"


def find_mailed_base(request: ServedRequest) -> str:
    """The base URL of the requested domain if it is the operator's, else of the default domain.

    Taken from the configuration, because a request that mails another person could name any host,
    or any port of our hosts.
    """
    domains = request.services.domains
    domain = domains.find_by_host(request.find_header(b"host") or "")
    if domain is None or domain.workspace_id is not None:
        domain = domains.default
    return find_shown_base(request) if domain is None else domain.origin


def read_way_back(text: str) -> str:
    """Where to go after sign-in: a page of the dashboard, never another site or a short link.

    Compares and returns the URL as a browser resolves it, without dot segments, tabs and
    backslashes. A proxy may also treat `..%2f` as a dot segment.
    """
    if len(text) > LONGEST_WAY_BACK:
        return HOME
    try:
        url = can_ada.parse(_SOMEWHERE) + text
    except (ValueError, TypeError):  # TypeError: lone surrogates
        return HOME
    path = url.pathname
    is_below = path == HOME or path.startswith(f"{HOME}/")
    climbs = ".." in _SLASH.split(unquote(path))
    if url.origin != _SOMEWHERE or not is_below or climbs:
        return HOME
    return f"{path}{url.search}{url.hash}"


def _find_scheme(request: ServedRequest) -> str:
    return "https" if request.is_secure else "http"
