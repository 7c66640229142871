"""`/bio-pictures`: avatars and images of bio pages, and the public URLs of these and of icons."""

from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

import msgspec
from litestar import route
from msgspec import Meta

from shorty.api.idempotency import create_once
from shorty.api.objects import Input, show
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.api.uploads import read_upload
from shorty.errors import BusyError, NotFoundError
from shorty.links import pictures
from shorty.links.icons import find_icon_content
from shorty.links.pictures import LONGEST_SIDES, MOST, Picture, StoredPicture
from shorty.qr.sandbox import MAX_BYTES, read_logo
from shorty.webcore.answers import Answer, Header, answer_json, answer_nothing

resource: Final = Resource("Bio pages")
PNG: Final = b"image/png"
PURPOSES: Final[tuple[pictures.Purpose, ...]] = ("avatar", "image")
SAFE: Final[Header] = (b"x-content-type-options", b"nosniff")

Purpose: TypeAlias = Annotated[
    Literal["avatar", "image"],
    Meta(
        description="What the picture is used for: a page's avatar (stored up to "
        f"{LONGEST_SIDES['avatar']} pixels wide or high), or an image block (up to "
        f"{LONGEST_SIDES['image']})."
    ),
]


class PictureInput(Input, frozen=True, kw_only=True):
    image: Annotated[
        str,
        Meta(
            description="The file in base64, or as a `data:` URL: PNG, JPEG, GIF, WebP, ICO or "
            f"SVG of at most {MAX_BYTES:,} bytes."
        ),
    ]
    purpose: Purpose = "image"
    name: Annotated[str, Meta(description="A name to recognise it by.")] = ""


class PictureQuery(msgspec.Struct, frozen=True, kw_only=True):
    purpose: Annotated[Purpose, Meta(description="Required when the body is the file itself.")] = (
        "image"
    )


class PictureObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`path` is a PNG that anyone can fetch, on every domain of this server."""

    id: str
    purpose: str
    name: str
    width: int
    height: int
    path: str
    created_at: str

    example: ClassVar[dict[str, Any]] = {
        "id": "8",
        "purpose": "avatar",
        "name": "Ann",
        "width": 192,
        "height": 192,
        "path": "/static/pictures/0f3c1d9a5be24c7788d1c2a4e6f80912.png",
        "createdAt": "2026-11-22T12:00:00.000Z",
    }


class PictureAnswer(msgspec.Struct, frozen=True, kw_only=True):
    picture: PictureObject


class PictureList(msgspec.Struct, frozen=True, kw_only=True):
    pictures: list[PictureObject]


@resource.handle(
    "GET /bio-pictures",
    "List bio page pictures",
    PictureList,
    description=f"All pictures, oldest first: at most {MOST['avatar']} avatars and "
    f"{MOST['image']} images.",
)
async def list_pictures(request: ApiRequest) -> Answer:
    found = await pictures.list_pictures(request.services.db, request.actor.workspace_id, PURPOSES)
    return answer_json(PictureList(pictures=[show_picture(picture) for picture in found]))


@resource.handle(
    "POST /bio-pictures",
    "Upload a picture for bio pages",
    PictureAnswer,
    description="A body with an image type such as `image/png` is read as the file itself. The "
    "picture is re-encoded as a PNG; the original file is not kept.",
    query=PictureQuery,
    body=PictureInput,
    takes_pictures=True,
    body_example={
        "purpose": "avatar",
        "name": "Ann",
        "image": "data:image/png;base64,iVBORw0KGgo…",
    },
    errors=(BusyError,),
)
async def create_picture(request: ApiRequest) -> Answer:
    body, wanted, content = await read_upload(request, PictureInput)
    query = request.read_filters(PictureQuery)
    purpose = wanted.purpose if wanted else query.purpose
    name = pictures.check_picture_name(wanted.name if wanted else "", purpose)
    drawn = await read_logo(
        content, LONGEST_SIDES[purpose], workspace_id=request.actor.workspace_id
    )
    picture = Picture(png=drawn.png, width=drawn.width, height=drawn.height)
    return await create_once(
        request,
        body,
        "/bio-pictures",
        lambda tx: pictures.create_picture(tx, request.actor, purpose, name, picture, request.now),
        lambda stored: PictureAnswer(picture=show_picture(stored)),
    )


@resource.handle("GET /bio-pictures/{picture_id}", "Get a bio page picture", PictureAnswer)
async def get_picture(request: ApiRequest) -> Answer:
    picture_id = request.read_id("picture_id", "picture")
    picture = await pictures.get_picture(
        request.services.db, request.actor.workspace_id, picture_id, PURPOSES
    )
    return answer_json(PictureAnswer(picture=show_picture(picture)))


@resource.handle(
    "DELETE /bio-pictures/{picture_id}",
    "Delete a bio page picture",
    description="Image blocks that show it are deleted too; a page that used it as its avatar "
    "has none.",
)
async def delete_picture(request: ApiRequest) -> Answer:
    picture_id = request.read_id("picture_id", "picture")
    await request.write(lambda tx: pictures.delete_picture(tx, request.actor, picture_id, PURPOSES))
    return answer_nothing()


@route("/static/pictures/{name:str}", http_method=["GET", "HEAD"], status_code=200)
async def show_public_picture(request: ApiRequest) -> Answer:
    """The URL is derived from the content, so caches may keep it for ever."""
    key = request.path_params["name"].removesuffix(".png")
    png = await pictures.find_public_content(request.services.db, key)
    if png is None:
        raise NotFoundError("picture", key)
    caching = (b"cache-control", b"public, max-age=31536000, immutable")
    return Answer(200, png, media_type=PNG, headers=[caching, SAFE])


@route("/static/icons/{name:str}", http_method=["GET", "HEAD"], status_code=200)
async def show_icon(request: ApiRequest) -> Answer:
    key = request.path_params["name"].removesuffix(".png")
    png = await find_icon_content(request.services.db, key)
    if png is None:
        raise NotFoundError("icon", key)
    caching = (b"cache-control", b"public, max-age=86400")
    return Answer(200, png, media_type=PNG, headers=[caching, SAFE])


def show_picture(picture: StoredPicture) -> PictureObject:
    return show(PictureObject, picture)


PUBLIC_HANDLERS: Final = (show_public_picture, show_icon)
