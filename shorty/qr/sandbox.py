"""Turns an untrusted image into a small PNG, in its own process with little time and memory.

Image decoders are exposed to hostile files; the server survives whatever happens to them. Members'
uploads and images of other sites have separate pools, and a workspace draws only one image at a
time. Together they use at most 1,280 MB of memory.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Final, NamedTuple

from shorty.errors import InvalidFieldsError
from shorty.pools import FairSlots
from shorty.qr import reencode
from shorty.qr.drawing import Logo

MAX_BYTES: Final = 1024 * 1024
ICON_SIDE: Final = 128
PATIENCE_S: Final = 20
"""For one image, once it starts; on an idle machine its 5 s of CPU time end first."""
QUEUE_PATIENCE_S: Final = 60
TOO_SLOW: Final = "takes too long to draw: send a smaller or simpler image"
_OUT_OF_TIME: Final = (-signal.SIGXCPU, -signal.SIGKILL)
_PROGRAM: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from shorty.qr.reencode import main; sys.exit(main())"
)
_ROOT: Final = str(Path(reencode.__file__).parents[2])


class Sandbox(NamedTuple):
    """A pool of processes, and the limits of each."""

    slots: FairSlots
    megapixels: int
    megabytes: int


# A valid image of 16 megapixels takes 100 to 230 MB; memory grows with the number of pixels.
MEMBERS: Final = Sandbox(
    FairSlots(
        slots=2, slots_per_owner=1, waiting=32, waiting_per_owner=4, patience_s=QUEUE_PATIENCE_S
    ),
    megapixels=32,
    megabytes=512,
)
STRANGERS: Final = Sandbox(
    FairSlots(
        slots=1, slots_per_owner=1, waiting=16, waiting_per_owner=16, patience_s=QUEUE_PATIENCE_S
    ),
    megapixels=16,
    megabytes=256,
)


async def read_logo(
    content: bytes,
    longest_side: int = reencode.LONGEST_SIDE,
    most_bytes: int = MAX_BYTES,
    *,
    workspace_id: int,
) -> Logo:
    """A PNG of any PNG, JPEG, GIF, WebP, ICO or SVG, with no side over `longest_side` pixels.

    Raises InvalidFieldsError, and BusyError if too many images are waiting.
    """
    if len(content) > most_bytes:
        raise InvalidFieldsError({"image": f"may be at most {most_bytes:,} bytes"})
    return await draw(MEMBERS, f"workspace {workspace_id}", content, longest_side)


async def draw_icon(content: bytes) -> bytes:
    """A small PNG of an image from another site. Raises the same errors as read_logo."""
    return (await draw(STRANGERS, "icons", content, ICON_SIDE)).png


async def draw(sandbox: Sandbox, owner: str, content: bytes, longest_side: int) -> Logo:
    """Raises InvalidFieldsError and BusyError."""
    async with sandbox.slots.take(owner):
        png, fault = await _run(sandbox, content, longest_side)
    if not png:
        raise InvalidFieldsError({"image": fault or "is an image that cannot be drawn"})
    width, height = reencode.read_size(png)
    return Logo(png=png, width=width, height=height)


async def _run(sandbox: Sandbox, content: bytes, longest_side: int) -> tuple[bytes, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-IB", "-c", _PROGRAM, _ROOT),
        *map(str, (longest_side, sandbox.megapixels, sandbox.megabytes)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        png, reason = await asyncio.wait_for(process.communicate(content), PATIENCE_S)
    except TimeoutError:
        return b"", TOO_SLOW
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # Our own program exits with 0 or 1; any other status means that it was killed or crashed.
    if process.returncode == 0:
        return png, ""
    if process.returncode == 1:
        return b"", reason.decode()
    return b"", TOO_SLOW if process.returncode in _OUT_OF_TIME else ""
