"""Where the dashboard is reached: for links that are copied or mailed, and for the way back."""

from typing import Final

from shorty.web.requests import WebRequest

HOME: Final = "/app"


def find_shown_base(request: WebRequest) -> str:
    """As its viewer reaches it: for what they alone are shown."""
    return f"{_find_scheme(request)}://{request.find_header(b'host') or ''}"


def find_mailed_base(request: WebRequest) -> str:
    """The host asked for if it is the operator's, else their default domain.

    Whoever asks for a mail to somebody else could name any host.
    """
    host = request.find_header(b"host") or ""
    domains = request.services.domains
    domain = domains.find_by_host(host)
    if domain is not None and domain.workspace_id is None:
        return f"{_find_scheme(request)}://{host}"
    default = domains.default
    return f"{default.scheme}://{default.host}" if default else find_shown_base(request)


def read_way_back(text: str) -> str:
    """Where to go after signing in: a page of the dashboard, never another site."""
    is_own = text == HOME or text.startswith((f"{HOME}/", f"{HOME}?"))
    return text if is_own and text.isascii() and text.isprintable() and "\\" not in text else HOME


def _find_scheme(request: WebRequest) -> str:
    return "https" if request.is_secure else "http"
