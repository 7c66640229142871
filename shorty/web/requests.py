"""The dashboard's request: who is signed in, the form, and the time zone."""

import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from shorty.accounts.known_browsers import KnownAccount, KnownBrowser, find_known_account
from shorty.accounts.sessions import SignedIn
from shorty.ids import parse_id
from shorty.links.model import Link
from shorty.links.service import find_links
from shorty.web.cookies import (
    FORMS,
    KNOWN,
    NOTICE,
    NOTICE_S,
    YEAR_S,
    ZONE,
    Notice,
    choose_cookies,
    end_former_cookie,
    make_forms_key,
    open_browser,
    open_notice,
    read_cookies,
    seal_notice,
    sign_form,
    write_cookie,
)
from shorty.web.formatting import find_zone
from shorty.web.forms import Form
from shorty.webcore.requests import ServedRequest

NONCE_BYTES: Final = 16
FRAGMENT: Final = b"x-shorty-fragment"


class WebRequest(ServedRequest):
    """On pages that need a session, `actor` is set.

    `typed` is the submitted form, its token checked; empty if there is none.
    """

    signed_in: SignedIn | None = None
    typed: Form = Form()

    @cached_property
    def nonce(self) -> str:
        """The nonce of this answer's own styles and scripts in its Content-Security-Policy."""
        return secrets.token_urlsafe(NONCE_BYTES)

    @cached_property
    def cookies_sent(self) -> dict[str, str]:
        """As they came."""
        return read_cookies(self.find_header(b"cookie") or "")

    @cached_property
    def cookies_read(self) -> Mapping[str, str]:
        """The trusted ones, by their names without a prefix."""
        return choose_cookies(self.cookies_sent, is_secure=self.is_secure)

    @cached_property
    def cookies_written(self) -> dict[str, str]:
        """The Set-Cookie headers of the answer, by the cookies' names."""
        return {}

    def end_former_cookie(self, name: str) -> None:
        self.cookies_written[f"former {name}"] = end_former_cookie(name)

    def set_cookie(self, name: str, value: str, max_age_s: int) -> None:
        self.cookies_written[name] = write_cookie(
            name, value, max_age_s=max_age_s, is_secure=self.is_secure
        )

    @cached_property
    def browser(self) -> KnownBrowser:
        """The accounts that signed in with this browser, according to its cookie."""
        return open_browser(self.secret, self.cookies_read.get(KNOWN, ""))

    def find_known_account(self, user_id: int) -> KnownAccount | None:
        """None where the account does not know this browser."""
        return find_known_account(self.services.db, self.browser, user_id, self.now)

    @cached_property
    def zone(self) -> ZoneInfo:
        return find_zone(unquote(self.cookies_read.get(ZONE, "UTC")))

    @property
    def is_fragment(self) -> bool:
        """Whether a script asks for a part of the page, to replace the old one."""
        return self.find_header(FRAGMENT) is not None

    def read_page_start(self, name: str) -> int:
        """The id after which a page of a list starts, from the query; 0 for the first page."""
        return parse_id(self.read_query().get(name)) or 0

    @property
    def secret(self) -> bytes:
        return self.services.secret

    @property
    def session_id(self) -> int:
        """0 if nobody is signed in."""
        return self.signed_in.session.id if self.signed_in else 0

    @property
    def workspace_id(self) -> int:
        """Of the current workspace; 0 if nobody is signed in."""
        return self.signed_in.actor.workspace_id if self.signed_in else 0

    @cached_property
    def form_token(self) -> str:
        """The token in every form of this page; sets the cookie that belongs to it."""
        key = self.cookies_read.get(FORMS, "")
        if not key:
            key = make_forms_key()
            self.set_cookie(FORMS, key, YEAR_S)
        return sign_form(self.secret, key, self.session_id, self.workspace_id)

    def leave_notice(self, notice: Notice) -> None:
        """For the next page that is shown."""
        self.set_cookie(NOTICE, seal_notice(self.secret, notice), NOTICE_S)

    def take_notice(self) -> Notice | None:
        """The notice of the action before, which is shown once."""
        sealed = self.cookies_read.get(NOTICE)
        if sealed is None or self.is_fragment:
            return None
        self.set_cookie(NOTICE, "", 0)
        return open_notice(self.secret, sealed)


async def find_named_link(request: WebRequest, text: str, usual_host: str) -> Link | None:
    """As LinkContext.find_named does, whole. None for another workspace's link too."""
    context, actor = request.services.links, request.actor
    cached = context.find_named(actor.workspace_id, text, usual_host)
    found = await find_links(context, actor, [cached.id] if cached else [])
    return found[0] if found else None
