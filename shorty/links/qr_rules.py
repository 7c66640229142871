"""Owns what a QR code's settings may be; how they look is `qr`'s."""

import re
import unicodedata
from typing import Final

import msgspec

from shorty.links.model import QrSettings

TEXT_LENGTH: Final = 60
STORED_LENGTH: Final = 2048
TRANSPARENT: Final = "transparent"

_COLOR: Final = re.compile(r"#([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_COLORS: Final = {
    "color": "color",
    "gradient": "gradient",
    "text_color": "textColor",
    "primary": "primary",
    "secondary": "secondary",
}
_CHOICES: Final = {
    "pattern": ("square", "dots", "rounded", "extra-rounded", "classy", "classy-rounded"),
    "corner": ("square", "dot", "extra-rounded"),
    "gradient_type": ("linear", "radial"),
    "error_correction": ("L", "M", "Q", "H"),
    "qr_type": ("website",),
}
_CHOICE_NAMES: Final = {
    "gradient_type": "gradientType",
    "error_correction": "errorCorrection",
    "qr_type": "qrType",
}
_NUMBERS: Final = {"margin": (0, 20), "size": (64, 2048)}
"""Modules, and pixels."""


def check_qr_settings(settings: QrSettings | None) -> QrSettings | None:
    """The same settings. Raises ValueError, which names the fault's key."""
    if settings is None:
        return None
    if faults := find_qr_faults(settings):
        raise ValueError("; ".join(f"{key} {fault}" for key, fault in faults.items()))
    if len(msgspec.json.encode(settings).decode()) > STORED_LENGTH:
        raise ValueError(f"may be at most {STORED_LENGTH} characters long")
    return settings


def find_qr_faults(settings: QrSettings) -> dict[str, str]:
    """Each key, as callers write it, and what is wrong with it."""
    faults: dict[str, str] = {}
    for name, key in _COLORS.items():
        if (color := getattr(settings, name)) and not _COLOR.fullmatch(color):
            faults[key] = "must be a colour such as #1a2b3c"
    background = settings.bg_color
    if background and background != TRANSPARENT and not _COLOR.fullmatch(background):
        faults["bgColor"] = "must be a colour such as #1a2b3c, or transparent"
    for name, choices in _CHOICES.items():
        if (choice := getattr(settings, name)) and choice not in choices:
            faults[_CHOICE_NAMES.get(name, name)] = f"must be {_list_choices(choices)}"
    for name, (least, most) in _NUMBERS.items():
        number = getattr(settings, name)
        if number is not None and not least <= number <= most:
            faults[name] = f"must be a whole number from {least} to {most}"
    if settings.text and (fault := _find_text_fault(settings.text)):
        faults["text"] = fault
    return faults


def _list_choices(choices: tuple[str, ...]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def _find_text_fault(text: str) -> str | None:
    if len(text) > TEXT_LENGTH:
        return f"may be at most {TEXT_LENGTH} characters long"
    # Not even XML may hold these, and a label shows none of them.
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Cn"} for letter in text):
        return "must be one line of text"
    return None
