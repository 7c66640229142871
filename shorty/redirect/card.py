"""Owns the way past a link's card: a mark in the address of its button, signed for this link.

Whoever a crawler's user agent belongs to would otherwise press the button and meet the card again.
The mark skips the card alone, for an hour; it makes nobody a person and opens nothing else.
"""

from hashlib import sha256
from typing import Final

from itsdangerous import BadSignature, Signer

from shorty.links.destination import CARD_MARKER, cut_query
from shorty.links.slug import build_path

LIFETIME_S: Final = 3600
MOST_MARKS: Final = 8  # of one address that are looked at

_START: Final = f"{CARD_MARKER}="


def write_way_past(secret: bytes, *, link_id: int, slug: str, query: str, now: int) -> str:
    """The path of the link with the mark, and with the query that was asked for."""
    value = _build_signer(secret, link_id).sign(str(now // 1000 + LIFETIME_S)).decode()
    kept = (part for part in cut_query(query).split("&") if part and not is_mark(part))
    return f"{build_path(slug)}?{'&'.join([_START + value, *kept])}"


def is_mark(part: str) -> bool:
    return part.startswith(_START)


def is_past_card(secret: bytes, *, link_id: int, query: str, now: int) -> bool:
    """Whether the query has a mark of ours for this link that is still valid."""
    if _START not in query:
        return False
    signer = _build_signer(secret, link_id)
    marks = [part.removeprefix(_START) for part in query.split("&") if is_mark(part)]
    return any(_read_expiry(signer, mark) > now // 1000 for mark in marks[:MOST_MARKS])


def _read_expiry(signer: Signer, value: str) -> int:
    """When the mark ends, in UTC seconds; 0 where it was not signed by us."""
    try:
        return int(signer.unsign(value.encode(errors="replace")))
    except BadSignature:
        return 0


def _build_signer(secret: bytes, link_id: int) -> Signer:
    salt = f"link-card:{link_id}"
    return Signer(secret, salt=salt.encode(), key_derivation="hmac", digest_method=sha256)
