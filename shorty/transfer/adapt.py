"""Turns an imported link into one that shorty can have, and says what it had to change.

What matters little never stops a link. What kept visitors out at its old home keeps them out here:
by shorty's own means where it has them, else the link is switched off.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from shorty.errors import InvalidFieldsError
from shorty.links.checks import DESCRIPTION_LENGTH, TITLE_LENGTH
from shorty.links.imported_history import Past
from shorty.links.model import LinkChange, LinkType
from shorty.links.tags import TAGS_PER_LINK, check_tag_name
from shorty.passwords import is_password_hash
from shorty.transfer.hashes import is_hashed_secret
from shorty.transfer.model import ImportedLink
from shorty.transfer.remarks import Closing, Notes, Reason, RemarkKind
from shorty.transfer.times import write_time

TYPES: Final[Mapping[str, LinkType]] = {"mailto": "MAILTO", "tel": "TEL", "sms": "SMS"}
# Fields that a link can do without, as they are called in remarks.
EXPENDABLE: Final[Mapping[str, tuple[RemarkKind, str]]] = {
    "title": ("texts", "title"),
    "description": ("texts", "description"),
    "image": ("texts", "preview image"),
    "button_label": ("texts", "button label"),
    "meta_pixel_id": ("other", "Meta pixel"),
    "google_tag_id": ("other", "Google tag"),
    "gtm_container_id": ("other", "Tag Manager container"),
    "expired_url": ("other", "URL for expired links"),
    "qr_settings": ("other", "QR code"),
    "webhook_urls": ("other", "webhooks"),
    "status": ("status", "redirect type"),
    "max_clicks": ("limits", "limit of visits"),
    **{f"utm_{name}": ("texts", f"UTM {name}") for name in ("source", "medium", "campaign")},
    **{f"utm_{name}": ("texts", f"UTM {name}") for name in ("term", "content", "id")},
}
_OTHERS: Final = {
    "url": "destination",
    "domain": "domain",
    "slug": "slug",
    "link_type": "link type",
    "valid_since": "start",
    "expires_at": "end",
    "tag_ids": "tags",
    "name": "tags",
    "tag_names": "tags",
}


class Adapted(NamedTuple):
    change: LinkChange
    notes: Notes


def adapt_link(item: ImportedLink, now: int) -> Adapted:
    """Everything but what only the rules of links find out."""
    notes = Notes()
    change = msgspec.structs.replace(
        item.change,
        link_type=choose_type(item.change),
        tag_names=check_tags(item.change.tag_names or (), notes),
        title=cut_text(item.change.title or None, TITLE_LENGTH, "title", notes),
        description=cut_text(
            item.change.description or None, DESCRIPTION_LENGTH, "description", notes
        ),
    )
    for remark in item.remarks:
        notes.remark(remark.kind, remark.message)
    for closing in [*item.closed, *find_closings(item)]:
        settle = _OWN_MEANS.get(closing.reason, _switch_off)
        change = settle(change, item.past, closing, notes, now)
    if change.password and is_hashed_secret(change.password):
        change = msgspec.structs.replace(change, password=UNSET)
        notes.close("password")
    change = _check_start(change, notes, now)
    if change.max_clicks == 0:
        change = msgspec.structs.replace(change, max_clicks=UNSET)
    if notes.closed:
        change = msgspec.structs.replace(change, is_active=False)
    return Adapted(change, notes)


def adapt_change(change: LinkChange) -> Adapted:
    """The same for a link that is typed and not of a file: its limits and times are the caller's.

    A tag that can't be created costs no link, and a hash is no password.
    """
    notes = Notes()
    change = msgspec.structs.replace(
        change,
        link_type=choose_type(change),
        tag_names=check_tags(change.tag_names or (), notes),
    )
    if change.password and is_hashed_secret(change.password):
        notes.close("password")
        change = msgspec.structs.replace(change, password=UNSET, is_active=False)
    return Adapted(change, notes)


def choose_type(change: LinkChange) -> LinkType:
    """That of the destination's scheme, where the file says nothing else."""
    given = change.link_type or "URL"
    scheme = (change.url or "").lstrip().partition(":")[0].lower()
    return TYPES.get(scheme, given) if given == "URL" else given


def check_tags(names: tuple[str, ...], notes: Notes) -> tuple[str, ...]:
    """Those that can be tags."""
    kept: dict[str, None] = {}
    for name in names:
        try:
            kept[check_tag_name(name)] = None
        except ValueError as error:
            notes.remark("tags", f"came in without the tag {name[:60]!r}, which {error}")
    if len(kept) > TAGS_PER_LINK:
        notes.remark("tags", f"came in with the first {TAGS_PER_LINK} of its {len(kept)} tags")
    return tuple(kept)[:TAGS_PER_LINK]


def cut_text(text: str | None, length: int, what: str, notes: Notes) -> str | None:
    if text is None or len(text) <= length:
        return text
    notes.remark("texts", f"came in with the first {length} characters of its {what}")
    return text[:length]


def find_closings(item: ImportedLink) -> list[Closing]:
    """What shows only beside shorty's own rules and hashes."""
    notes = Notes()
    if item.change.max_clicks is not UNSET and item.change.max_clicks == 0:
        notes.close("limit")
    if item.password_hash is not None and not is_password_hash(item.password_hash):
        notes.close("password")
    return list(notes.closed)


def _check_start(change: LinkChange, notes: Notes, now: int) -> LinkChange:
    """Drops a start after the end. A link that hasn't ended never opened, so it is closed."""
    start, end = change.valid_since or 0, change.expires_at or 0
    if not start or not end or start < end:
        return change
    if end > now:
        notes.close("start", f"its start, {write_time(start)}, is not before its end")
    return msgspec.structs.replace(change, valid_since=None)


def _switch_off(
    change: LinkChange, _past: Past, closing: Closing, notes: Notes, _now: int
) -> LinkChange:
    notes.close(closing.reason, closing.message)
    return change


def _expire(
    change: LinkChange, _past: Past, _closing: Closing, notes: Notes, now: int
) -> LinkChange:
    if change.expires_at and change.expires_at <= now:
        return change
    notes.remark("dates", "had expired at an unknown time, so it expires with this import")
    return msgspec.structs.replace(change, expires_at=now)


def _use_up(change: LinkChange, past: Past, closing: Closing, notes: Notes, now: int) -> LinkChange:
    """A limit at or below the visits that were counted."""
    counts = past.counts
    total = counts.clicks + counts.scans + counts.bio_clicks if counts else 0
    if not total:
        return _switch_off(change, past, closing, notes, now)
    if change.max_clicks and change.max_clicks <= total:
        return change
    notes.remark("limits", f"was used up, so its limit of visits is now {total:,}")
    return msgspec.structs.replace(change, max_clicks=total)


def _wait(change: LinkChange, past: Past, closing: Closing, notes: Notes, now: int) -> LinkChange:
    if change.valid_since and change.valid_since > now:
        return change
    return _switch_off(change, past, closing, notes, now)


_Settle = Callable[[LinkChange, Past, Closing, Notes, int], LinkChange]
_OWN_MEANS: Final[Mapping[Reason, _Settle]] = {
    "expired": _expire,
    "used up": _use_up,
    "start": _wait,
}


def leave_out(change: LinkChange, error: InvalidFieldsError, notes: Notes) -> LinkChange:
    """The change without the fields that are wrong and can be spared.

    Without its rules, a link would lead where it never did: it is switched off. Raises the error,
    in the words of people, where another field is wrong.
    """
    of_rules = {name for name in error.fields if name.partition("[")[0] == "rules"}
    if error.fields.keys() - EXPENDABLE.keys() - of_rules:
        raise InvalidFieldsError(spell_faults(error.fields)) from error
    spared: dict[str, object] = {}
    for name, fault in error.fields.items():
        if name in of_rules:
            notes.close("rules", f"its rules can't be taken over: {name} {fault}")
            spared |= {"rules": UNSET, "is_active": False}
        else:
            kind, what = EXPENDABLE[name]
            notes.remark(kind, f"came in without its {what}, which {fault}")
            spared[name] = UNSET
    return msgspec.structs.replace(change, **spared)


def spell_faults(faults: Mapping[str, str]) -> dict[str, str]:
    """Fields' names as people say them."""
    words = {name: what for name, (_, what) in EXPENDABLE.items()} | _OTHERS
    return {words.get(name, name.replace("_", " ")): fault for name, fault in faults.items()}
