"""`/bio-pages`: create, list, get, update and delete link-in-bio pages."""

from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shorty.api.bio_objects import (
    TAG,
    ColorsObject,
    PageAnswer,
    PageListAnswer,
    Reader,
    show_page,
)
from shorty.api.idempotency import Remember, answer_once
from shorty.api.link_bodies import Domain, Slug, Url, telling_own_names
from shorty.api.listing import ListQuery
from shorty.api.objects import Input
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.bio import service
from shorty.bio.model import AvatarKind, BioPage, Colors, PageChange, Social, Theme
from shorty.bio.rules import DESCRIPTION_LENGTH, MAX_SOCIALS, TITLE_LENGTH
from shorty.bio.themes import DESCRIPTIONS
from shorty.bio.view import BUTTON_LABEL
from shorty.errors import ConflictError, QuotaExceededError, SlugTakenError
from shorty.links.model import LinkChange
from shorty.webcore.addresses import API
from shorty.webcore.answers import Answer, answer_created, answer_json, answer_nothing
from shorty.webcore.fields import convert_fields
from shorty.webcore.requests import read_body

WHAT: Final = "bio page"

Title: TypeAlias = Annotated[
    str,
    Meta(description=f"The page's title, up to {TITLE_LENGTH} characters; null: the link's title."),
]
Description: TypeAlias = Annotated[
    str,
    Meta(
        description=f"The text below the title, up to {DESCRIPTION_LENGTH} characters; null: the "
        "link's description."
    ),
]
Label: TypeAlias = Annotated[
    str,
    Meta(
        description=f"Label of the first button, which opens `url`. Default: the link's title "
        f"if the page has another title of its own, else `{BUTTON_LABEL}`."
    ),
]
ButtonShown: TypeAlias = Annotated[bool, Meta(description="Whether the page shows that button.")]
Avatar: TypeAlias = Annotated[
    AvatarKind,
    Meta(
        description="The picture at the top: the destination's icon (`icon`, or the title's first "
        "letter if it has none), the picture `avatarId`, or nothing."
    ),
]
AvatarId: TypeAlias = Annotated[
    str | int, Meta(description="The id of an avatar in `/bio-pictures`.")
]
ThemeName: TypeAlias = Annotated[
    Theme,
    Meta(description="; ".join(f"`{name}`: {words}" for name, words in DESCRIPTIONS.items()) + "."),
]
OwnColors: TypeAlias = Annotated[
    ColorsObject,
    Meta(
        description="Colours such as `#1a2b3c` that replace the theme's. With a `background`, the "
        "page looks the same in dark mode."
    ),
]
Socials: TypeAlias = Annotated[
    list[Social],
    Meta(
        description=f"Social icons in the order shown, at most {MAX_SOCIALS}; the `url` of "
        "`email` is an email, that of `phone` a phone number."
    ),
]

resource: Final = Resource(TAG)


class PageChanges(Input, frozen=True, kw_only=True):
    """Omitted fields stay unchanged; null restores the page's default."""

    title: Title | None | UnsetType = UNSET
    description: Description | None | UnsetType = UNSET
    button_label: Label | None | UnsetType = UNSET
    is_button_shown: ButtonShown | None | UnsetType = UNSET
    avatar: Avatar | None | UnsetType = UNSET
    avatar_id: AvatarId | None | UnsetType = UNSET
    theme: ThemeName | None | UnsetType = UNSET
    colors: OwnColors | None | UnsetType = UNSET
    socials: Socials | None | UnsetType = UNSET


class PageInput(PageChanges, frozen=True, kw_only=True):
    """Either `linkId`, or `domain` and maybe `url` to create a new link."""

    link_id: Annotated[str | int, Meta(description="The link that becomes a bio page.")] | None = (
        None
    )
    url: Url | None = None
    domain: Domain | None = None
    custom_slug: Slug | None = None


class DeleteQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    keep_link: Annotated[
        bool, Meta(description="Keep the link, which then redirects to its destination.")
    ] = False


@resource.handle(
    "GET /bio-pages",
    "List bio pages",
    PageListAnswer,
    description="Every link that is a link-in-bio page, oldest first, however it became one.",
    query=ListQuery,
)
async def list_pages(request: ApiRequest) -> Answer:
    query, now = request.read_filters(ListQuery), request.now
    found = await service.list_pages(
        request.services.links, request.actor, now, after=query.after, limit=query.limit
    )
    pages = [show_page(page, now) for page in found.pages]
    cursor = pages[-1].id if found.has_more and pages else None
    return answer_json(PageListAnswer(bio_pages=pages, next_cursor=cursor))


@resource.handle(
    "POST /bio-pages",
    "Create a bio page",
    PageAnswer,
    description="With a new link (`domain`, and optionally `url` and `customSlug`), or for the "
    "existing link `linkId`. A page has the id of its link. Without `url`, the link leads to the "
    "front page of its domain, and the page shows no first button unless `isButtonShown` is true.",
    body=PageInput,
    body_example={
        "url": "https://ann.example.com/",
        "domain": "go.example.com",
        "customSlug": "ann",
        "title": "Ann Example",
        "theme": "dusk",
        "socials": [{"network": "instagram", "url": "https://instagram.com/ann.example"}],
    },
    errors=(SlugTakenError, QuotaExceededError, ConflictError),
)
async def create_page(request: ApiRequest) -> Answer:
    body = await read_body(request)
    wanted = convert_fields(body.fields, PageInput)
    change, link_id = read_change(wanted)
    context, actor, now = request.services.links, request.actor, request.now

    async def create(remember: Remember[BioPage] | None) -> BioPage:
        if link_id is not None:
            return await service.turn_into_page(context, actor, link_id, change, now, remember)
        return await service.create_page(context, actor, read_link(wanted), change, now, remember)

    with telling_own_names:
        return await answer_once(
            request,
            body,
            create,
            lambda page: answer_created(
                PageAnswer(bio_page=show_page(page, now)), f"{API}/bio-pages/{page.id}"
            ),
        )


@resource.handle("GET /bio-pages/{page_id}", "Get a bio page", PageAnswer)
async def get_page(request: ApiRequest) -> Answer:
    page_id = request.read_id("page_id", WHAT)
    page = await service.get_page(request.services.links, request.actor, page_id, request.now)
    return answer_page(request, page)


@resource.handle(
    "PATCH /bio-pages/{page_id}",
    "Update a bio page",
    PageAnswer,
    description="Only a change of `buttonLabel`, a field of the link, counts as an edit of the "
    "link.",
    body=PageChanges,
    body_example={"theme": "meadow", "colors": {"button": "#17624c"}},
    errors=(QuotaExceededError,),
)
async def change_page(request: ApiRequest) -> Answer:
    page_id = request.read_id("page_id", WHAT)
    wanted = await request.read_fields(PageChanges)
    change, _ = read_change(wanted)
    with telling_own_names:
        page = await service.change_page(
            request.services.links, request.actor, page_id, change, request.now
        )
    return answer_page(request, page)


@resource.handle(
    "DELETE /bio-pages/{page_id}",
    "Delete a bio page",
    description="The short link stops working immediately and its slug becomes available; the "
    "links shown on the page are kept.",
    query=DeleteQuery,
    errors=(QuotaExceededError,),
)
async def delete_page(request: ApiRequest) -> Answer:
    page_id = request.read_id("page_id", WHAT)
    query = request.read_filters(DeleteQuery)
    await service.delete_page(
        request.services.links, request.actor, page_id, request.now, keeps_link=query.keep_link
    )
    return answer_nothing()


def answer_page(request: ApiRequest, page: BioPage) -> Answer:
    return answer_json(PageAnswer(bio_page=show_page(page, request.now)))


def read_change(wanted: PageChanges) -> tuple[PageChange, int | None]:
    """The changes, and the link that becomes a page. Raises InvalidFieldsError."""
    reader = Reader()
    avatar_id = reader.read_id("avatarId", wanted.avatar_id)
    link_id = None
    if isinstance(wanted, PageInput):
        link_id = reader.read_id("linkId", wanted.link_id) or None
        reader.faults |= find_source_faults(wanted)
    reader.finish()
    colors, socials = wanted.colors, wanted.socials
    same: dict[str, Any] = {name: getattr(wanted, name) for name in PageChange.__struct_fields__}
    read: dict[str, Any] = {
        "avatar_id": avatar_id,
        "colors": Colors(**msgspec.structs.asdict(colors)) if colors else colors,
        "socials": tuple(socials) if isinstance(socials, list) else socials,
    }
    return PageChange(**(same | read)), link_id


def find_source_faults(wanted: PageInput) -> dict[str, str]:
    given: dict[str, Any] = {
        "url": wanted.url,
        "domain": wanted.domain,
        "customSlug": wanted.custom_slug,
    }
    if wanted.link_id is not None:
        return {name: "cannot be combined with linkId" for name, value in given.items() if value}
    return {} if wanted.domain else {"domain": "is required unless linkId is given"}


def read_link(wanted: PageInput) -> LinkChange:
    """The page's new link, which the link list shows with the page's title."""
    return LinkChange(
        url=wanted.url or "",
        domain=wanted.domain or "",
        slug=wanted.custom_slug,
        title=wanted.title or None,
    )
