"""Takes short links apart into host and slug, as tables and APIs write them."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

LONGEST_SHORT_URL: Final = 2000
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
# By a port or an ending that a domain can have: no top-level domain has digits.
_HOST: Final = re.compile(
    r"""(?:localhost|[^\s/?\#@:]+\.(?:[^\W\d_]{2,}|xn--[\w-]+)\.?|\d+(?:\.\d+){3}|\[[\da-f:]+\])(?::\d+)?
    |[^\s/?\#@]+:\d+""",
    re.IGNORECASE | re.VERBOSE,
)


def split_short_url(short_url: str) -> tuple[str, str]:
    """The host and the slug of `https://go.example/sale` or `go.example/sale`.

    Raises ValueError, also if it is too long: a host of combining marks takes time quadratic in its
    length.
    """
    if len(short_url) > LONGEST_SHORT_URL:
        raise ValueError(f"a short link has at most {LONGEST_SHORT_URL:,} characters")
    parts = urlsplit(short_url if "://" in short_url else f"https://{short_url}")
    return parts.netloc.rpartition("@")[2], unquote(parts.path.strip("/"))


def split_name(name: str, host: str = "") -> tuple[str, str]:
    """The same of a slug too, `sale` or `docs/api`, whose host is then empty.

    Where the host is known from elsewhere, only that one can be before a slug. Raises ValueError.
    """
    if len(name) > LONGEST_SHORT_URL or _SCHEME.match(name):
        return split_short_url(name)
    first, _, rest = name.partition("/")
    is_host = first.casefold() == host.casefold() if host else _HOST.fullmatch(first)
    if rest.strip("/") and is_host and not rest.startswith("/"):
        return split_short_url(name)
    return "", name.strip("/")


def is_short_url(text: str) -> bool:
    """Whether it has a host and a slug, and nothing behind them."""
    if len(text) > LONGEST_SHORT_URL:
        return False
    host, _, slug = _SCHEME.sub("", text, count=1).partition("/")
    return bool(_HOST.fullmatch(host) and re.fullmatch(r"[^\s?#/][^\s?#]*", slug))
