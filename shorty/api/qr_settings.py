"""How a QR code's settings are written in bodies, and how they are read."""

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from shorty.ids import parse_id
from shorty.links.model import QrSettings
from shorty.qr.design import FRAMES, PRESETS
from shorty.qr.shapes import CORNERS, PATTERNS

Preset: TypeAlias = Annotated[
    str, Meta(description=f"A named look that other settings override: {', '.join(PRESETS)}.")
]
Color: TypeAlias = Annotated[str, Meta(description="Colour of the modules, such as `#1a2b3c`.")]
Background: TypeAlias = Annotated[
    str, Meta(description="Background colour, such as `#ffffff`, or `transparent`.")
]
PatternName: TypeAlias = Annotated[
    str, Meta(description=f"Shape of the modules: {', '.join(PATTERNS)}.")
]
CornerName: TypeAlias = Annotated[
    str, Meta(description=f"Shape of the three corner squares: {', '.join(CORNERS)}.")
]
Logo: TypeAlias = Annotated[str, Meta(description="A note on the logo, kept but not drawn.")]
LogoId: TypeAlias = Annotated[
    str | int, Meta(description="The id of the logo in the middle, from `/qr-logos`.")
]
FrameName: TypeAlias = Annotated[
    str, Meta(description=f"The frame around the code: {', '.join(FRAMES)}.")
]
Text: TypeAlias = Annotated[str, Meta(description="The frame's label.")]
TextColor: TypeAlias = Annotated[str, Meta(description="Colour of the label's text.")]
Primary: TypeAlias = Annotated[str, Meta(description="Colour of the frame.")]
Secondary: TypeAlias = Annotated[str, Meta(description="Colour of the label.")]
QrType: TypeAlias = Annotated[str, Meta(description="What the code contains; always `website`.")]
Gradient: TypeAlias = Annotated[
    str, Meta(description="A second colour, into which `color` changes gradually.")
]
GradientType: TypeAlias = Annotated[str, Meta(description="`linear` or `radial`.")]
Margin: TypeAlias = Annotated[
    int, Meta(description="The quiet zone around the code, in modules: 0 to 20.")
]
Size: TypeAlias = Annotated[int, Meta(description="The image's width in pixels: 64 to 2048.")]
ErrorCorrection: TypeAlias = Annotated[
    str, Meta(description="Minimum error correction: `L`, `M`, `Q` or `H`.")
]


class QrSettingsInput(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a QR code looks; a field that is null or omitted has its default. Unknown fields are
    ignored, so a `qrCode` that was returned can be sent back.
    """

    preset: Preset | None = None
    color: Color | None = None
    bg_color: Background | None = None
    pattern: PatternName | None = None
    corner: CornerName | None = None
    logo: Logo | None = None
    qr_logo_id: LogoId | None = None
    frame: FrameName | None = None
    text: Text | None = None
    text_color: TextColor | None = None
    primary: Primary | None = None
    secondary: Secondary | None = None
    qr_type: QrType | None = None
    gradient: Gradient | None = None
    gradient_type: GradientType | None = None
    margin: Margin | None = None
    size: Size | None = None
    error_correction: ErrorCorrection | None = None


def read_qr_settings(given: QrSettingsInput) -> QrSettings:
    """Raises ValueError where the logo's id cannot be one."""
    values: dict[str, Any] = msgspec.structs.asdict(given)
    if given.qr_logo_id not in {None, ""}:
        values["qr_logo_id"] = parse_id(given.qr_logo_id)
        if values["qr_logo_id"] is None:
            raise ValueError(f"qrLogoId is not a logo's id: {str(given.qr_logo_id)[:40]}")
    return QrSettings(**{name: None if value == "" else value for name, value in values.items()})
