"""The files of the dashboard's imports: what was uploaded, and the report of what was found.

With SQLite they lie in a folder beside the database, readable by the server alone, until their job
is over or forgotten. Where several nodes share a database, they are in it, in pieces, and a node
has copies only while it runs their job: SQLite's file would never shrink after an upload, and each
backup would hold it.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from shorty.errors import ConflictError
from shorty.links.job_store import JobRow
from shorty.storage.database import Database, Row

COPIED_BYTES: Final = 1024 * 1024
PIECE_BYTES: Final = 256 * 1024
SENT_BYTES: Final = 64 * 1024
PIECES_AT_ONCE: Final = 4
UPLOAD: Final = 0  # the `run` of its pieces
NO_REPORT: Final = "This report no longer exists. Import the file again to get a new one."

# Only while the job is still this node's. It may be sent twice.
SHARE: Final = """
insert into job_pieces (job_id, run, position, content)
select job_id, $3, $4, $5 from background_jobs where job_id = $1 and run = $2
on conflict (job_id, run, position) do update set content = excluded.content
returning position
"""
READ: Final = """
select position, content from job_pieces
where job_id = $1 and run = $2 and position >= $3 order by position limit $4
"""
DELETE: Final = "delete from job_pieces where job_id = $1 and run = $2"

log = structlog.get_logger(__name__)


class JobFiles:
    """`folder` is used by nothing else. What reads or writes the database raises
    StorageUnavailableError.
    """

    def __init__(self, db: Database, folder: Path) -> None:
        self._db = db
        self._folder = folder
        self._is_shared = db.here is None

    def clear(self, kept: Collection[str]) -> None:
        """Removes what belongs to no job of these ids, such as what a killed process has left."""
        try:
            for path in self._folder.iterdir() if self._folder.exists() else ():
                if self._is_shared or path.name.partition(".")[0] not in kept:
                    path.unlink()
            if self._folder.exists() and not any(self._folder.iterdir()):
                self._folder.rmdir()
        except OSError as error:
            log.warning("uploads_remain", folder=str(self._folder), reason=error.strerror)

    async def take_upload(self, row: JobRow, file: BinaryIO) -> None:
        """Copies it into the folder; nothing is left where that fails."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._name_upload(row)
        try:
            await asyncio.to_thread(copy_upload, file, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    async def share_upload(self, row: JobRow, is_stopped: Callable[[], bool]) -> None:
        """Shows it to the other nodes, if there are any."""
        if self._is_shared:
            await self._share(row, self._name_upload(row), UPLOAD, 0, is_stopped)

    async def find_upload(
        self, row: JobRow, size: int, is_stopped: Callable[[], bool]
    ) -> Path | None:
        """The path of the whole file, None where it is not there any more."""
        path = self._name_upload(row)
        if self._is_shared and not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open_private(path) as copy:
                async for piece in self._read(row.id, UPLOAD):
                    if is_stopped():
                        break
                    copy.write(piece)
        if not path.exists() or (path.stat().st_size != size and not is_stopped()):
            return None
        return path

    def open_report(self, row: JobRow) -> BinaryIO:
        """A new one, which replaces that of an earlier run."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open_private(self._name_report(row))

    async def share_report(self, row: JobRow, position: int) -> int:
        """Shows what was written past the position; returns the position to go on from."""
        if not self._is_shared:
            return position
        return await self._share(row, self._name_report(row), row.run, position, lambda: False)

    async def read_report(self, row: JobRow) -> AsyncGenerator[bytes]:
        """What is written so far. Raises ConflictError where it is not there any more."""
        pieces = self._read(row.id, row.run) if self._is_shared else self._read_file(row)
        first = await anext(pieces, None)
        if first is None:
            raise ConflictError(NO_REPORT)
        return _put_before(first, pieces)

    async def leave(self, row: JobRow, *, keeps_upload: bool) -> None:
        """This node runs the job no more; the upload is needed again or not."""
        if self._is_shared:
            self._unlink(self._name_upload(row), self._name_report(row))
            if not keeps_upload:
                await self._db.run_alone(DELETE, row.id, UPLOAD)
        elif not keeps_upload:
            self._unlink(self._name_upload(row))

    def leave_to_others(self, row: JobRow) -> None:
        """Another node runs the job by now."""
        self._unlink(self._name_upload(row), self._name_report(row))

    def delete(self, job_ids: Iterable[str]) -> None:
        """Of deleted jobs, none of which runs. Pieces in the database go with the job's row."""
        if not self._is_shared:
            for job_id in job_ids:
                folder = self._folder
                self._unlink(folder / f"{job_id}.upload", folder / f"{job_id}.report")

    def _name_upload(self, row: JobRow) -> Path:
        return self._folder / f"{self._name(row)}.upload"

    def _name_report(self, row: JobRow) -> Path:
        return self._folder / f"{self._name(row)}.report"

    def _name(self, row: JobRow) -> str:
        return f"{row.id}.{row.run}" if self._is_shared else row.id

    def _unlink(self, *paths: Path) -> None:
        for path in paths:
            path.unlink(missing_ok=True)

    async def _share(
        self, row: JobRow, path: Path, run: int, position: int, is_stopped: Callable[[], bool]
    ) -> int:
        with path.open("rb") as file:
            file.seek(position)
            while not is_stopped():
                content = await asyncio.to_thread(file.read, PIECE_BYTES)
                if not content:
                    break
                place = row.id, row.run, run, position, content
                if not await self._db.run_alone(SHARE, *place):
                    break
                position += len(content)
        return position

    async def _read(self, job_id: str, run: int) -> AsyncGenerator[bytes]:
        """From the start, up to where a piece is missing."""
        position = 0
        while True:
            rows: list[Row] = await self._db.find_all(READ, job_id, run, position, PIECES_AT_ONCE)
            for row in rows:
                if row["position"] != position:
                    return
                yield row["content"]
                position += len(row["content"])
            if not rows:
                return

    async def _read_file(self, row: JobRow) -> AsyncGenerator[bytes]:
        path = self._name_report(row)
        if not path.exists():
            return
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, SENT_BYTES):
                yield piece


async def _put_before(first: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for piece in pieces:
        yield piece


def copy_upload(file: BinaryIO, path: Path) -> None:
    file.seek(0)
    with open_private(path) as copy:
        shutil.copyfileobj(file, copy, COPIED_BYTES)


def find_size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def open_private(path: Path) -> BinaryIO:
    """A new file, which replaces one of an earlier run."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "wb")
