"""`/qr-logos`: images shown in the middle of the workspace's QR codes."""

from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from shorty.api.idempotency import create_once
from shorty.api.objects import Input, show
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.api.uploads import read_upload
from shorty.errors import BusyError, NotFoundError
from shorty.links import pictures
from shorty.links.pictures import Picture, StoredPicture
from shorty.qr.sandbox import MAX_BYTES, read_logo
from shorty.webcore.addresses import API
from shorty.webcore.answers import Answer, answer_json, answer_nothing

resource: Final = Resource("QR codes")
PNG: Final = b"image/png"


class LogoInput(Input, frozen=True, kw_only=True):
    image: Annotated[
        str,
        Meta(
            description="The file in base64, or as a `data:` URL: PNG, JPEG, WebP or SVG of at "
            f"most {MAX_BYTES:,} bytes."
        ),
    ]
    name: Annotated[str, Meta(description="A name to recognise it by.")] = "Logo"


class LogoObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`width` and `height` are those of the PNG at `imageUrl`."""

    id: str
    name: str
    width: int
    height: int
    image_url: str
    created_at: str

    example: ClassVar[dict[str, Any]] = {
        "id": "3",
        "name": "Acme",
        "width": 400,
        "height": 400,
        "imageUrl": f"{API}/qr-logos/3/image",
        "createdAt": "2026-11-22T12:00:00.000Z",
    }


class LogoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    logo: LogoObject


class LogoList(msgspec.Struct, frozen=True, kw_only=True):
    logos: list[LogoObject]


@resource.handle(
    "GET /qr-logos",
    "List QR code logos",
    LogoList,
    description=f"All logos, oldest first; at most {pictures.MOST['logo']}.",
)
async def list_logos(request: ApiRequest) -> Answer:
    found = await pictures.list_pictures(
        request.services.db, request.actor.workspace_id, pictures.LOGOS
    )
    return answer_json(LogoList(logos=[show_logo(logo) for logo in found]))


@resource.handle(
    "POST /qr-logos",
    "Upload a QR code logo",
    LogoAnswer,
    description="A body of the type `image/png`, `image/jpeg`, `image/webp` or `image/svg+xml` "
    "is read as the file itself. The image is re-encoded as a small PNG; the original file is "
    "not kept.",
    body=LogoInput,
    takes_pictures=True,
    body_example={"name": "Acme", "image": "data:image/png;base64,iVBORw0KGgo…"},
    errors=(BusyError,),
)
async def create_logo(request: ApiRequest) -> Answer:
    body, wanted, content = await read_upload(request, LogoInput)
    name = wanted.name if wanted else "Logo"
    pictures.check_picture_name(name, "logo")
    logo = await read_logo(content, workspace_id=request.actor.workspace_id)
    picture = Picture(png=logo.png, width=logo.width, height=logo.height)
    return await create_once(
        request,
        body,
        "/qr-logos",
        lambda tx: pictures.create_picture(tx, request.actor, "logo", name, picture, request.now),
        lambda stored: LogoAnswer(logo=show_logo(stored)),
    )


@resource.handle("GET /qr-logos/{logo_id}", "Get a logo", LogoAnswer)
async def get_logo(request: ApiRequest) -> Answer:
    logo_id = request.read_id("logo_id", "logo")
    logo = await pictures.get_picture(
        request.services.db, request.actor.workspace_id, logo_id, pictures.LOGOS
    )
    return answer_json(LogoAnswer(logo=show_logo(logo)))


@resource.handle(
    "GET /qr-logos/{logo_id}/image",
    "Get a logo's image",
    bytes,
    answer_example="(the bytes of a PNG)",
    media_type="image/png",
)
async def get_logo_image(request: ApiRequest) -> Answer:
    logo_id = request.read_id("logo_id", "logo")
    picture = await pictures.find_content(
        request.services.db, request.actor.workspace_id, logo_id, "logo"
    )
    if picture is None:
        raise NotFoundError("logo", logo_id)
    kept = [(b"cache-control", b"private, max-age=86400"), (b"x-content-type-options", b"nosniff")]
    return Answer(200, picture.png, media_type=PNG, headers=kept)


@resource.handle(
    "DELETE /qr-logos/{logo_id}",
    "Delete a logo",
    description="QR codes that used it are shown without a logo.",
)
async def delete_logo(request: ApiRequest) -> Answer:
    logo_id = request.read_id("logo_id", "logo")
    await request.write(
        lambda tx: pictures.delete_picture(tx, request.actor, logo_id, pictures.LOGOS)
    )
    return answer_nothing()


def show_logo(logo: StoredPicture) -> LogoObject:
    return show(LogoObject, logo, image_url=f"{API}/qr-logos/{logo.id}/image")
