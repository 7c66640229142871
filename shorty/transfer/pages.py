"""Takes in how bio pages look, once their links are there; one that is dressed stays so."""

from collections.abc import Sequence

from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.bio.model import NewBlock, PageChange
from shorty.bio.moving import (
    Dress,
    DressFaults,
    MovedBlock,
    dress_page,
    is_dressed,
    judge_dress,
)
from shorty.bio.service import get_page
from shorty.errors import NotFoundError
from shorty.links.context import LinkContext
from shorty.transfer.history import WOULD_BE_MADE, History
from shorty.transfer.model import ImportedBlock, ImportedPage
from shorty.transfer.pictures import Pictures
from shorty.transfer.progress import Sort, TransferProgress

NO_LINK = "its look was left out, for its link was not imported"
NO_PAGE = "its look was left out, for the link that is here is no bio page"
NO_TARGET = "was left out, for the link that it leads to was not imported"
NO_IMAGE = "was left out, for its picture was not imported"
NO_AVATAR = "has the icon at its head, for its picture was not imported"


class Pages:
    """Knows links and pictures by what the file calls them, and so none but the workspace's."""

    def __init__(
        self,
        context: LinkContext,
        actor: Actor,
        progress: TransferProgress,
        history: History,
        pictures: Pictures,
        now: int,
        *,
        is_dry_run: bool,
    ) -> None:
        self._context = context
        self._actor = actor
        self._progress = progress
        self._history = history
        self._pictures = pictures
        self._now = now
        self._is_dry_run = is_dry_run

    async def take(self, items: Sequence[ImportedPage]) -> None:
        for item in items:
            if self._progress.is_cancelled:
                return
            await self._take(item)

    async def _take(self, item: ImportedPage) -> None:
        page_id = self._history.find_link(item.ref)
        if page_id is None:
            self._note("skipped", item, NO_LINK)
            return
        change, is_avatar_lost = self._find_avatar(item)
        blocks, lost = self._find_blocks(item)
        moved = [MovedBlock(new, block.made_at) for block, new in blocks]
        dress = Dress(change=change, blocks=moved, updated_at=item.updated_at)
        try:
            faults = await self._dress(page_id, dress)
        except NotFoundError:
            self._note("skipped", item, NO_PAGE)
            return
        if faults is None:
            return
        if is_avatar_lost:
            self._note("skipped", item, NO_AVATAR)
        for block, reason in lost:
            self._note("skipped", item, reason, block.place)
        for name, fault in faults.settings.items():
            self._note("failed", item, f"{name}: {fault}")
        for number, fault in faults.blocks.items():
            self._note("failed", item, fault, blocks[number][0].place)

    async def _dress(self, page_id: int, dress: Dress) -> DressFaults | None:
        """Raises NotFoundError where the link is no page."""
        context, actor = self._context, self._actor
        if not self._is_dry_run:
            return await context.db.write(lambda tx: dress_page(tx, context, actor, page_id, dress))
        if page_id != WOULD_BE_MADE:
            await get_page(context, actor, page_id, self._now)
            if is_dressed(context.db, page_id):
                return None
        return judge_dress(context, actor, dress)

    def _find_avatar(self, item: ImportedPage) -> tuple[PageChange, bool]:
        """With our picture in the place of the file's; and whether there is none."""
        change, ref = item.change, item.picture
        ours = None if ref is None else self._pictures.list_ours("avatar").get(ref)
        if ours is not None and not self._is_dry_run:
            return replace(change, avatar_id=ours), False
        if change.avatar != "picture":
            return change, False
        return replace(change, avatar="icon"), ours is None

    def _find_blocks(
        self, item: ImportedPage
    ) -> tuple[list[tuple[ImportedBlock, NewBlock]], list[tuple[ImportedBlock, str]]]:
        """Blocks with our links and pictures, and those that are lost with why."""
        found: list[tuple[ImportedBlock, NewBlock]] = []
        lost: list[tuple[ImportedBlock, str]] = []
        images = self._pictures.list_ours("image")
        for block in item.blocks:
            target = None if block.target is None else self._history.find_link(block.target)
            image = None if block.picture is None else images.get(block.picture)
            if target is None and block.target is not None:
                lost.append((block, NO_TARGET))
            elif image is None and block.picture is not None:
                lost.append((block, NO_IMAGE))
            else:
                found.append((block, replace(block.new, link_id=target, picture_id=image)))
        return found, lost

    def _note(self, sort: Sort, item: ImportedPage, message: str, place: str = "") -> None:
        self._progress.note(sort, place or item.place, item.subject, message)
