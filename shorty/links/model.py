"""What a link is: the stored link, what makes a new one, and what may be changed of it.

Times are UTC milliseconds. Empty texts are never stored: absent is None.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from shorty.domains.model import write_short_url

LinkType = Literal["URL", "MAILTO", "TEL", "SMS"]
MadeThrough = Literal["link", "qr", "import"]
# What a link is there for: itself, a QR code (whatever else it is), or a link-in-bio page; of any
# of them, those that have a code.
LinkKind = Literal["plain", "qr", "bio", "qr-or-bio", "coded"]
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


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A stored, live link with its tags and counts."""

    id: int
    workspace_id: int
    domain_id: int
    host: str
    scheme: str
    slug: str
    link_type: LinkType
    original_url: str
    url: str
    status: int
    title: str | None
    description: str | None
    image: str | None
    cloaked: bool
    forward_parameters: bool
    block_bots: bool
    is_active: bool
    is_starred: bool
    is_admin_blocked: bool
    password_hash: str | None
    is_password_asked: bool
    expires_at: int | None
    max_clicks: int | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    utm_id: str | None
    meta_pixel_id: str | None
    google_tag_id: str | None
    webhook_urls: tuple[str, ...]
    is_link_in_bio: bool
    button_label: str | None
    is_public: bool
    qr_settings: QrSettings | None
    made_through: MadeThrough
    favicon_url: str  # a path on every domain of this server; empty: none is known
    edit_count: int
    created_by: Creator | None
    created_at: int
    updated_at: int
    tags: tuple[Tag, ...]
    clicks: int
    scans: int
    bio_clicks: int
    bio_page_id: int | None = None  # its own page, else the first on which it is a button

    @property
    def click_count(self) -> int:
        return self.clicks + self.scans + self.bio_clicks

    @property
    def domain(self) -> LinkDomain:
        return LinkDomain(id=self.domain_id, host=self.host, scheme=self.scheme)

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


class LinkColumns(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a link that passed every check: the columns a caller decides, in order.

    Flags are 0 or 1; `slug` is empty where one is still to be generated.
    """

    domain_id: int
    slug: str
    slug_key: str
    link_type: LinkType
    original_url: str
    url: str
    url_hash: int
    status: int
    title: str | None
    description: str | None
    image: str | None
    cloaked: int
    forward_parameters: int
    block_bots: int
    is_active: int
    is_starred: int
    password_hash: str | None
    is_password_asked: int
    expires_at: int | None
    max_clicks: int | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    utm_id: str | None
    meta_pixel_id: str | None
    google_tag_id: str | None
    webhook_urls: str
    is_link_in_bio: int
    button_label: str | None
    is_public: int
    qr_settings: str | None
    favicon_url: str


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link as a door asks for it: typed, not yet checked against any rule."""

    url: str
    domain: str
    slug: str | None = None
    link_type: LinkType = "URL"
    title: str | None = None
    description: str | None = None
    image: str | None = None
    status: int = 302
    cloaked: bool = False
    password: str | None = None
    is_password_asked: bool = True
    expires_at: int | None = None
    max_clicks: int | None = None
    tag_ids: tuple[int, ...] = ()
    tag_names: tuple[str, ...] = ()
    forward_parameters: bool = False
    block_bots: bool = False
    is_active: bool = True
    is_starred: bool = False
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
    qr_settings: QrSettings | None = None
    made_through: MadeThrough = "link"
    is_public: bool = False


class LinkChange(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a link; UNSET leaves a field as it is, None clears it.

    `tag_ids` and `tag_names` replace the link's tags, the three after them leave the others alone.
    """

    url: str | UnsetType = UNSET
    domain: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    link_type: LinkType | UnsetType = UNSET
    title: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    image: str | None | UnsetType = UNSET
    status: int | UnsetType = UNSET
    cloaked: bool | UnsetType = UNSET
    password: str | None | UnsetType = UNSET
    is_password_asked: bool | UnsetType = UNSET
    expires_at: int | None | UnsetType = UNSET
    max_clicks: int | None | UnsetType = UNSET
    tag_ids: tuple[int, ...] | UnsetType = UNSET
    tag_names: tuple[str, ...] | UnsetType = UNSET
    add_tag_ids: tuple[int, ...] | UnsetType = UNSET
    add_tag_names: tuple[str, ...] | UnsetType = UNSET
    remove_tag_ids: tuple[int, ...] | UnsetType = UNSET
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
