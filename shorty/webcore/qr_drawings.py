"""Answers QR codes as images with an ETag, for the API and the dashboard."""

from functools import partial
from hashlib import sha256
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from cachebox import LRUCache
from msgspec import Meta

from shorty import __version__
from shorty.errors import InvalidFieldsError
from shorty.limits import name_network
from shorty.links.model import Link, QrSettings
from shorty.links.pictures import find_content
from shorty.links.qr_rules import find_qr_faults
from shorty.pools import WorkerThreads
from shorty.qr.design import decide_design, override
from shorty.qr.drawing import Logo, draw_svg, render_png
from shorty.qr.symbol import write_scanned_url
from shorty.qr.warnings import list_warnings
from shorty.webcore.answers import Answer, Header
from shorty.webcore.requests import ServedRequest
from shorty.webcore.services import Services

Format: TypeAlias = Literal["png", "svg"]

MEDIA_TYPES: Final[dict[str, bytes]] = {"png": b"image/png", "svg": b"image/svg+xml"}
# An image must not load or run anything when it is opened by itself.
SAFE: Final[tuple[Header, ...]] = (
    (b"content-security-policy", b"default-src 'none'; img-src data:; style-src 'unsafe-inline'"),
    (b"x-content-type-options", b"nosniff"),
)
PUBLIC: Final[Header] = (b"cache-control", b"public, max-age=300")
PRIVATE: Final[Header] = (b"cache-control", b"private, no-cache")
KEPT: Final = 128
MEMBERS_DRAWINGS: Final = WorkerThreads("draw-codes", threads=2, waiting=256, waiting_per_owner=64)
VISITORS_DRAWINGS: Final = WorkerThreads("draw-public-codes", threads=1, waiting_per_owner=16)

_drawn: LRUCache[str, bytes] = LRUCache(KEPT)


class QrQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Each field overrides the link's stored setting."""

    format: Annotated[Format, Meta(description="The image format: pixels or vector.")] = "png"
    size: (
        Annotated[int, Meta(ge=64, le=2048, description="The image's width in pixels.")] | None
    ) = None
    margin: (
        Annotated[int, Meta(ge=0, le=20, description="The quiet zone around the code, in modules.")]
        | None
    ) = None
    color: Annotated[str, Meta(description="Such as `#1a2b3c`.")] | None = None
    bg_color: Annotated[str, Meta(description="Such as `#ffffff`, or `transparent`.")] | None = None
    pattern: Annotated[str, Meta(description="Shape of the modules.")] | None = None
    corner: Annotated[str, Meta(description="Shape of the three corner squares.")] | None = None
    error_correction: (
        Annotated[str, Meta(description="Minimum error correction: `L`, `M`, `Q` or `H`.")] | None
    ) = None
    logo: Annotated[bool, Meta(description="false leaves out the stored logo.")] = True


async def answer_drawing(
    request: ServedRequest, link: Link, settings: QrSettings, picture: Format, caching: Header
) -> Answer:
    """Raises BusyError."""
    address = write_scanned_url(link)
    logo = await find_logo(request.services, link.workspace_id, settings)
    parts = (settings, address, logo.png if logo else b"", picture, __version__)
    tag = sha256(msgspec.msgpack.encode(parts)).hexdigest()[:32]
    headers = [(b"etag", f'"{tag}"'.encode()), caching, *SAFE]
    headers += list_warning_headers(settings, address)
    if is_known(request, tag):
        return Answer(304, media_type=MEDIA_TYPES[picture], headers=headers)
    drawn = _drawn.get(tag, b"")
    if not drawn:
        # A large image takes tenths of a second, so it is not drawn on the loop.
        pool, owner = choose_pool(request, link, caching)
        work = partial(draw, settings, address, logo, picture)
        drawn = _drawn[tag] = await pool.run(owner, work)
    return Answer(200, drawn, media_type=MEDIA_TYPES[picture], headers=headers)


def choose_pool(request: ServedRequest, link: Link, caching: Header) -> tuple[WorkerThreads, str]:
    """Members and visitors have separate queues; workspaces and networks take turns."""
    if caching == PUBLIC:
        return VISITORS_DRAWINGS, name_network(request.client_address)
    return MEMBERS_DRAWINGS, f"workspace {link.workspace_id}"


def draw(settings: QrSettings, address: str, logo: Logo | None, picture: Format) -> bytes:
    svg = draw_svg(decide_design(settings), address, logo)
    return render_png(svg) if picture == "png" else svg.encode()


async def find_logo(services: Services, workspace_id: int, settings: QrSettings) -> Logo | None:
    """Also None if the logo was deleted."""
    if settings.qr_logo_id is None:
        return None
    found = await find_content(services.db, workspace_id, settings.qr_logo_id, "logo")
    return found and Logo(png=found.png, width=found.width, height=found.height)


def override_settings(settings: QrSettings, query: QrQuery) -> QrSettings:
    """Raises InvalidFieldsError."""
    given = QrSettings(
        size=query.size,
        margin=query.margin,
        color=read_color(query.color),
        bg_color=read_color(query.bg_color),
        pattern=query.pattern,
        corner=query.corner,
        error_correction=query.error_correction,
    )
    if faults := find_qr_faults(given):
        raise InvalidFieldsError(faults)
    # One requested colour replaces a stored gradient.
    stored = msgspec.structs.replace(settings, gradient=None) if given.color else settings
    wanted = override(stored, given)
    return wanted if query.logo else msgspec.structs.replace(wanted, qr_logo_id=None)


def read_color(text: str | None) -> str | None:
    """Accepts a colour without `#`, which starts the fragment in a URL."""
    return f"#{text}" if text and text.isalnum() and text != "transparent" else text


def list_warning_headers(settings: QrSettings, address: str) -> list[Header]:
    warnings = " ".join(list_warnings(settings, address))
    return [(b"x-qr-warning", warnings.encode("ascii", "replace"))] if warnings else []


def is_known(request: ServedRequest, tag: str) -> bool:
    given = request.find_header(b"if-none-match") or ""
    return given.strip() == "*" or f'"{tag}"' in given
