"""The dashboard's request: who is signed in, the form, and the time zone."""

import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec

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
    open_browser,
    open_notice,
    read_cookies,
    seal_notice,
    write_cookie,
)
from shorty.web.form_tokens import FormOwner, make_forms_key, write_form_token
from shorty.web.formatting import find_zone
from shorty.web.forms import Form
from shorty.webcore.drafts import Draft
from shorty.webcore.requests import ServedRequest

NONCE_BYTES: Final = 16
FRAGMENT: Final = b"x-shorty-fragment"
TOKEN_HEADER: Final = b"x-form-token"
SENT: Final = "shorty.sent_form"
DRAFT: Final = "draft"
"""The query's parameter that names a draft to be shown in its form."""


class SentForm(msgspec.Struct, frozen=True, kw_only=True):
    """A form that arrived, whom it was shown to, and the page on which it can be filled in."""

    form: Form
    owner: FormOwner | None
    page: str


class WebRequest(ServedRequest):
    """On pages that need a session, `actor` is set.

    `typed` is the submitted form, its token checked; empty if there is none. `draft` is what is to
    be shown in its form, by its `draft_key`; None and empty if the query names none of this
    person's.
    """

    signed_in: SignedIn | None = None
    typed: Form = Form()
    draft: Draft | None = None
    draft_key: str = ""

    @property
    def sent_form(self) -> SentForm | None:
        """Kept in the scope, for the handlers of errors, which get a request of their own."""
        return self.scope["state"].get(SENT)

    @sent_form.setter
    def sent_form(self, sent: SentForm) -> None:
        self.scope["state"][SENT] = sent

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

    async def find_known_account(self, user_id: int) -> KnownAccount | None:
        """None where the account does not know this browser."""
        return await self.services.db.read(
            lambda rows: find_known_account(rows, self.browser, user_id, self.now)
        )

    @property
    def browser_zone(self) -> ZoneInfo:
        """As its script reports it; UTC without scripts."""
        return find_zone(unquote(self.cookies_read.get(ZONE, "UTC")))

    @cached_property
    def zone(self) -> ZoneInfo:
        """In which times are shown and read: the one that the person chose, or the browser's."""
        chosen = self.signed_in.time_zone if self.signed_in else None
        return find_zone(chosen) if chosen else self.browser_zone

    @property
    def is_fragment(self) -> bool:
        """Whether a script asks for a part of the page, to replace the old one."""
        return self.find_header(FRAGMENT) is not None

    @property
    def is_scripted(self) -> bool:
        """Whether a script has sent this, which stays on its page whatever the answer is."""
        return self.is_fragment or self.find_header(TOKEN_HEADER) is not None

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
    def forms_key(self) -> str:
        """Tells this browser's forms from others; empty in one that has opened no page yet."""
        return self.cookies_read.get(FORMS, "")

    def may_see(self, draft: Draft) -> bool:
        """Whether it is this person's, in the workspace that is current."""
        owner = self.form_owner
        return (owner.user_id, owner.workspace_id) == (draft.user_id, draft.workspace_id)

    @cached_property
    def form_token(self) -> str:
        """The token in every form of this page; sets the cookie that belongs to it."""
        key = self.forms_key
        if not key:
            key = make_forms_key()
            self.set_cookie(FORMS, key, YEAR_S)
        return write_form_token(self.secret, key, self.form_owner)

    @property
    def form_owner(self) -> FormOwner:
        """Whose forms are accepted now: those that were shown to this session."""
        if self.signed_in is None:
            return FormOwner()
        actor = self.signed_in.actor
        return FormOwner(self.session_id, actor.user_id, actor.workspace_id)

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
    cached = await context.find_named(actor.workspace_id, text, usual_host)
    found = await find_links(context, actor, [cached.id] if cached else [])
    return found[0] if found else None
