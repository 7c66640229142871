"""Draws text as paths with a font that shorty includes, so that it looks the same in every
viewer, and in containers without fonts.
"""

# uharfbuzz has no types:
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false

import threading
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import fontpkg_open_sans
import msgspec
import uharfbuzz

WEIGHT: Final = 700
CAP_HEIGHT: Final = 0.714
_FILE: Final = fontpkg_open_sans.ROOT / "files" / "OpenSans[wdth,wght].ttf"
# A font's caches are not thread-safe.
_LOCK: Final = threading.Lock()


class Lettering(msgspec.Struct, frozen=True, kw_only=True):
    """In units of the font's size, with the baseline at 0 and y downwards."""

    path: str
    width: float
    lacks_letters: bool


@lru_cache(maxsize=256)
def draw_letters(text: str) -> Lettering:
    with _LOCK:
        font = _open_font()
        pen = _Pen(1 / font.face.upem)
        lacks_letters = False
        for run, direction in _list_runs(text):
            buffer = uharfbuzz.Buffer()
            buffer.add_str(run)
            buffer.guess_segment_properties()
            buffer.direction = direction
            uharfbuzz.shape(font, buffer, {"kern": True, "liga": True})
            for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
                lacks_letters = lacks_letters or info.codepoint == 0
                pen.start_glyph(place.x_offset, place.y_offset)
                font.draw_glyph(info.codepoint, _DRAWING, pen)
                pen.advance(place.x_advance)
        return Lettering(path="".join(pen.parts), width=pen.width, lacks_letters=lacks_letters)


def _list_runs(text: str) -> list[tuple[str, str]]:
    """The text's parts with their direction, in visual order from left to right.

    The first letter decides the direction of the whole. Simplified, which is enough for a label:
    digits inside right-to-left text stay on its side.
    """
    runs: list[tuple[str, str]] = []
    for is_rtl, letters in groupby(_list_directions(text), key=itemgetter(0)):
        runs.append(("".join(letter for _, letter in letters), "rtl" if is_rtl else "ltr"))
    return runs[::-1] if runs and runs[0][1] == "rtl" else runs


def _list_directions(text: str) -> list[tuple[bool, str]]:
    """Each character, and whether it is right-to-left; spaces between two such letters are, too."""
    kinds = [unicodedata.bidirectional(letter) for letter in text]
    strong = [
        kind in {"R", "AL"} if kind in {"R", "AL", "L", "EN", "AN"} else None for kind in kinds
    ]
    begins = next((each for each in strong if each is not None), False)
    directions: list[tuple[bool, str]] = []
    for place, letter in enumerate(text):
        before = next((each for each in strong[place::-1] if each is not None), begins)
        after = next((each for each in strong[place:] if each is not None), begins)
        directions.append((before if before == after else begins, letter))
    return directions


class _Pen:
    """Receives HarfBuzz's drawing commands, in the font's units with y upwards, glyph by glyph."""

    def __init__(self, unit: float) -> None:
        self.parts: list[str] = []
        self.x = 0.0
        self._unit = unit
        self._origin = (0.0, 0.0)

    def start_glyph(self, x_offset: float, y_offset: float) -> None:
        self._origin = (self.x + x_offset, y_offset)

    def advance(self, width: float) -> None:
        self.x += width

    @property
    def width(self) -> float:
        return self.x * self._unit

    def draw(self, command: str, *numbers: float) -> None:
        places = [
            (numbers[at] + self._origin[0], -numbers[at + 1] - self._origin[1])
            for at in range(0, len(numbers), 2)
        ]
        words = " ".join(f"{x * self._unit:.4g} {y * self._unit:.4g}" for x, y in places)
        self.parts.append(command + words)


def _build_drawing() -> Any:
    functions = uharfbuzz.DrawFuncs()

    def pass_on(command: str) -> Callable[..., None]:
        # HarfBuzz passes the numbers first, then the pen.
        return lambda *given: given[-1].draw(command, *given[:-1])

    functions.set_move_to_func(pass_on("M"))
    functions.set_line_to_func(pass_on("L"))
    functions.set_quadratic_to_func(pass_on("Q"))
    functions.set_cubic_to_func(pass_on("C"))
    functions.set_close_path_func(pass_on("Z"))
    return functions


_DRAWING: Final = _build_drawing()


@cache
def _open_font() -> Any:
    font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(_FILE))))
    font.set_variations({"wght": WEIGHT})
    return font
