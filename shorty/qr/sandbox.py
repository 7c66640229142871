"""Turns a stranger's picture into a small PNG, in a process of its own with little time and memory.

Decoders of pictures meet hostile files; whatever one does to them, the server goes on.
"""

import asyncio
import sys
from typing import Final

from shorty.errors import InvalidFieldsError
from shorty.qr import reencode
from shorty.qr.drawing import Logo

MAX_BYTES: Final = 1024 * 1024
ICON_SIDE: Final = 128
PATIENCE_S: Final = 10
AT_ONCE: Final = 2
_TURNS: Final = asyncio.Semaphore(AT_ONCE)


async def read_logo(
    content: bytes, longest_side: int = reencode.LONGEST_SIDE, most_bytes: int = MAX_BYTES
) -> Logo:
    """A PNG of whatever PNG, JPEG, GIF, WebP, ICO or SVG it is, no side longer than so many pixels.

    Raises InvalidFieldsError.
    """
    if len(content) > most_bytes:
        raise InvalidFieldsError({"image": f"may be at most {most_bytes:,} bytes large"})
    async with _TURNS:
        png, fault = await _run(content, longest_side)
    if not png:
        raise InvalidFieldsError({"image": fault or "is an image that cannot be drawn"})
    width, height = reencode.read_size(png)
    return Logo(png=png, width=width, height=height)


async def draw_icon(content: bytes) -> bytes:
    """As read_logo, for what stands beside a link or at a page's head."""
    return (await read_logo(content, ICON_SIDE)).png


async def _run(content: bytes, longest_side: int) -> tuple[bytes, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        reencode.__file__,
        str(longest_side),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        png, told = await asyncio.wait_for(process.communicate(content), PATIENCE_S)
    except TimeoutError:
        return b"", ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # Our own program ends with 0 or 1; anything else is its end, not its answer.
    if process.returncode == 0:
        return png, ""
    return b"", told.decode() if process.returncode == 1 else ""
