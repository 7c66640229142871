"""Takes in pictures, drawn anew like uploads: logos of codes, and what bio pages show."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from shorty.accounts.model import Actor
from shorty.errors import BusyError, InvalidFieldsError
from shorty.links.context import LinkContext
from shorty.links.pictures import (
    LONGEST_SIDES,
    MOST,
    Picture,
    Purpose,
    check_picture_name,
    find_or_create_picture,
    find_same_picture,
)
from shorty.qr.sandbox import read_logo
from shorty.transfer.files import ReadingStoppedError
from shorty.transfer.model import ImportedPicture
from shorty.transfer.progress import TransferProgress

# A photograph takes more room as PNG than the file that was uploaded: at most its bare pixels.
MOST_BYTES: Final = 4 * 1024 * 1024


class Pictures:
    """Knows the file's pictures by what the file calls them, each purpose by itself."""

    def __init__(
        self,
        context: LinkContext,
        actor: Actor,
        progress: TransferProgress,
        now: int,
        *,
        is_dry_run: bool,
    ) -> None:
        self._context = context
        self._actor = actor
        self._progress = progress
        self._now = now
        self._is_dry_run = is_dry_run
        self._ours: dict[Purpose, dict[int, int]] = {purpose: {} for purpose in MOST}
        self._seen: Counter[Purpose] = Counter()

    def list_ours(self, purpose: Purpose) -> Mapping[int, int]:
        """Our ids by the file's. In a dry run 0 stands for what would be made."""
        return self._ours[purpose]

    async def take(self, items: Sequence[ImportedPicture]) -> None:
        for item in items:
            if self._progress.is_cancelled:
                return
            try:
                await self._take(item)
            except (BusyError, InvalidFieldsError) as error:
                subject = f"{item.purpose} {item.name[:60]}"
                self._progress.note("failed", item.place, subject, error.message)

    async def _take(self, item: ImportedPicture) -> None:
        """Raises InvalidFieldsError and BusyError."""
        if self._is_dry_run:
            # A link is not tried with a logo that is not there: it would be refused.
            if item.purpose != "logo":
                self._ours[item.purpose][item.ref] = 0
            return
        self._seen[item.purpose] += 1
        if self._seen[item.purpose] > MOST[item.purpose]:
            # Nobody exports so many; drawing each would keep the machine busy for hours.
            fault = (
                f"is one more than the {MOST[item.purpose]} {item.purpose}s that a file may hold"
            )
            raise InvalidFieldsError({"image": fault})
        self._ours[item.purpose][item.ref] = await self._store(item)

    async def _store(self, item: ImportedPicture) -> int:
        """One of the same name and pixels is taken for it. Raises ReadingStoppedError."""
        db, purpose = self._context.db, item.purpose
        name = check_picture_name(item.name, purpose)
        same = await find_same_picture(db, self._actor.workspace_id, purpose, name, item.content)
        if same is not None:
            return same
        workspace_id = self._actor.workspace_id
        drawn = await self._progress.unless_cancelled(
            read_logo(item.content, LONGEST_SIDES[purpose], MOST_BYTES, workspace_id=workspace_id)
        )
        if drawn is None:
            raise ReadingStoppedError
        picture = Picture(png=drawn.png, width=drawn.width, height=drawn.height)
        return await db.write(
            lambda tx: find_or_create_picture(tx, self._actor, purpose, name, picture, self._now)
        )
