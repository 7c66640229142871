"""Which part of the manual each page of the dashboard leads to."""

import re
from typing import Final

from shorty.web.manual import HELP

# By paths, in which `*` is an id. What begins with a path has its part, unless it has its own.
PARTS: Final = {
    "/app/analytics.csv": "analytics#as-csv-from-the-dashboard",
    "/app/breakdown": "dashboard#analytics",
    "/app/links": "dashboard#links",
    "/app/links/*": "dashboard#analytics",
    "/app/links/*/edit": "dashboard#links",
    "/app/links/*/duplicate": "dashboard#links",
    "/app/links/*/delete": "dashboard#links",
    "/app/links/*/history": "dashboard#links",
    "/app/links/*/rules": "dashboard#rules",
    "/app/links/*/deliveries": "dashboard#webhooks",
    "/app/qr-codes": "dashboard#qr-codes",
    "/app/bio-pages": "bio-pages",
    "/app/tags": "dashboard#tags",
    "/app/utm": "dashboard#utm-builder",
    "/app/domains": "dashboard#domains",
    "/app/domains/*": "domains",
    "/app/webhooks": "dashboard#webhooks",
    "/app/webhooks/signing": "webhooks#the-secret",
    "/app/tokens": "dashboard#api-tokens",
    "/app/drafts": "accounts#signing-in",
    "/app/apps": "dashboard#apps-and-bookmarklet",
    "/app/members": "accounts#invitations",
    "/app/usage": "dashboard#usage",
    "/app/import": "moving",
    "/app/export": "moving",
    "/app/account": "accounts#signing-in",
    "/app/account/second-factor": "accounts#second-factor",
    "/app/new-email": "accounts#emails-and-what-proves-them",
    "/app/workspaces": "accounts#workspaces",
    "/app/search": "dashboard#search",
    "/app/share": "dashboard#installing-it-as-an-app",
}
OVERVIEW: Final = "dashboard#analytics"
_ID: Final = re.compile(r"(?<=/)\d+(?=/|$)", re.ASCII)


def find_help(path: str) -> str:
    """Where the help with a page is; the contents if there is no part about it."""
    if path.rstrip("/") == "/app":
        return f"{HELP}/{OVERVIEW}"
    shape = _ID.sub("*", path)
    fitting = [each for each in PARTS if shape == each or shape.startswith(f"{each}/")]
    return f"{HELP}/{PARTS[max(fitting, key=len)]}" if fitting else HELP
