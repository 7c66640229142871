"""Owns the dashboard's own files: styles, scripts and icons, under addresses of their content.

An address changes when what it leads to does, so that browsers may keep it for good.
"""

from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Final

import msgspec
from litestar import route
from resvg_py import svg_to_bytes

from shorty.errors import NotFoundError
from shorty.webcore.answers import Answer, Header
from shorty.webcore.documents import Document, answer_document, keep_document
from shorty.webcore.requests import ServedRequest

MEDIA_TYPES: Final = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}
PNG: Final = b"image/png"
# Pictures that systems want as PNG, by the drawing and the side in pixels. A full one has no round
# corners and no transparent part, so that each system can cut it into its own shape.
DRAWN: Final = {
    "app-icon-192.png": ("app-icon.svg", 192),
    "app-icon-512.png": ("app-icon.svg", 512),
    "app-icon-full-180.png": ("app-icon-full.svg", 180),
    "app-icon-full-512.png": ("app-icon-full.svg", 512),
}
HEADERS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"x-content-type-options", b"nosniff"),
)
DIGEST_LENGTH: Final = 12


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """If `side` is set, the answer is a PNG of that many pixels, drawn from `content`."""

    address: str
    content: bytes
    media_type: bytes
    side: int = 0


def _read_assets() -> dict[str, Asset]:
    files = resources.files("shorty.web").joinpath("static").iterdir()
    contents = {file.name: file.read_bytes() for file in files if _find_kind(file.name)}
    # One digest for all, so that scripts may import each other by their names.
    digest = sha256()
    for name in sorted(contents):
        digest.update(name.encode() + b"\0" + contents[name] + b"\0")
    folder = f"/static/{digest.hexdigest()[:DIGEST_LENGTH]}"
    files_of_ours = {
        name: Asset(
            address=f"{folder}/{name}", content=content, media_type=MEDIA_TYPES[_find_kind(name)]
        )
        for name, content in contents.items()
    }
    drawn = {
        name: Asset(address=f"{folder}/{name}", content=contents[source], media_type=PNG, side=side)
        for name, (source, side) in DRAWN.items()
    }
    return files_of_ours | drawn


def _find_kind(name: str) -> str:
    """Empty where no browser is given such a file."""
    kind = name.rpartition(".")[2]
    return kind if kind in MEDIA_TYPES else ""


ASSETS: Final = _read_assets()
_BY_ADDRESS: Final = {asset.address: asset for asset in ASSETS.values()}


def write_asset_address(name: str) -> str:
    return ASSETS[name].address


@cache
def _read_document(asset: Asset) -> Document:
    """Drawn and compressed when first asked for: every start would wait for all of them."""
    content = asset.content
    if asset.side:
        content = svg_to_bytes(
            svg_string=content.decode(), skip_system_fonts=True, width=asset.side, height=asset.side
        )
    return keep_document(content, asset.media_type)


@route("/static/{digest:str}/{name:str}", http_method=["GET", "HEAD"], status_code=200)
async def send_asset(request: ServedRequest) -> Answer:
    asset = _BY_ADDRESS.get(request.scope["path"])
    if asset is None:
        raise NotFoundError("file", request.path_params["name"])
    return answer_document(request, _read_document(asset), HEADERS)
