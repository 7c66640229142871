"""Reads the forms of the bio page editor: a page's settings and its blocks."""

from collections.abc import Sequence
from typing import Any, Final, cast, get_args
from zoneinfo import ZoneInfo

import msgspec

from shorty.bio.model import (
    AvatarKind,
    BlockKind,
    Colors,
    Network,
    PageChange,
    Social,
    Theme,
)
from shorty.errors import InvalidFieldsError
from shorty.web.formatting import read_input
from shorty.web.forms import Form

SPARE_SOCIALS: Final = 2
KINDS: Final[tuple[tuple[BlockKind, str], ...]] = (
    ("link", "Button"),
    ("header", "Heading"),
    ("text", "Text"),
    ("image", "Image"),
    ("embed", "Player"),
)
_COLORS: Final = Colors.__struct_fields__


class BlockForm(msgspec.Struct, frozen=True, kw_only=True):
    """A block as it was typed; `target` is a short link, or a destination for a new one."""

    target: str
    text: str | None
    url: str | None
    shown_from: int | None
    shown_until: int | None


def read_page_change(form: Form) -> PageChange:
    """The settings that the form has fields for. Raises InvalidFieldsError."""
    change: dict[str, Any] = {}
    for name in ("title", "description", "button_label"):
        if name in form:
            change[name] = form.read_optional(name)
    if "is_button_shown" in form or "has_switches" in form:
        change["is_button_shown"] = form.is_checked("is_button_shown")
    if "theme" in form:
        change["theme"] = _choose("theme", form.read("theme"), Theme)
    if "avatar" in form:
        change["avatar"] = _choose("avatar", form.read("avatar"), AvatarKind)
    if ids := form.read_ids("avatar_id"):
        change["avatar_id"] = ids[-1]
    if any(name in form for name in _COLORS):
        change["colors"] = read_colors(form)
    if "networks" in form:
        change["socials"] = read_socials(form)
    return PageChange(**change)


def read_colors(form: Form) -> Colors:
    """The colours whose box is ticked; the others are the theme's."""
    return Colors(
        **{
            name: form.read_optional(name)
            for name in _COLORS
            if name in form and form.is_checked(f"has_{name}")
        }
    )


def read_socials(form: Form) -> tuple[Social, ...]:
    """The rows that are not empty, in their order."""
    rows = zip(form.read_all("networks"), form.read_all("addresses"), strict=False)
    return tuple(
        Social(network=cast("Network", _choose("socials", network, Network)), url=url.strip())
        for network, url in rows
        if url.strip()
    )


def list_shown_socials(
    stored: Sequence[Social],
    form: Form,
    is_typed: bool,  # noqa: FBT001 - the template's
) -> list[tuple[str, str]]:
    """Pairs of network and address, as typed or as stored, and some empty rows."""
    rows = [(social.network, write_social_address(social)) for social in stored]
    if is_typed and "networks" in form:
        rows = list(zip(form.read_all("networks"), form.read_all("addresses"), strict=False))
    return [*rows, *[("website", "")] * SPARE_SOCIALS]


def write_social_address(social: Social) -> str:
    """As people type it: an email or a phone number without its scheme."""
    return social.url.removeprefix("mailto:").removeprefix("tel:")


def read_block_form(form: Form, zone: ZoneInfo, prefix: str) -> BlockForm:
    """The fields whose names begin with `prefix`. Raises InvalidFieldsError for invalid times."""
    faults: dict[str, str] = {}
    times: dict[str, int | None] = {}
    for name in ("shown_from", "shown_until"):
        try:
            times[name] = read_input(form.read(f"{prefix}{name}"), zone)
        except (ValueError, OverflowError):
            faults[name] = "must be a date and a time"
    if faults:
        raise InvalidFieldsError(faults)
    return BlockForm(
        target=form.read(f"{prefix}target"),
        text=form.read_optional(f"{prefix}text"),
        url=form.read_optional(f"{prefix}url"),
        shown_from=times["shown_from"],
        shown_until=times["shown_until"],
    )


def name_part(block_id: int) -> str:
    """The part of the editor that a block's fields belong to."""
    return f"b{block_id}"


def read_kind(form: Form) -> BlockKind:
    return cast("BlockKind", _choose("kind", form.read("kind"), BlockKind))


def _choose(field: str, text: str, choices: Any) -> str:
    known = get_args(choices)
    if text not in known:
        raise InvalidFieldsError({field: f"must be {', '.join(known[:-1])} or {known[-1]}"})
    return text
