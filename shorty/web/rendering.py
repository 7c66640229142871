"""Renders pages: the template, the headers, and the layout's data about the viewer."""

from collections.abc import Iterable
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shorty import __version__
from shorty.accounts.roles import is_allowed
from shorty.bidi import isolate, write_isolated, write_left_to_right
from shorty.bio.view import BUTTON_LABEL
from shorty.clicks.breakdown import name_site
from shorty.idn import write_host
from shorty.web.assets import write_asset_address
from shorty.web.cookies import Notice
from shorty.web.form_tokens import TOKEN
from shorty.web.formatting import (
    name_country,
    write_age,
    write_compact,
    write_count,
    write_date,
    write_destination,
    write_flag,
    write_input,
    write_moment,
    write_plural,
    write_short,
    write_url,
    write_utc,
)
from shorty.web.help_places import find_help
from shorty.web.lost_forms import UNKEPT
from shorty.web.navigation import find_sections
from shorty.web.refill import insert_into_main, refill
from shorty.web.requests import DRAFT, WebRequest
from shorty.webcore.addresses import API
from shorty.webcore.answers import Answer, Header
from shorty.webcore.drafts import Draft
from shorty.webhooks.model import hide_path

HTML: Final = b"text/html; charset=utf-8"

TEMPLATES: Final = Environment(
    loader=PackageLoader("shorty", "web/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_GLOBALS: Final[dict[str, Any]] = {
    "api": API,
    "asset": write_asset_address,
    "usual_button_label": BUTTON_LABEL,
    "version": __version__,
    "urlencode": urlencode,
}
_FILTERS: Final[dict[str, Any]] = {
    "quoted": partial(quote, safe=""),
    "utc": write_utc,
    "count": write_count,
    "compact": write_compact,
    "plural": write_plural,
    "country": name_country,
    "flag": write_flag,
    "site": name_site,
    "bdi": write_isolated,
    "ltr": write_left_to_right,
    "isolate": isolate,
    "host": write_host,
    "short": write_short,
    "destination": write_destination,
    "url": write_url,
}
TEMPLATES.globals.update(_GLOBALS)
TEMPLATES.filters.update(_FILTERS)


def render(
    request: WebRequest,
    template: str,
    *,
    status: int = 200,
    has_secret: bool = False,
    **values: object,
) -> Answer:
    """A page, or for a script only the template's `fragment` block.

    A page that shows a secret is not compressed: its size would tell of the secret if the page
    also repeats something that another site has chosen (BREACH).
    """
    layout = "fragment.html" if request.is_fragment else "layout.html"
    context = {**describe_viewer(request), "layout": layout, **values}
    page = TEMPLATES.get_template(template).render(context)
    if request.draft is not None and not request.is_fragment:
        page = show_draft(page, request.draft)
    answer = answer_page(request, page, status)
    if has_secret:
        answer.extra_headers = tuple(map(forbid_transforming, answer.extra_headers))
    return answer


def forbid_transforming(header: Header) -> Header:
    """Proxies leave the page as it is, too (RFC 9111, 5.2.2.6)."""
    is_caching = header[0] == b"cache-control"
    return (b"cache-control", b"no-store, no-transform") if is_caching else header


def show_draft(page: str, draft: Draft) -> str:
    """The page with the form as it was typed, and with what found no place in it."""
    filled = refill(page, draft.action, draft.fields, UNKEPT)
    panel = TEMPLATES.get_template("draft.html").render(
        form=filled.form, rest=filled.rest, left_out=draft.left_out, is_empty=not draft.fields
    )
    return insert_into_main(filled.page, panel)


def answer_page(
    request: WebRequest, body: str, status: int = 200, headers: Iterable[Header] = ()
) -> Answer:
    return Answer(
        status,
        body.encode(),
        media_type=HTML,
        headers=[*list_page_headers(request), *headers, *list_cookie_headers(request)],
    )


def see_other(
    request: WebRequest, place: str, text: str = "", *, notice: Notice | None = None
) -> Answer:
    """Redirects to a page after a form, where a notice says what was done.

    A draft that was to be shown goes along.
    """
    if key := request.draft_key:
        way, mark, fragment = place.partition("#")
        place = f"{way}{'&' if '?' in way else '?'}{DRAFT}={key}{mark}{fragment}"
    if text or notice:
        request.leave_notice(notice or Notice(text=text))
    headers = [(b"location", place.encode()), (b"cache-control", b"no-store")]
    return Answer(303, headers=[*headers, *list_cookie_headers(request)])


def write_token_field(token: str) -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(TOKEN, token)


def list_page_headers(request: WebRequest, *, frames: str = "'none'") -> list[Header]:
    """`frames`: who may show the page in a frame."""
    nonce = f"'nonce-{request.nonce}'"
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {nonce}",
            f"style-src {nonce}",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "frame-src 'self'",
            "form-action 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            f"frame-ancestors {frames}",
        )
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-robots-tag", b"noindex"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
    ]


def list_cookie_headers(request: WebRequest) -> list[Header]:
    return [(b"set-cookie", cookie.encode()) for cookie in request.cookies_written.values()]


def describe_viewer(request: WebRequest) -> dict[str, object]:
    """What the layout and the macros need on every page."""
    signed_in, zone = request.signed_in, request.zone
    actor = signed_in.actor if signed_in else None
    can_write = actor is not None and is_allowed(actor, "write")
    path = request.scope["path"]
    return {
        "actor": actor,
        "workspace_name": signed_in.workspace_name if signed_in else "",
        "can_write": can_write,
        "can_manage": actor is not None and is_allowed(actor, "admin"),
        "hook": str if can_write else hide_path,  # how a webhook's address is shown
        "sections": find_sections(actor, path) if actor else (),
        "path": path,
        "help": find_help(path),
        "uses_single_keys": signed_in is not None and signed_in.uses_single_keys,
        "nonce": request.nonce,
        "form_token": request.form_token,
        "csrf": partial(write_token_field, request.form_token),
        "notice": request.take_notice(),
        "zone_name": str(zone),
        "now": request.now,
        "moment": partial(write_moment, zone=zone),
        "date": partial(write_date, zone=zone),
        "local_input": partial(write_input, zone=zone),
        "age": partial(write_age, now=request.now),
    }
