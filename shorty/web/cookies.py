"""Owns the dashboard's cookies: their names, how they are written, and what is signed into them.

Over http they are for the dashboard's paths alone. Over https their names begin with `__Host-`: a
browser takes such a cookie from this host alone, over https, so that no sibling domain can plant
one (RFC 6265bis, 4.1.3.2). It is for every path then, and one without the prefix is not believed.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer

from shorty.accounts.known_browsers import KnownBrowser, create_browser

SESSION: Final = "shorty_session"
FORMS: Final = "shorty_forms"
"""Tells the browser that sends a form apart from another that was tricked into it."""
NOTICE: Final = "shorty_notice"
ZONE: Final = "shorty_zone"
"""The viewer's time zone, written by the script."""
KNOWN: Final = "shorty_known"
"""In which accounts this browser was signed in; see `accounts.known_browsers`."""

HOST_ONLY: Final = "__Host-"
PATH: Final = "/app"
YEAR_S: Final = 365 * 24 * 3600
NOTICE_S: Final = 60


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the next page says of the action before it; `undo` is where a form takes it back.

    `undo_fields` are that form's fields. `copies` is a text to copy, and `copied` what the notice
    says instead if the browser lets a script copy it at once. `links` are pairs of label and path.
    """

    text: str
    is_alarm: bool = False
    undo: str = ""
    undo_fields: tuple[tuple[str, str], ...] = ()
    copies: str = ""
    copied: str = ""
    links: tuple[tuple[str, str], ...] = ()


def read_cookies(header: str) -> dict[str, str]:
    """The cookies that came; of several of one name the first, which has the longest path."""
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    cookies: dict[str, str] = {}
    for name, _, value in pairs:
        cookies.setdefault(name, value)
    return cookies


def choose_cookies(cookies: Mapping[str, str], *, is_secure: bool) -> Mapping[str, str]:
    """Those to believe, without the prefix; the script writes the zone without any."""
    if not is_secure:
        return cookies
    believed = {
        name.removeprefix(HOST_ONLY): value
        for name, value in cookies.items()
        if name.startswith(HOST_ONLY)
    }
    return {ZONE: cookies[ZONE], **believed} if ZONE in cookies else believed


def write_cookie(name: str, value: str, *, max_age_s: int, is_secure: bool) -> str:
    """The value of a Set-Cookie header; a life of 0 deletes the cookie."""
    rest = f"Max-Age={max_age_s}; HttpOnly; SameSite=Lax"
    if is_secure:
        return f"{HOST_ONLY}{name}={value}; Path=/; {rest}; Secure"
    return f"{name}={value}; Path={PATH}; {rest}"


def end_former_cookie(name: str) -> str:
    """Deletes what was written without the prefix over https, by versions before it."""
    return f"{name}=; Path={PATH}; Max-Age=0; HttpOnly; SameSite=Lax; Secure"


def seal_notice(secret: bytes, notice: Notice) -> str:
    return _build_serializer(secret, "dashboard-notice").dumps(msgspec.to_builtins(notice))


def open_notice(secret: bytes, sealed: str) -> Notice | None:
    """None for what this server has not written."""
    try:
        return msgspec.convert(_build_serializer(secret, "dashboard-notice").loads(sealed), Notice)
    except (BadSignature, msgspec.ValidationError):
        return None


def seal_browser(secret: bytes, browser: KnownBrowser) -> str:
    return _build_serializer(secret, "known-browser").dumps(msgspec.to_builtins(browser))


def open_browser(secret: bytes, sealed: str) -> KnownBrowser:
    """One that no account knows, for what this server has not written."""
    try:
        return msgspec.convert(
            _build_serializer(secret, "known-browser").loads(sealed), KnownBrowser
        )
    except (BadSignature, msgspec.ValidationError):
        return create_browser()


def _build_serializer(secret: bytes, salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=salt, signer_kwargs={"digest_method": sha256})
