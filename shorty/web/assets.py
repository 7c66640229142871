"""Owns the dashboard's own files: styles, scripts and the icon, under addresses of their content.

An address changes when what it leads to does, so that browsers may keep it for good.
"""

from hashlib import sha256
from importlib import resources
from typing import Final

import msgspec
from litestar import route

from shorty.errors import NotFoundError
from shorty.http.answers import Answer, Header
from shorty.http.documents import Document, answer_document, keep_document
from shorty.http.requests import ServedRequest

MEDIA_TYPES: Final = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}
HEADERS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"x-content-type-options", b"nosniff"),
)
DIGEST_LENGTH: Final = 12


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    document: Document


def _read_assets() -> dict[str, Asset]:
    files = resources.files("shorty.web").joinpath("static").iterdir()
    contents = {file.name: file.read_bytes() for file in files if _find_type(file.name)}
    # One digest for all, so that scripts may import each other by their names.
    digest = sha256()
    for name in sorted(contents):
        digest.update(name.encode() + b"\0" + contents[name] + b"\0")
    folder = f"/static/{digest.hexdigest()[:DIGEST_LENGTH]}"
    return {name: _build_asset(f"{folder}/{name}", contents[name]) for name in contents}


def _find_type(name: str) -> bytes | None:
    return MEDIA_TYPES.get(name.rpartition(".")[2])


def _build_asset(address: str, content: bytes) -> Asset:
    return Asset(address=address, document=keep_document(content, _find_type(address) or b""))


ASSETS: Final = _read_assets()
_BY_ADDRESS: Final = {asset.address: asset for asset in ASSETS.values()}


def write_asset_address(name: str) -> str:
    return ASSETS[name].address


@route("/static/{digest:str}/{name:str}", http_method=["GET", "HEAD"], status_code=200)
async def send_asset(request: ServedRequest) -> Answer:
    asset = _BY_ADDRESS.get(request.scope["path"])
    if asset is None:
        raise NotFoundError("file", request.path_params["name"])
    return answer_document(request, asset.document, HEADERS)
