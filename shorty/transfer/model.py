"""What imports and exports are made of, whatever the format of the file.

Each imported item has its place in the file, for the person who has to correct it. Times are UTC
milliseconds.
"""

from typing import Literal, TypeAlias

import msgspec

from shorty.accounts.model import Actor
from shorty.bio.model import NewBlock, PageChange
from shorty.clicks.model import Click
from shorty.links.context import LinkContext
from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange, LinkFields
from shorty.links.pictures import Purpose
from shorty.links.tags import NewTag
from shorty.links.utm_templates import NewUtmTemplate
from shorty.transfer.files import Fault, Hints, ReadingStoppedError
from shorty.transfer.progress import TransferProgress
from shorty.transfer.remarks import Closing, LinkRemark

SourceName = Literal["csv", "shorty", "yourls", "kutt", "shlink", "bitly", "dub"]
OnConflict = Literal["skip", "rename", "fail"]


class ImportedLink(msgspec.Struct, frozen=True, kw_only=True):
    """An empty domain in `change` is the default one of the source.

    `ref` is the link's id in the file. A `password_hash` must be one of ours. `closed` says why the
    link was closed at its old home, or can't be as protected here: it comes in switched off, unless
    shorty has that state.
    """

    place: str
    change: LinkChange
    past: Past
    ref: str | None = None
    password_hash: str | None = None
    closed: tuple[Closing, ...] = ()
    remarks: tuple[LinkRemark, ...] = ()


class ImportedTag(msgspec.Struct, frozen=True, kw_only=True):
    place: str
    new: NewTag


class ImportedPicture(msgspec.Struct, frozen=True, kw_only=True):
    """`ref` is its id in the file, among the pictures of its purpose."""

    place: str
    purpose: Purpose
    ref: int
    name: str
    content: bytes


class ImportedTemplate(msgspec.Struct, frozen=True, kw_only=True):
    place: str
    new: NewUtmTemplate
    made_at: int | None = None


class ImportedBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`target` and `picture` are ids of the file, to be replaced in `new` by ours."""

    place: str
    new: NewBlock
    made_at: int
    target: str | None = None
    picture: int | None = None


class ImportedPage(msgspec.Struct, frozen=True, kw_only=True):
    """The design of the page of the link `ref`. `picture` is the avatar's id in the file."""

    place: str
    ref: str
    change: PageChange
    blocks: tuple[ImportedBlock, ...]
    picture: int | None = None
    updated_at: int | None = None

    @property
    def subject(self) -> str:
        return f"bio page {(self.change.title or '')[:60]}".rstrip()


class ImportedClick(msgspec.Struct, frozen=True, kw_only=True):
    """`ref` is the link's id in the file, to be replaced in `click` by ours.

    `domain` is the host by which it came, where the file says so.
    """

    ref: str
    click: Click
    domain: str | None = None


class ImportedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """All counts of a link, after its single clicks."""

    ref: str
    counts: Counts


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A note about the file for its person, such as an unknown column. Of links: LinkRemark."""

    place: str
    message: str


Item: TypeAlias = (
    ImportedLink
    | ImportedTag
    | ImportedPicture
    | ImportedTemplate
    | ImportedPage
    | ImportedClick
    | ImportedCounts
    | Fault
    | Remark
)


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`domain` puts every link on one domain, whatever the file says."""

    domain: str | None = None
    on_conflict: OnConflict = "skip"
    is_dry_run: bool = False
    hints: Hints = Hints()


class ImportRun(msgspec.Struct, frozen=True, kw_only=True):
    """What the parts of one import share."""

    context: LinkContext
    actor: Actor
    options: ImportOptions
    progress: TransferProgress
    now: int

    @property
    def workspace_id(self) -> int:
        return self.actor.workspace_id

    @property
    def is_dry_run(self) -> bool:
        return self.options.is_dry_run

    def require_wanted(self) -> None:
        """Raises ReadingStoppedError once the import is cancelled."""
        if self.progress.is_cancelled:
            raise ReadingStoppedError


class ExportedLink(LinkFields, frozen=True, kw_only=True):
    """A stored link with its counts, each field by the name of its column; its aliases as texts."""

    id: int
    is_admin_blocked: bool
    edit_count: int
    created_at: int
    updated_at: int
    clicks: int
    scans: int
    bio_clicks: int
    bots: int
    last_click_at: int | None
    aliases: tuple[str, ...]
