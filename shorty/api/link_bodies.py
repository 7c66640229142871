"""What the links API accepts: bodies read field by field into changes, and queries into filters."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta

from shorty.api.link_object import STATUSES
from shorty.api.listing import Cursor, Limit
from shorty.api.objects import Input, derive_changes
from shorty.api.qr_settings import QrSettingsInput, read_qr_settings
from shorty.api.rule_objects import (
    SHORTHANDS,
    Android,
    Geo,
    Ios,
    RulesField,
    TestVariants,
    take_rules,
)
from shorty.errors import InvalidFieldsError
from shorty.ids import parse_id
from shorty.links.destination import RedirectStatus
from shorty.links.model import (
    JudgedState,
    LinkChange,
    LinkFilter,
    LinkSort,
    LinkType,
    TagId,
)
from shorty.webcore.fields import TellingNames, convert_body, spell_fields
from shorty.webcore.requests import Body
from shorty.webcore.times import read_time

CREATE_EXAMPLE: Final = {
    "url": "https://example.com/pricing",
    "domain": "go.example.com",
    "customSlug": "my-campaign",
    "title": "Autumn campaign",
    "redirectType": "TEMPORARY_302",
    "expiresAt": "2030-12-31T23:59:59Z",
    "tagIds": ["5"],
    "utmSource": "newsletter",
}

# What null means in a change, if not an empty value.
_DEFAULTS: Final[dict[str, Any]] = {
    "slug": UNSET,  # no link is without one
    "add_tag_ids": UNSET,
    "remove_tag_ids": UNSET,
    "status": 302,
    "link_type": "URL",
    "cloaked": False,
    "forward_parameters": False,
    "block_bots": False,
    "is_active": True,
    "is_starred": False,
    "tag_ids": (),
    "tag_names": (),
    "webhook_urls": (),
    "hide_referrer": False,
    "skip_social_crawler_tracking": False,
    "aliases": (),
    "keeps_old_slug": True,
}
_MAYBE_RULES: Final = frozenset({"rules", *SHORTHANDS})
# Fields that callers know by another name than the domain.
_OWN_NAMES: Final = {
    "slug": "customSlug",
    "status": "redirectType",
    "qr_settings": "qrCode",
    "name": "tagNames",  # of a tag that could not be created
}
_DOMAIN_NAMES: Final = {
    "custom_slug": "slug",
    "redirect_type": "status",
    "qr_code": "qr_settings",
    "keep_old_slug": "keeps_old_slug",
}

RedirectType: TypeAlias = Literal[
    "PERMANENT_301", "TEMPORARY_302", "TEMPORARY_307", "PERMANENT_308", "301", "302", "307", "308"
]

State: TypeAlias = Literal[
    "active", "disabled", "expired", "used-up", "not-started", "blocked", "deleted"
]

Url = Annotated[
    str,
    Meta(
        description="The destination: an http or https URL, or for the other link types a "
        "`mailto:`, `tel:` or `sms:` URL (the prefix may be omitted)."
    ),
]
Domain = Annotated[str, Meta(description="A verified domain of the workspace, such as `go.x.com`.")]
Slug = Annotated[
    str,
    Meta(
        description="The part after the domain's slash: letters and digits of any script, "
        "hyphens, underscores and emoji, with single dots and slashes inside (`docs/api`, `v1.2`). "
        "Default: generated."
    ),
]
Title = Annotated[str, Meta(description="The link's name, and the title of its preview.")]
Description = Annotated[str, Meta(description="The description in the link's preview.")]
Image = Annotated[str, Meta(description="The URL of the preview's image.")]
Redirect = Annotated[
    RedirectType | RedirectStatus,
    Meta(description="How browsers are redirected; a status code such as 301 is accepted too."),
]
Kind = Annotated[LinkType, Meta(description="What kind of destination the link opens.")]
Cloaked = Annotated[bool, Meta(description="Keep the short link in the browser's address bar.")]
Password = Annotated[str, Meta(description="Password that visitors must enter, up to 256 bytes.")]
Start = Annotated[
    str,
    Meta(
        description="When the link becomes valid, in ISO 8601; UTC unless a zone is given. "
        "Before, it answers 404. Must be before `expiresAt`.",
        examples=["2030-01-01T08:00:00Z"],
    ),
]
Expiry = Annotated[
    str,
    Meta(
        description="When the link expires, in ISO 8601; UTC unless a zone is given.",
        examples=["2030-12-31T23:59:59Z"],
    ),
]
MaxClicks = Annotated[int, Meta(description="Maximum visits before the link stops working.")]
TagIds = Annotated[list[str | int], Meta(description="The ids of the link's tags.")]
TagNames = Annotated[
    list[str],
    Meta(
        description="The names of the link's tags; new tags are created. Beside `tagIds`, the link "
        "gets the tags of both."
    ),
]
AddedTagIds = Annotated[list[str | int], Meta(description="The ids of tags to add to the link.")]
RemovedTagIds = Annotated[
    list[str | int], Meta(description="The ids of tags to remove from the link.")
]
Forward = Annotated[
    bool, Meta(description="Pass the visitor's query parameters to the destination.")
]
BlockBots = Annotated[bool, Meta(description="Block known bots.")]
Active = Annotated[bool, Meta(description="false: the link answers 404.")]
Starred = Annotated[bool, Meta(description="Whether the dashboard marks the link with a star.")]
Utm = Annotated[str, Meta(description="A UTM parameter, added to the destination.")]
MetaPixel = Annotated[str, Meta(description="A Meta pixel that fires on visits.")]
GoogleTag = Annotated[str, Meta(description="A Google tag that fires on visits.")]
WebhookUrls = Annotated[
    str,
    Meta(description="Webhook endpoint URLs that are notified of each click, separated by commas."),
]

Aliases = Annotated[
    list[str],
    Meta(
        description="All aliases of the link, up to 20: each `HOST/SLUG`, "
        "or a slug alone for one on the link's own domain. The host must be a verified domain of "
        "the workspace.",
        examples=[["go.example.com/autumn"]],
    ),
]
KeepOldSlug = Annotated[
    bool,
    Meta(
        description="false: an update of `customSlug` or `domain` frees the previous short "
        "link. Default: it becomes an alias if the link has had visits or has a QR "
        "code. Has no effect beside `aliases`."
    ),
]

ExpiredUrl = Annotated[
    str,
    Meta(
        description="Where visitors are redirected once the link has expired or reached its "
        "maximum visits; not counted as a click. Default: the domain's `expiredRedirect`, else a "
        "page that says so."
    ),
]
HideReferrer = Annotated[
    bool, Meta(description="Do not tell the destination on which page the link was followed.")
]
GtmContainer = Annotated[
    str,
    Meta(
        description="A Google Tag Manager container that is loaded on visits. Its custom HTML tags "
        "do not run.",
        examples=["GTM-ABC1234"],
    ),
]
SkipCrawlers = Annotated[
    bool, Meta(description="Store nothing of crawlers that fetch the link's preview.")
]
QrCode = Annotated[
    QrSettingsInput,
    Meta(
        description="How the link's QR code looks; `{}` for the default design. Default: no QR "
        "code."
    ),
]


class LinkInput(Input, frozen=True, kw_only=True):
    url: Url
    domain: Domain
    custom_slug: Slug | None = None
    title: Title | None = None
    description: Description | None = None
    image: Image | None = None
    redirect_type: Redirect | None = None
    link_type: Kind | None = None
    cloaked: Cloaked | None = None
    password: Password | None = None
    valid_since: Start | None = None
    expires_at: Expiry | None = None
    max_clicks: MaxClicks | None = None
    tag_ids: TagIds | None = None
    tag_names: TagNames | None = None
    forward_parameters: Forward | None = None
    block_bots: BlockBots | None = None
    utm_source: Utm | None = None
    utm_medium: Utm | None = None
    utm_campaign: Utm | None = None
    utm_term: Utm | None = None
    utm_content: Utm | None = None
    utm_id: Utm | None = None
    meta_pixel_id: MetaPixel | None = None
    google_tag_id: GoogleTag | None = None
    webhook_urls: WebhookUrls | None = None
    qr_code: QrCode | None = None
    expired_url: ExpiredUrl | None = None
    hide_referrer: HideReferrer | None = None
    gtm_container_id: GtmContainer | None = None
    skip_social_crawler_tracking: SkipCrawlers | None = None
    rules: RulesField | None = None
    ios: Ios | None = None
    android: Android | None = None
    geo: Geo | None = None
    test_variants: TestVariants | None = None


LinkChanges: Final = derive_changes(
    LinkInput,
    add_tag_ids=AddedTagIds | None,
    remove_tag_ids=RemovedTagIds | None,
    is_active=Active | None,
    is_starred=Starred | None,
    aliases=Aliases | None,
    keep_old_slug=KeepOldSlug | None,
)


class CreateQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    find_or_create: Annotated[
        bool,
        Meta(
            description="Return 200 with an existing link to the same destination on the domain, "
            "unless a slug is given."
        ),
    ] = False


class LinkQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    limit: Limit = 50
    cursor: Cursor | None = None
    search: Annotated[
        str,
        Meta(max_length=200, description="Part of the slug, title or destination, or of an alias."),
    ] = ""
    domain: Annotated[str | None, Meta(description="Only links on this domain.")] = None
    tag_id: Annotated[str | None, Meta(description="Only links with this tag.")] = None
    is_active: Annotated[bool | None, Meta(description="Only active, or only inactive links.")] = (
        None
    )
    state: Annotated[
        State | None,
        Meta(
            description="Only links in this state. `active` links let visitors through; a link "
            "can be in several of the other states at once. Only `deleted` lists deleted links."
        ),
    ] = None
    sort: Annotated[
        LinkSort,
        Meta(
            description="Prefix `-` to sort in descending order. `deletedAt` needs `state=deleted`."
        ),
    ] = "-createdAt"


def read_new_link(body: Body) -> LinkChange:
    fields = unfold_form(body.fields) if body.is_form else body.fields
    return read_link_fields(fields, is_form=body.is_form)


def read_link_fields(fields: Mapping[str, object], *, is_form: bool = False) -> LinkChange:
    """A new link; null is the same as an omitted field."""
    return _read(fields, LinkInput, {}, is_form=is_form)


def read_change(fields: Mapping[str, object]) -> LinkChange:
    return _read(fields, LinkChanges, _DEFAULTS)


def spell_faults(faults: Mapping[str, str]) -> dict[str, str]:
    return spell_fields({_OWN_NAMES.get(name, name): fault for name, fault in faults.items()})


telling_own_names: Final = TellingNames(spell_faults)


def read_filter(query: LinkQuery, now: int) -> LinkFilter:
    """Raises InvalidFieldsError for a malformed tag id."""
    tag_id = None if query.tag_id is None else parse_id(query.tag_id)
    if query.tag_id is not None and tag_id is None:
        raise InvalidFieldsError({"tagId": "is not the id of a tag"})
    return LinkFilter(
        search=query.search,
        domain=query.domain,
        tag_id=tag_id,
        is_active=query.is_active,
        state=None if query.state is None else JudgedState(name=query.state, now=now),
        sort=query.sort,
        cursor=query.cursor,
        limit=query.limit,
    )


def unfold_form(fields: Mapping[str, object]) -> dict[str, object]:
    """A form's fields as JSON would have them: tags are lists."""
    unfolded = {name.removesuffix("[]"): value for name, value in fields.items() if value != ""}
    for name in ("tagIds", "tagNames"):
        tags = unfolded.get(name)
        if isinstance(tags, str):
            unfolded[name] = tags.split(",")
    return unfolded


def _read(
    fields: Mapping[str, object],
    kind: type[msgspec.Struct],
    defaults: Mapping[str, Any],
    *,
    is_form: bool = False,
) -> LinkChange:
    """The fields under the domain's names and in its types; unreadable values become faults."""
    clicks = fields.get("maxClicks")
    if isinstance(clicks, float) and clicks.is_integer():
        fields = {**fields, "maxClicks": int(clicks)}  # JSON has only one number type
    values: dict[str, Any] = {}
    rule_faults: dict[str, str] = {}
    if not _MAYBE_RULES.isdisjoint(fields):
        fields, values, rule_faults = take_rules(fields)
    found, faults = convert_body(fields, kind, is_text=is_form)
    faults |= rule_faults
    nothing = UNSET if kind is LinkInput else None
    for own_name, value in found.items():
        name = _DOMAIN_NAMES.get(own_name, own_name)
        if value is None:
            values[name] = defaults.get(name, nothing)
            continue
        try:
            values[name] = _READERS[name](value) if name in _READERS else value
        except ValueError as error:
            faults |= spell_faults({name: str(error)})
    return LinkChange(**values, unread=faults)


def read_status(redirect: str | int) -> int:
    return STATUSES.get(str(redirect)) or int(redirect)


def _read_moment(text: str) -> int:
    try:
        return read_time(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 time, such as 2030-12-31T23:59:59Z") from None


def _read_tag_ids(tag_ids: Sequence[str | int]) -> tuple[TagId, ...]:
    return tuple(
        str(tag_id)[:40] if (number := parse_id(tag_id)) is None else number for tag_id in tag_ids
    )


def _split_addresses(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part.strip())


# How to read values that are not used as they are.
_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "status": read_status,
    "valid_since": _read_moment,
    "expires_at": _read_moment,
    "tag_ids": _read_tag_ids,
    "add_tag_ids": _read_tag_ids,
    "remove_tag_ids": _read_tag_ids,
    "tag_names": tuple,
    "aliases": tuple,
    "qr_settings": read_qr_settings,
    "webhook_urls": _split_addresses,
}
