"""What a link is: its fields, the stored link, and a change of either.

Times are UTC milliseconds. Empty texts are never stored: absent is None.
"""

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from shorty.config import Plan
from shorty.domains.model import write_short_url

LinkType = Literal["URL", "MAILTO", "TEL", "SMS"]
MadeThrough = Literal["link", "qr", "import"]
# What a link is there for: itself, a QR code (whatever else it is), or a link-in-bio page; of any
# of them, those that have a code.
LinkKind = Literal["plain", "qr", "bio", "qr-or-bio", "coded"]
# A caller's text that is no id of any tag stays a text, to be named in the error.
TagId: TypeAlias = int | str
LinkSort = Literal["createdAt", "-createdAt", "clickCount", "-clickCount"]


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


class LinkDomain(msgspec.Struct, frozen=True, kw_only=True):
    """What a link keeps of the domain it is on."""

    id: int
    host: str
    scheme: str


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

    @property
    def domain(self) -> LinkDomain:
        return LinkDomain(id=self.domain_id, host=self.host, scheme=self.scheme)


class Link(LinkFields, frozen=True, kw_only=True):
    """A stored, live link with its tags and counts."""

    id: int
    workspace_id: int
    is_admin_blocked: bool = False
    edit_count: int = 0
    created_by: Creator | None
    created_at: int
    updated_at: int
    tags: tuple[Tag, ...] = ()
    clicks: int = 0
    scans: int = 0
    bio_clicks: int = 0
    bio_page_id: int | None = None  # its own page, else the first on which it is a button

    @property
    def click_count(self) -> int:
        return self.clicks + self.scans + self.bio_clicks

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

    `unread` maps fields that could not be read to their faults, under the caller's own names: they
    are reported together with what is wrong with the others.
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
    fetches_title: bool = False  # from the destination, where none is given
    unread: dict[str, str] = {}


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a link is created; `creator` is None where nobody signed in."""

    workspace_id: int
    creator: Creator | None
    plan: Plan


class PreparedLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that passed every check but those only the transaction that stores it can make."""

    author: Author
    fields: LinkFields
    tag_ids: tuple[TagId, ...] = ()
    tag_names: tuple[str, ...] = ()
    fetches_title: bool = False
    created_at: int

    @property
    def has_companions(self) -> bool:
        """Whether storing it changes more than the link and what every link has."""
        fields = self.fields
        has_tags = bool(self.tag_ids or self.tag_names)
        return has_tags or fields.qr_settings is not None or fields.is_link_in_bio


class LinkFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which links to list, in which order, and from where on."""

    search: str = ""
    domain: str | None = None
    tag_id: int | None = None
    is_active: bool | None = None
    is_starred: bool | None = None
    kind: LinkKind | None = None
    sort: LinkSort = "-createdAt"
    cursor: str | None = None
    limit: int = 50


class LinkPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list. `total` counts to 10,000 where a filter is set, exactly otherwise."""

    links: tuple[Link, ...]
    next_cursor: str | None
    total: int
    total_is_capped: bool
