"""Takes in how bio pages look, after their links; one that was customised here stays as it is."""

from collections.abc import Sequence

from msgspec.structs import replace

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
from shorty.transfer.history import WOULD_BE_CREATED, History
from shorty.transfer.model import ImportedBlock, ImportedPage, ImportRun
from shorty.transfer.pictures import Pictures
from shorty.transfer.progress import Sort

NO_LINK = "its design was skipped: its link was not imported"
NO_PAGE = "its design was skipped: the existing link is not a bio page"
NO_TARGET = "was skipped: the link that it leads to was not imported"
NO_IMAGE = "was skipped: its picture was not imported"
NO_AVATAR = "shows the icon: its picture was not imported"


class Pages:
    """Finds links and pictures by the file's references, so only those of the workspace."""

    def __init__(self, run: ImportRun, history: History, pictures: Pictures) -> None:
        self._run = run
        self._history = history
        self._pictures = pictures

    async def take(self, items: Sequence[ImportedPage]) -> None:
        for item in items:
            self._run.require_wanted()
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
            self._note("failed", item, f"{name.replace('_', ' ')}: {fault}")
        for number, fault in faults.blocks.items():
            self._note("failed", item, fault, blocks[number][0].place)

    async def _dress(self, page_id: int, dress: Dress) -> DressFaults | None:
        """None where it was customised here. Raises NotFoundError where the link is no page."""
        context, actor = self._run.context, self._run.actor
        if not self._run.is_dry_run:
            return await context.db.write(lambda tx: dress_page(tx, context, actor, page_id, dress))
        if page_id != WOULD_BE_CREATED:
            await get_page(context, actor, page_id, self._run.now)
            if await context.db.read(lambda rows: is_dressed(rows, page_id)):
                return None
        return await context.db.read(lambda rows: judge_dress(rows, context, actor, dress))

    def _find_avatar(self, item: ImportedPage) -> tuple[PageChange, bool]:
        """With our picture instead of the file's; and whether it was lost."""
        change, ref = item.change, item.picture
        ours = None if ref is None else self._pictures.list_ours("avatar").get(ref)
        if ours is not None and not self._run.is_dry_run:
            return replace(change, avatar_id=ours), False
        if change.avatar != "picture":
            return change, False
        return replace(change, avatar="icon"), ours is None

    def _find_blocks(
        self, item: ImportedPage
    ) -> tuple[list[tuple[ImportedBlock, NewBlock]], list[tuple[ImportedBlock, str]]]:
        """Blocks with our links and pictures, and those that are lost, with the reason."""
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
        self._run.progress.note(sort, place or item.place, item.subject, message)
