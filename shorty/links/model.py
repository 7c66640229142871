"""What a link is: its fields, the stored link, and a change of either.

Times are UTC milliseconds. Empty texts are never stored: absent is None.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from shorty.config import Plan
from shorty.domains.model import write_place, write_short_url
from shorty.links.rules import Rules
from shorty.links.slug import slug_key

LinkType = Literal["URL", "MAILTO", "TEL", "SMS"]
MadeThrough = Literal["link", "qr", "import"]
# What a link is there for: itself, a QR code (whatever else it is), or a link-in-bio page; of any
# of them, those that have a code.
LinkKind = Literal["plain", "qr", "bio", "qr-or-bio", "coded"]
# A caller's text that is no id of any tag stays a text, to be named in the error.
TagId: TypeAlias = int | str
# By the time of deletion only deleted links are sorted.
LinkSort = Literal[
    "createdAt", "-createdAt", "clickCount", "-clickCount", "deletedAt", "-deletedAt"
]
# What a link is at a moment, maybe several at once, and what it has. Active links let visitors
# through, with or without a password. All but "deleted" are states of live links.
LinkState = Literal[
    "active",
    "disabled",
    "expired",
    "used-up",
    "not-started",
    "blocked",
    "deleted",
    "password",
    "bio-page",
    "qr-code",
    "starred",
]

MOST_ALIASES = 20
ADDRESSES_PER_LINK = MOST_ALIASES + 1


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    color: str


class QrSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """How a link's QR code looks, in the words of the short-link API; None means the default."""

    preset: str | None = None
    color: str | None = None
    bg_color: str | None = None
    pattern: str | None = None
    corner: str | None = None
    logo: str | None = None
    qr_logo_id: int | None = None
    frame: str | None = None
    text: str | None = None
    text_color: str | None = None
    primary: str | None = None
    secondary: str | None = None
    qr_type: str | None = None
    gradient: str | None = None
    gradient_type: str | None = None
    margin: int | None = None
    size: int | None = None
    error_correction: str | None = None


class Creator(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    email: str


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """When a link was deleted, by whom if that is known, and what keeps it from coming back.

    `is_slug_resting`: no link has the slug, but it is reserved for another workspace.
    """

    at: int
    by: Creator | None
    is_slug_taken: bool
    is_slug_resting: bool
    is_domain_gone: bool


class LinkDomain(msgspec.Struct, frozen=True, kw_only=True):
    """What a link keeps of the domain it is on."""

    id: int
    host: str
    scheme: str


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A slug on a domain, at which one link answers: its own, or an alias of it."""

    domain_id: int
    host: str
    scheme: str
    slug: str

    @property
    def key(self) -> tuple[int, str]:
        """What makes two addresses the same."""
        return self.domain_id, slug_key(self.slug)

    @property
    def text(self) -> str:
        """HOST/SLUG, as in its short URL."""
        return write_place(self.host, self.slug)

    @property
    def short_url(self) -> str:
        return write_short_url(self.scheme, self.host, self.slug)


class LinkFields(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided of a link, with the defaults of a new one. `url` has the UTM parameters.

    The order is that of the columns in which `store` keeps them, `host` and `scheme` apart.
    """

    domain_id: int = 0
    host: str = ""
    scheme: str = ""
    slug: str = ""  # empty until one is generated
    link_type: LinkType = "URL"
    original_url: str = ""
    url: str = ""
    status: int = 302
    title: str | None = None
    description: str | None = None
    image: str | None = None
    cloaked: bool = False
    forward_parameters: bool = False
    block_bots: bool = False
    is_active: bool = True
    is_starred: bool = False
    password_hash: str | None = None
    is_password_asked: bool = True
    valid_since: int | None = None  # before it, the link answers as if it did not exist
    expires_at: int | None = None
    max_clicks: int | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    utm_id: str | None = None
    meta_pixel_id: str | None = None
    google_tag_id: str | None = None
    webhook_urls: tuple[str, ...] = ()
    is_link_in_bio: bool = False
    button_label: str | None = None
    is_public: bool = False
    qr_settings: QrSettings | None = None
    made_through: MadeThrough = "link"
    favicon_url: str = ""  # a path on every domain of this server; empty: none is known
    rules: Rules = ()  # the first that holds chooses another destination
    expired_url: str | None = None
    hide_referrer: bool = False
    gtm_container_id: str | None = None
    skip_social_crawler_tracking: bool = False

    @property
    def domain(self) -> LinkDomain:
        return LinkDomain(id=self.domain_id, host=self.host, scheme=self.scheme)

    @property
    def address(self) -> Address:
        """Its own, apart from its aliases."""
        return Address(domain_id=self.domain_id, host=self.host, scheme=self.scheme, slug=self.slug)


class Link(LinkFields, frozen=True, kw_only=True):
    """A stored link with its aliases, tags and counts.

    It is live, except in a list of deleted links, where `deletion` is its own. `lost_aliases` are
    those that a link which was just restored did not get back.
    """

    id: int
    workspace_id: int
    is_admin_blocked: bool = False
    edit_count: int = 0
    created_by: Creator | None
    created_at: int
    updated_at: int
    aliases: tuple[Address, ...] = ()
    lost_aliases: tuple[Address, ...] = ()
    tags: tuple[Tag, ...] = ()
    clicks: int = 0
    scans: int = 0
    bio_clicks: int = 0
    bio_page_id: int | None = None  # its own page, else the first on which it is a button
    deletion: Deletion | None = None

    @property
    def click_count(self) -> int:
        return self.clicks + self.scans + self.bio_clicks

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where it answers, its own address first."""
        return (self.address, *self.aliases)

    @property
    def alias_slugs(self) -> str:
        """What searches find of its aliases: their slugs, which have no spaces, in their order."""
        return " ".join(alias.slug for alias in self.aliases)

    @property
    def short_url(self) -> str:
        return write_short_url(self.scheme, self.host, self.slug)

    @property
    def icon_address(self) -> str:
        """Where everybody can fetch the icon of the host it leads to; empty: none is known."""
        return f"{self.scheme}://{self.host}{self.favicon_url}" if self.favicon_url else ""

    @property
    def qr_url(self) -> str | None:
        """Where everybody can fetch the QR code; with `.png` for `.svg` it is one in pixels."""
        if self.qr_settings is None:
            return None
        return f"{write_short_url(self.scheme, self.host, f'qr/{self.slug}')}.svg"


class LinkChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks for, of a new link or of one that exists: typed, not yet checked.

    UNSET leaves a field as it is (of a new link, at its default), None clears it. A new link needs
    `url` and `domain`; without a `slug`, it gets a generated one. `tag_ids` and `tag_names` replace
    the link's tags, the three after them leave the others alone.

    `aliases` are the whole list, each HOST/SLUG or a slug of the link's own domain; the two after
    them add and remove some. Without a list, a link in use that gets another slug or domain keeps
    its former address as an alias, unless `keeps_old_slug` is False.

    `unread` maps fields that could not be read to their faults, under the caller's own names: they
    are reported together with what is wrong with the others.

    `rules` are what `rule_reading` has read. `rule_paths` maps the paths of their destinations to
    the caller's own names for them, where rules were not what the caller wrote.
    """

    url: str | UnsetType = UNSET
    domain: str | UnsetType = UNSET
    slug: str | None | UnsetType = UNSET
    link_type: LinkType | UnsetType = UNSET
    title: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    image: str | None | UnsetType = UNSET
    status: int | UnsetType = UNSET
    cloaked: bool | UnsetType = UNSET
    password: str | None | UnsetType = UNSET
    is_password_asked: bool | UnsetType = UNSET
    valid_since: int | None | UnsetType = UNSET
    expires_at: int | None | UnsetType = UNSET
    max_clicks: int | None | UnsetType = UNSET
    tag_ids: tuple[TagId, ...] | UnsetType = UNSET
    tag_names: tuple[str, ...] | UnsetType = UNSET
    add_tag_ids: tuple[TagId, ...] | UnsetType = UNSET
    add_tag_names: tuple[str, ...] | UnsetType = UNSET
    remove_tag_ids: tuple[TagId, ...] | UnsetType = UNSET
    forward_parameters: bool | UnsetType = UNSET
    block_bots: bool | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_starred: bool | UnsetType = UNSET
    utm_source: str | None | UnsetType = UNSET
    utm_medium: str | None | UnsetType = UNSET
    utm_campaign: str | None | UnsetType = UNSET
    utm_term: str | None | UnsetType = UNSET
    utm_content: str | None | UnsetType = UNSET
    utm_id: str | None | UnsetType = UNSET
    meta_pixel_id: str | None | UnsetType = UNSET
    google_tag_id: str | None | UnsetType = UNSET
    webhook_urls: tuple[str, ...] | UnsetType = UNSET
    is_link_in_bio: bool | UnsetType = UNSET
    button_label: str | None | UnsetType = UNSET
    qr_settings: QrSettings | None | UnsetType = UNSET
    is_public: bool | UnsetType = UNSET  # of a new link alone, as are the two below
    made_through: MadeThrough | UnsetType = UNSET
    rules: Rules | None | UnsetType = UNSET
    expired_url: str | None | UnsetType = UNSET
    hide_referrer: bool | UnsetType = UNSET
    gtm_container_id: str | None | UnsetType = UNSET
    skip_social_crawler_tracking: bool | UnsetType = UNSET
    aliases: tuple[str, ...] | None | UnsetType = UNSET
    add_aliases: tuple[str, ...] = ()
    remove_aliases: tuple[str, ...] = ()
    keeps_old_slug: bool = True
    fetches_title: bool = False  # from the destination, where none is given
    unread: dict[str, str] = {}
    rule_paths: Mapping[str, str] | None = None


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a link is created; `creator` is None where nobody signed in."""

    workspace_id: int
    creator: Creator | None
    plan: Plan


class PreparedLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that passed every check but those only the transaction that stores it can make."""

    author: Author
    fields: LinkFields
    aliases: tuple[Address, ...] = ()
    tag_ids: tuple[TagId, ...] = ()
    tag_names: tuple[str, ...] = ()
    fetches_title: bool = False
    created_at: int

    @property
    def has_companions(self) -> bool:
        """Whether storing it changes more than the link and what every link has."""
        fields = self.fields
        has_others = bool(self.tag_ids or self.tag_names or self.aliases)
        return has_others or fields.qr_settings is not None or fields.is_link_in_bio


class JudgedState(msgspec.Struct, frozen=True, kw_only=True):
    """A state, and the moment at which it is asked for."""

    name: LinkState
    now: int


class LinkFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which links to list, in which order, and from where on."""

    search: str = ""
    domain: str | None = None
    tag_id: int | None = None
    is_active: bool | None = None
    is_starred: bool | None = None
    kind: LinkKind | None = None
    state: JudgedState | None = None
    sort: LinkSort = "-createdAt"
    cursor: str | None = None
    limit: int = 50


class LinkPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list. `total` counts to 10,000 where a filter is set, exactly otherwise."""

    links: tuple[Link, ...]
    next_cursor: str | None
    total: int
    total_is_capped: bool
