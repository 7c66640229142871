"""Decides how a code looks: from its settings, a preset and the defaults."""

from typing import Final, Literal, TypeAlias, cast, get_args

import msgspec

from shorty.links.model import QrSettings
from shorty.qr.colors import BLACK, WHITE, choose_readable
from shorty.qr.shapes import Corner, Pattern

Level: TypeAlias = Literal["L", "M", "Q", "H"]
Frame: TypeAlias = Literal["none", "box", "box-top", "card", "label", "bubble"]
GradientType: TypeAlias = Literal["linear", "radial"]

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
FRAMES: Final[tuple[Frame, ...]] = get_args(Frame)
FRAME_TEXT: Final = "Scan me"
FRAME_EDGES: Final[dict[Frame, float]] = {"box": 0.028, "box-top": 0.028, "card": 0.075}
"""The width that a frame adds on the left and on the right, relative to the code's width."""
QUIET_ZONE: Final = 4
"""In modules, as ISO/IEC 18004 requires."""
SIZE: Final = 512

PRESETS: Final[dict[str, QrSettings]] = {
    "classic": QrSettings(),
    "dark": QrSettings(
        color="#ffffff", bg_color="#111827", pattern="rounded", corner="extra-rounded"
    ),
    "ink": QrSettings(color="#1e293b", pattern="classy", corner="square"),
    "ocean": QrSettings(
        color="#0369a1", gradient="#312e81", pattern="extra-rounded", corner="extra-rounded"
    ),
    "sunset": QrSettings(
        color="#c2410c", gradient="#9d174d", pattern="classy-rounded", corner="extra-rounded"
    ),
    "forest": QrSettings(color="#14532d", bg_color="#f0fdf4", pattern="rounded", corner="dot"),
    "berry": QrSettings(
        color="#7e22ce", gradient="#831843", gradient_type="radial", pattern="dots", corner="dot"
    ),
}


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """All decisions. `margin` is in modules, `size` is the width in pixels."""

    color: str = BLACK
    background: str = WHITE
    gradient: str | None = None
    gradient_type: GradientType = "linear"
    pattern: Pattern = "square"
    corner: Corner = "square"
    level: Level = "M"
    margin: int = QUIET_ZONE
    size: int = SIZE
    frame: Frame = "none"
    text: str = ""
    frame_color: str = BLACK
    label_color: str = BLACK
    text_color: str = WHITE


def decide_design(settings: QrSettings) -> Design:
    """A setting overrides its preset, which overrides the defaults; unknown names are ignored."""
    wanted = override(PRESETS.get(settings.preset or "", QrSettings()), settings)
    color = wanted.color or BLACK
    frame = wanted.frame if wanted.frame in FRAMES else "none"
    frame_color = wanted.primary or color
    label_color = wanted.secondary or frame_color
    return Design(
        color=color,
        background=wanted.bg_color or WHITE,
        # A requested colour also replaces a preset's gradient.
        gradient=settings.gradient if settings.color else wanted.gradient,
        gradient_type=cast("GradientType", wanted.gradient_type or "linear"),
        pattern=cast("Pattern", wanted.pattern or "square"),
        corner=cast("Corner", wanted.corner or "square"),
        level=cast("Level", wanted.error_correction or "M"),
        margin=QUIET_ZONE if wanted.margin is None else wanted.margin,
        size=wanted.size or SIZE,
        frame=frame,
        text=wanted.text or FRAME_TEXT,
        frame_color=frame_color,
        label_color=label_color,
        text_color=wanted.text_color or choose_readable(label_color),
    )


def override(settings: QrSettings, others: QrSettings) -> QrSettings:
    """The settings, overridden by those of the others that are set."""
    given = {
        name: value
        for name in QrSettings.__struct_fields__
        if (value := getattr(others, name)) is not None
    }
    return msgspec.structs.replace(settings, **given)
