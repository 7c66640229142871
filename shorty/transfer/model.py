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
from shorty.transfer.files import Fault, ReadingStoppedError
from shorty.transfer.progress import TransferProgress

SourceName = Literal["csv", "shorty", "yourls", "kutt", "shlink", "bitly"]
OnConflict = Literal["skip", "rename", "fail"]


class ImportedLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link from elsewhere. An empty domain in `change` is the source's default one.

    `ref` is what the file's clicks call it. A `password_hash` is one of ours. A `lost_password`
    stays behind: such a link is switched off rather than left open to everybody.
    """

    place: str
    change: LinkChange
    past: Past
    ref: str | None = None
    password_hash: str | None = None
    has_lost_password: bool = False


class ImportedTag(msgspec.Struct, frozen=True, kw_only=True):
    place: str
    new: NewTag


class ImportedPicture(msgspec.Struct, frozen=True, kw_only=True):
    """`ref` is what the file's QR settings and bio pages call it, among those of its purpose."""

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
    """`new` names neither a link nor a picture yet: `target` and `picture` are the file's."""

    place: str
    new: NewBlock
    made_at: int
    target: str | None = None
    picture: int | None = None


class ImportedPage(msgspec.Struct, frozen=True, kw_only=True):
    """How the page of the file's link `ref` looks; `picture` is the file's avatar."""

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
    """`click` has no link of ours yet: `ref` is that of an earlier item."""

    ref: str
    click: Click


class ImportedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a link of the file counted altogether, told after its single clicks."""

    ref: str
    counts: Counts


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader of the file ought to know, such as a column that nobody understands."""

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
    """`domain` takes every link to one domain, whatever the file says."""

    domain: str | None = None
    on_conflict: OnConflict = "skip"
    is_dry_run: bool = False


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
    """A stored link with its counts, each field by the name of its column."""

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
