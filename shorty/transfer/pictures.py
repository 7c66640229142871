"""Takes in pictures, redrawn like uploads: logos of QR codes, avatars and images of bio pages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from shorty.errors import BusyError, InvalidFieldsError
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
from shorty.transfer.model import ImportedPicture, ImportRun

# A photograph is larger as PNG than the uploaded file was: at most as large as its bare pixels.
MOST_BYTES: Final = 4 * 1024 * 1024


class Pictures:
    """Knows the file's pictures by the file's ids, each purpose by itself."""

    def __init__(self, run: ImportRun) -> None:
        self._run = run
        self._ours: dict[Purpose, dict[int, int]] = {purpose: {} for purpose in MOST}
        self._seen: Counter[Purpose] = Counter()

    def list_ours(self, purpose: Purpose) -> Mapping[int, int]:
        """Our ids by the file's; in a dry run 0 for what would be created."""
        return self._ours[purpose]

    async def take(self, items: Sequence[ImportedPicture]) -> None:
        for item in items:
            self._run.require_wanted()
            try:
                await self._take(item)
            except (BusyError, InvalidFieldsError) as error:
                subject = f"{item.purpose} {item.name[:60]}"
                self._run.progress.note("failed", item.place, subject, error.message)

    async def _take(self, item: ImportedPicture) -> None:
        """Raises InvalidFieldsError and BusyError."""
        purpose = item.purpose
        self._seen[purpose] += 1
        if self._seen[purpose] > MOST[purpose]:
            # Nobody exports so many; drawing each would keep the machine busy for hours.
            fault = f"a file has at most {MOST[purpose]} {purpose}s"
            raise InvalidFieldsError({"image": fault})
        ours = await self._store(item)
        # A link with a logo that does not exist would be refused, so it is tried without.
        if not self._run.is_dry_run or purpose != "logo":
            self._ours[purpose][item.ref] = ours

    async def _store(self, item: ImportedPicture) -> int:
        """The id, of the one that exists if name and pixels are the same; 0 in a dry run.

        Raises ReadingStoppedError.
        """
        db, actor, purpose = self._run.context.db, self._run.actor, item.purpose
        name = check_picture_name(item.name, purpose)
        same = await find_same_picture(db, actor.workspace_id, purpose, name, item.content)
        if same is not None:
            return 0 if self._run.is_dry_run else same
        longest = LONGEST_SIDES[purpose]
        drawn = await self._run.progress.unless_cancelled(
            read_logo(item.content, longest, MOST_BYTES, workspace_id=actor.workspace_id)
        )
        if drawn is None:
            raise ReadingStoppedError
        if self._run.is_dry_run:
            return 0
        picture = Picture(png=drawn.png, width=drawn.width, height=drawn.height)
        return await db.write(
            lambda tx: find_or_create_picture(tx, actor, purpose, name, picture, self._run.now)
        )
