"""Draws modules and finder patterns as SVG paths; one module is one unit wide.

A module's neighbours decide its shape. The names are those that QR designers use.
"""

from collections.abc import Callable
from typing import Final, Literal, TypeAlias, get_args

Pattern: TypeAlias = Literal[
    "square", "dots", "rounded", "extra-rounded", "classy", "classy-rounded"
]
Corner: TypeAlias = Literal["square", "dot", "extra-rounded"]
IsDark: TypeAlias = Callable[[int, int], bool]
Radii: TypeAlias = tuple[float, float, float, float]
"""Clockwise from the upper left corner."""

PATTERNS: Final[tuple[Pattern, ...]] = get_args(Pattern)
CORNERS: Final[tuple[Corner, ...]] = get_args(Corner)

DOT: Final = 0.46
HALF: Final = 0.5
WHOLE: Final = 1.0
FILLET: Final = 0.36
# Two of them may meet on a module's side; if they were longer together, the joint would show.
FLOWING: Final = WHOLE - FILLET

_LONE_RADII: Final[dict[Pattern, float]] = {"extra-rounded": FLOWING, "classy-rounded": WHOLE}
SQUARE: Final[Radii] = (0, 0, 0, 0)
_FINDERS: Final[dict[Corner, tuple[float, float, float]]] = {
    # The radii of the ring's outer edge, its inner edge and the eye.
    "square": (0, 0, 0),
    "dot": (3.5, 2.5, 1.5),
    "extra-rounded": (2.25, 1.35, 0.95),
}


def draw_modules(pattern: Pattern, size: int, is_dark: IsDark) -> str:
    """A single path, so that no seam shows between neighbours."""
    parts: list[str] = []
    for row in range(size):
        for column in range(size):
            if is_dark(column, row):
                parts.append(_draw_module(pattern, column, row, is_dark))
            elif pattern == "extra-rounded":
                parts.append(_draw_fillets(column, row, is_dark))
    return "".join(parts)


def draw_finder(corner: Corner, x: float, y: float) -> str:
    """Ring and eye, to be filled by the even-odd rule."""
    outside, inside, eye = _FINDERS[corner]
    return (
        draw_box(x, y, 7, 7, outside)
        + draw_box(x + 1, y + 1, 5, 5, inside)
        + draw_box(x + 2, y + 2, 3, 3, eye)
    )


def draw_box(x: float, y: float, width: float, height: float, radii: Radii | float) -> str:
    """`radii` is one radius for all corners, or one for each."""
    corners = radii if isinstance(radii, tuple) else (radii,) * 4
    upper_left, upper_right, lower_right, lower_left = corners
    return "".join(
        (
            f"M{x + upper_left:g} {y:g}h{width - upper_left - upper_right:g}",
            _draw_arc(upper_right, 1, 1),
            f"v{height - upper_right - lower_right:g}",
            _draw_arc(lower_right, -1, 1),
            f"h{lower_right + lower_left - width:g}",
            _draw_arc(lower_left, -1, -1),
            f"v{lower_left + upper_left - height:g}",
            _draw_arc(upper_left, 1, -1),
            "z",
        )
    )


def _draw_arc(radius: float, right: int, down: int) -> str:
    return f"a{radius:g} {radius:g} 0 0 1 {radius * right:g} {radius * down:g}" if radius else ""


def _draw_dot(column: int, row: int) -> str:
    x, y = column + HALF - DOT, row + HALF
    return f"M{x:g} {y:g}a{DOT:g} {DOT:g} 0 1 1 0 .001z"


def _draw_module(pattern: Pattern, column: int, row: int, is_dark: IsDark) -> str:
    if pattern == "dots":
        return _draw_dot(column, row)
    return draw_box(column, row, 1, 1, _choose_radii(pattern, column, row, is_dark))


def _choose_radii(pattern: Pattern, column: int, row: int, is_dark: IsDark) -> Radii:
    if pattern == "square":
        return SQUARE
    up, right = is_dark(column, row - 1), is_dark(column + 1, row)
    down, left = is_dark(column, row + 1), is_dark(column - 1, row)
    # A corner is free if neither of its sides has a neighbour.
    free = (not (up or left), not (up or right), not (down or right), not (down or left))
    if pattern.startswith("classy"):
        free = (free[0], False, free[2], False)
    # Two round corners share the module's side; a single one may take more of it.
    radius = _LONE_RADII.get(pattern, HALF) if sum(free) == 1 else HALF
    upper_left, upper_right, lower_right, lower_left = (radius * each for each in free)
    return upper_left, upper_right, lower_right, lower_left


def _draw_fillets(column: int, row: int, is_dark: IsDark) -> str:
    """Rounds the inner corners around a light module, so that shapes flow together."""
    parts: list[str] = []
    for right, down in ((0, 0), (1, 0), (1, 1), (0, 1)):
        beside, above = 2 * right - 1, 2 * down - 1
        if (
            is_dark(column + beside, row)
            and is_dark(column, row + above)
            and is_dark(column + beside, row + above)
        ):
            x, y = -beside * FILLET, -above * FILLET
            sweep = int(right != down)
            parts.append(
                f"M{column + right:g} {row + down + y:g}v{-y:g}h{x:g}"
                f"a{FILLET:g} {FILLET:g} 0 0 {sweep} {-x:g} {y:g}z"
            )
    return "".join(parts)
