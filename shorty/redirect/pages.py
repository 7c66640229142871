"""Owns the pages that visitors see, with their headers.

One request shows a page: its style stands inside it, and the Content-Security-Policy names that
style and the pixels' script by hash, so that what never differs is rendered once. Text of links and
visitors goes through Jinja's escaping alone.
"""

from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Final, NamedTuple
from urllib.parse import unquote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shorty.bidi import isolate, write_isolated, write_left_to_right
from shorty.idn import write_host
from shorty.links.destination import destination_host
from shorty.links.lookup import CachedLink
from shorty.redirect import problems
from shorty.redirect.decide import Outcome
from shorty.redirect.problems import Problem, encode_problem, wants_json

COMMON_HEADERS: Final = (
    ("referrer-policy", "no-referrer-when-downgrade"),
    ("x-robots-tag", "noindex"),
    ("cache-control", "private, no-store"),
)
"""Of every answer to a visitor, redirects included."""


class Page(NamedTuple):
    """An answer, ready to be sent. Header names are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: str


class Pixels(NamedTuple):
    """The ids to report a visit to; empty where there is none."""

    meta: str = ""
    google: str = ""
    container: str = ""


def read_template(name: str) -> str:
    return resources.files("shorty.redirect").joinpath("templates", name).read_text("utf-8")


def hash_source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


_STYLE: Final = read_template("style.css")
_FRAME_STYLE: Final = read_template("frame.css")
_SCRIPT: Final = read_template("pixels.js")

# Only these: what Meta and Google document for their tags, and nothing inline but our own.
PIXEL_SCRIPTS: Final = (
    f"script-src {hash_source(_SCRIPT)} https://connect.facebook.net https://*.googletagmanager.com"
)
PIXEL_IMAGES: Final = (
    "https://www.facebook.com https://*.google-analytics.com https://*.googletagmanager.com"
)
PIXEL_CONNECTIONS: Final = (
    "connect-src https://connect.facebook.net https://www.facebook.com"
    " https://*.google-analytics.com https://*.analytics.google.com"
    " https://*.googletagmanager.com"
)
_PIXEL_SOURCES: Final = f"{PIXEL_SCRIPTS}; img-src data: {PIXEL_IMAGES}; {PIXEL_CONNECTIONS}"
# Browsers hold the redirect that follows a right password against form-action, too.
_FORM_TARGETS: Final = "form-action 'self' http: https: mailto: tel: sms:"

_TEMPLATES: Final = Environment(
    loader=PackageLoader("shorty", "redirect/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    auto_reload=False,
)
_TEMPLATES.filters.update(
    bdi=write_isolated, ltr=write_left_to_right, isolate=isolate, host=write_host
)
_SOURCES: Final = {  # our own files, which no escaping must touch
    "style": Markup(_STYLE),  # noqa: S704
    "frame_style": Markup(_FRAME_STYLE),  # noqa: S704
    "script": Markup(_SCRIPT),  # noqa: S704
}


def render_outcome(
    outcome: Outcome, accept: str, allow: str = "GET, HEAD", *, is_reportable: bool = False
) -> Page:
    """Why the link does not open; for each outcome in `problems.PROBLEMS`.

    `is_reportable`: `/report` leads somewhere.
    """
    if outcome is Outcome.METHOD_NOT_ALLOWED:
        return render_method_not_allowed(accept, allow)
    return _render_problem(
        problems.PROBLEMS[outcome], is_json=wants_json(accept), is_reportable=is_reportable
    )


def render_not_found(accept: str) -> Page:
    """Without a link there is nothing to report."""
    return render_outcome(Outcome.NOT_FOUND, accept)


def render_method_not_allowed(accept: str, allow: str) -> Page:
    problem = problems.PROBLEMS[Outcome.METHOD_NOT_ALLOWED]
    return add_header(_render_problem(problem, is_json=wants_json(accept)), "allow", allow)


def render_two_hosts(*, is_json: bool) -> Page:
    return _render_problem(problems.TWO_HOSTS, is_json=is_json)


def render_unavailable(accept: str) -> Page:
    page = _render_problem(problems.UNAVAILABLE, is_json=wants_json(accept))
    return add_header(page, "retry-after", "5")


def render_password_question(accept: str) -> Page:
    if wants_json(accept):
        return _build_json(problems.PASSWORD_REQUIRED)
    return render_password_form()


@cache
def render_password_form() -> Page:
    return render_template(200, "password.html", _FORM_TARGETS, fault="")


def render_password_wrong(accept: str) -> Page:
    return _render_password_problem(problems.WRONG_PASSWORD, accept)


def render_password_limited(accept: str, retry_after_s: int) -> Page:
    page = _render_password_problem(problems.build_too_many_tries(retry_after_s), accept)
    return add_header(page, "retry-after", str(retry_after_s))


def render_password_busy(accept: str, retry_after_s: int) -> Page:
    page = _render_password_problem(problems.BUSY, accept)
    return add_header(page, "retry-after", str(retry_after_s))


def render_withheld() -> Page:
    """For a prefetch or HEAD of a link whose visits are numbered: nothing that leads anywhere."""
    return Page(204, [*COMMON_HEADERS], "")


def render_card(link: CachedLink, short_url: str, way_past: str) -> Page:
    """For crawlers that show a card of the link: all but where it leads.

    `way_past`: the address that its button opens; empty where programs get no further.
    """
    title = link.title or short_url.partition("://")[2]
    return render_template(
        200, "card.html", link=link, short_url=short_url, title=title, way_past=way_past
    )


def render_cloak(
    link: CachedLink, destination: str, *, is_opted_out: bool, is_secure: bool
) -> Page:
    """The destination in a frame that fills the page. `is_secure`: the visitor came by https."""
    pixels = list_pixels(link, is_opted_out=is_opted_out)
    # Where a frame leads on by itself is the destination's business, so any host may show. A page
    # that came by https may not frame http at all: asking for https instead mostly works.
    sources = ["frame-src http: https:", "upgrade-insecure-requests" if is_secure else ""]
    sources.append(_PIXEL_SOURCES if any(pixels) else "")
    return render_template(
        200,
        "cloak.html",
        "; ".join(source for source in sources if source),
        style=_FRAME_STYLE,
        title=link.title or _name_place(destination),
        destination=destination,
        referrer_policy="no-referrer" if link.hide_referrer else "no-referrer-when-downgrade",
        pixels=pixels,
    )


def render_pixel(link: CachedLink, destination: str) -> Page:
    """Reports the visit and moves on: at once where nothing is waited for, within a second else."""
    place = _name_place(destination)
    return render_template(
        200,
        "pixel.html",
        _PIXEL_SOURCES,
        title=link.title or place,
        place=place,
        destination=destination,
        pixels=list_pixels(link, is_opted_out=False),
    )


def render_details(
    link: CachedLink, destination: str, short_url: str, *, is_reportable: bool = False
) -> Page:
    return render_template(
        200,
        "details.html",
        link=link,
        short_url=short_url.partition("://")[2],
        destination=destination,
        place=_name_place(destination),
        made_at=datetime.fromtimestamp(link.created_at // 1000, UTC),
        is_reportable=is_reportable,
    )


@cache
def render_root(host: str, *, is_own: bool) -> Page:
    """`is_own`: the domain is the operator's, so its visitors may be the dashboard's people."""
    return render_template(200, "root.html", host=host, is_own=is_own)


@cache
def _render_problem(problem: Problem, *, is_json: bool, is_reportable: bool = False) -> Page:
    if is_json:
        return _build_json(problem)
    return render_template(
        problem.status, "message.html", problem=problem, is_reportable=is_reportable
    )


def _render_password_problem(problem: Problem, accept: str) -> Page:
    if wants_json(accept):
        return _build_json(problem)
    return render_template(problem.status, "password.html", _FORM_TARGETS, fault=problem.detail)


def _build_json(problem: Problem) -> Page:
    headers = [*COMMON_HEADERS, ("content-type", "application/problem+json")]
    headers.append(("x-content-type-options", "nosniff"))
    return Page(problem.status, headers, encode_problem(problem))


def render_template(
    status: int, template: str, sources: str = "", *, style: str = _STYLE, **values: object
) -> Page:
    """`sources`: what the page may load or do beyond showing itself."""
    policy = [
        "default-src 'none'",
        f"style-src {hash_source(style)}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        *([] if "img-src" in sources else ["img-src data:"]),
        *([] if "form-action" in sources else ["form-action 'none'"]),
        *([sources] if sources else []),
    ]
    headers = [
        *COMMON_HEADERS,
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", "; ".join(policy)),
        ("x-content-type-options", "nosniff"),
    ]
    body = _TEMPLATES.get_template(template).render(**_SOURCES, **values)
    return Page(status, headers, body)


def add_header(page: Page, name: str, value: str) -> Page:
    return page._replace(headers=[*page.headers, (name, value)])


def hide_referrer(page: Page) -> Page:
    """Without telling the destination where its visitors come from."""
    headers = [header for header in page.headers if header[0] != "referrer-policy"]
    return page._replace(headers=[("referrer-policy", "no-referrer"), *headers])


def list_pixels(link: CachedLink, *, is_opted_out: bool) -> Pixels:
    if is_opted_out:
        return Pixels()
    return Pixels(
        meta=link.meta_pixel_id or "",
        google=link.google_tag_id or "",
        container=link.gtm_container_id or "",
    )


def _name_place(destination: str) -> str:
    """The host, or the mail address or number, that an address leads to."""
    return destination_host(destination) or unquote(
        destination.partition(":")[2].partition("?")[0], errors="replace"
    )
