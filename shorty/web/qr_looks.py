"""The QR designer's form: a code's settings as texts, and texts as settings."""

from typing import Final

import msgspec

from shorty.ids import parse_id
from shorty.links.model import QrSettings
from shorty.links.qr_rules import TRANSPARENT, find_qr_faults
from shorty.qr.colors import is_color, read_color
from shorty.qr.design import PRESETS, decide_design
from shorty.web.forms import Form

Look = dict[str, str]
"""Each control's text by its name; "1" if ticked, else empty."""

FLAGS: Final = ("is_transparent", "has_gradient", "has_frame_colors")
TEXTS: Final = (
    *("color", "bg_color", "gradient", "gradient_type", "pattern", "corner", "frame", "text"),
    *("primary", "secondary", "text_color", "margin", "size", "error_correction", "qr_logo_id"),
)
OF_PRESETS: Final = (
    *("color", "bg_color", "is_transparent", "has_gradient", "gradient", "gradient_type"),
    *("pattern", "corner"),
)
OF_FRAMES: Final = ("primary", "secondary", "text_color")
_FIELDS: Final = {field.encode_name: field.name for field in msgspec.structs.fields(QrSettings)}


def describe_look(settings: QrSettings) -> Look:
    """The effective look, including what a preset sets."""
    design = decide_design(settings)
    is_transparent = design.background == TRANSPARENT
    return {
        "color": _spell_color(design.color),
        "bg_color": "#ffffff" if is_transparent else _spell_color(design.background),
        "is_transparent": _spell_flag(is_transparent),
        "has_gradient": _spell_flag(design.gradient is not None),
        "gradient": _spell_color(design.gradient or "#0369a1"),
        "gradient_type": design.gradient_type,
        "pattern": design.pattern,
        "corner": design.corner,
        "frame": design.frame,
        "text": settings.text or "",
        "has_frame_colors": _spell_flag(any(getattr(settings, name) for name in OF_FRAMES)),
        "primary": _spell_color(design.frame_color),
        "secondary": _spell_color(design.label_color),
        "text_color": _spell_color(design.text_color),
        "margin": str(design.margin),
        "size": str(design.size),
        "error_correction": design.level,
        "qr_logo_id": str(settings.qr_logo_id or ""),
    }


def read_look(form: Form) -> Look:
    """What was typed. A button named `preset` replaces it by a preset's look."""
    look = {name: form.read(name) for name in TEXTS}
    look |= {name: _spell_flag(form.is_checked(name)) for name in FLAGS}
    return look | PRESET_LOOKS.get(form.read("preset"), {})


def build_settings(look: Look, stored: QrSettings) -> tuple[QrSettings, dict[str, str]]:
    """The settings without those at their defaults, and the faults by the controls' names.

    Settings without a control stay as they are stored; a preset becomes what it sets.
    """
    numbers, faults = _read_numbers(look)
    texts = {name: look[name] for name in TEXTS if name not in numbers} | {
        "bg_color": TRANSPARENT if look["is_transparent"] else look["bg_color"],
        "gradient": look["gradient"] if look["has_gradient"] else "",
    }
    if not look["has_frame_colors"]:
        texts |= dict.fromkeys(OF_FRAMES, "")
    kept = {name: None if text == PLAIN_LOOK.get(name) else text for name, text in texts.items()}
    settings = msgspec.structs.replace(
        stored, preset=None, **{name: text or None for name, text in kept.items()}, **numbers
    )
    found = {_FIELDS[name]: fault for name, fault in find_qr_faults(settings).items()}
    return settings, faults | found


def _read_numbers(look: Look) -> tuple[dict[str, int | None], dict[str, str]]:
    numbers: dict[str, int | None] = {}
    faults: dict[str, str] = {}
    for name in ("margin", "size", "qr_logo_id"):
        text = look[name]
        number = parse_id(text)
        if text and number is None:
            faults[name] = "must be a whole number"
        numbers[name] = None if text == PLAIN_LOOK[name] else number
    return numbers, faults


def _spell_flag(is_on: object) -> str:
    return "1" if is_on else ""


def _spell_color(color: str) -> str:
    """As a colour field needs it: six digits, blended over white if it is translucent."""
    if not is_color(color):
        return color
    return "#" + "".join(f"{round(part * 255):02x}" for part in read_color(color))


PLAIN_LOOK: Final = describe_look(QrSettings())
PRESET_LOOKS: Final[dict[str, Look]] = {
    name: {part: look[part] for part in OF_PRESETS}
    for name, settings in PRESETS.items()
    for look in [describe_look(settings)]
}
