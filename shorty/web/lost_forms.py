"""Keeps a form whose session ended before it was sent, and shows it again, never carries it out."""

from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from shorty.web.form_tokens import TOKEN, FormOwner
from shorty.web.forms import Form
from shorty.web.requests import DRAFT, WebRequest
from shorty.webcore.addresses import HOME, read_way_back
from shorty.webcore.drafts import Draft

DRAFTS: Final = f"{HOME}/drafts/"
SECRETS: Final = {
    "password": "passwords",
    "current": "passwords",
    "code": "codes",
    "secret": "codes",
    "key": "keys",
}
"""Fields that are never kept, with what the page calls them."""
UNKEPT: Final = frozenset({TOKEN, *SECRETS})
FILES: Final = "files"
SAME: Final = frozenset({"same-origin", "none"})  # none: sent again by the browser itself


def is_own_origin(request: WebRequest) -> bool:
    """Whether no other site sent this request, according to the browser (Fetch Metadata, Origin).

    Ports are not compared: a proxy may drop that of the Host header, and cookies ignore ports too.
    What says nothing is no browser of this decade; its token decides.
    """
    site = request.find_header(b"sec-fetch-site")
    if site is not None:
        return site in SAME
    origin = request.find_header(b"origin")
    return origin is None or _read_host(origin) == _read_own_host(request) != ""


async def keep_form(request: WebRequest, owner: FormOwner, form: Form, page: str) -> str | None:
    """The address at which the person gets the form back; None if it is too large.

    `owner` is whom the form was shown to, as its token proves. Raises StorageUnavailableError.
    """
    draft = Draft(
        user_id=owner.user_id,
        workspace_id=owner.workspace_id,
        browser=request.forms_key,
        page=page,
        action=request.scope["path"],
        fields={name: values for name, values in form.fields.items() if name not in UNKEPT},
        left_out=list_left_out(form),
        kept_at=request.now,
    )
    key = await request.services.drafts.keep(draft)
    return None if key is None else f"{DRAFTS}{key}"


def list_left_out(form: Form) -> tuple[str, ...]:
    """What was in the form and is not kept, in words."""
    filled = {SECRETS[name] for name in SECRETS if any(form.read_all(name))}
    return (*sorted(filled), *((FILES,) if form.files else ()))


def find_page(request: WebRequest, usual: str) -> str:
    """The page on which the form was filled in, with its query, but for secrets.

    Named by the Referer, unless that is where the form was sent to: then it was shown again with
    its faults, and can be filled in at `usual`.
    """
    referer = request.find_header(b"referer") or ""
    host = _read_host(referer)
    if not host or host != _read_own_host(request):
        return usual
    came_from = urlsplit(referer)
    query = [pair for pair in parse_qsl(came_from.query) if pair[0] not in {DRAFT, *SECRETS}]
    if came_from.path == quote(request.scope["path"]) and not query:
        return usual
    page = read_way_back(f"{came_from.path}?{urlencode(query)}" if query else came_from.path)
    return page if page.partition("?")[0] == came_from.path else usual


async def find_waiting_draft(request: WebRequest, way_back: str) -> Draft | None:
    """The draft that signing in leads to, if there is one."""
    if not way_back.startswith(DRAFTS):
        return None
    key = way_back.removeprefix(DRAFTS)
    return await request.services.drafts.find(key, request.forms_key, request.now)


async def bring_draft(request: WebRequest) -> None:
    """Finds the draft that the query names, to be shown if it is this person's."""
    query = request.scope["query_string"]
    if request.scope["method"] not in {"GET", "HEAD"} or b"draft=" not in query:
        return
    key = request.read_query().get(DRAFT, "")
    draft = await request.services.drafts.find(key, request.forms_key, request.now)
    if draft is not None and request.may_see(draft):
        request.draft, request.draft_key = draft, key


def _read_own_host(request: WebRequest) -> str:
    return _read_host(f"//{request.find_header(b'host') or ''}")


def _read_host(address: str) -> str:
    """Lower-cased and without its port; empty for none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
