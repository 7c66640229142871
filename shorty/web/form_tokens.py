"""Owns the token that proves a form to be ours: for whom it was written, signed, and masked.

A signed double submit: the signature also covers the browser's own cookie, which another site
cannot read. The mask is new for each page, so that the compressed sizes of many answers say
nothing about the token (BREACH, 2013).
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256
from struct import Struct
from typing import Final

import msgspec

TOKEN: Final = "form_token"  # noqa: S105 - its name
"""The field of every form that has the token."""

KEY_BYTES: Final = 16
_IDS: Final = Struct(">QQQ")
_SIZE: Final = _IDS.size + sha256().digest_size


class FormOwner(msgspec.Struct, frozen=True):
    """For whom a form was shown; each id is 0 if nobody was signed in.

    And in which workspace: a form that was opened in one must do nothing in another that is
    current by the time it is sent.
    """

    session_id: int = 0
    user_id: int = 0
    workspace_id: int = 0


def make_forms_key() -> str:
    return secrets.token_urlsafe(KEY_BYTES)


def write_form_token(secret: bytes, forms_key: str, owner: FormOwner) -> str:
    """A different text each time."""
    ids = _IDS.pack(owner.session_id, owner.user_id, owner.workspace_id)
    mask = secrets.token_bytes(_SIZE)
    masked = _mask(ids + _sign(secret, forms_key, ids), mask)
    return urlsafe_b64encode(mask + masked).rstrip(b"=").decode()


def read_form_token(secret: bytes, forms_key: str, token: str) -> FormOwner | None:
    """For whom this server wrote the token, in the browser with that key; None for any other."""
    raw = _decode(token)
    if not forms_key or len(raw) != 2 * _SIZE:
        return None
    plain = _mask(raw[:_SIZE], raw[_SIZE:])
    ids, signature = plain[: _IDS.size], plain[_IDS.size :]
    if not hmac.compare_digest(_sign(secret, forms_key, ids), signature):
        return None
    return FormOwner(*_IDS.unpack(ids))


def _sign(secret: bytes, forms_key: str, ids: bytes) -> bytes:
    message = b"form:" + ids + forms_key.encode("utf-8", "replace")
    return hmac.digest(secret, message, "sha256")


def _mask(text: bytes, mask: bytes) -> bytes:
    masked = int.from_bytes(text, "big") ^ int.from_bytes(mask, "big")
    return masked.to_bytes(len(text), "big")


def _decode(token: str) -> bytes:
    """Empty for what is not base64 in its URL-safe form."""
    try:
        return urlsafe_b64decode(f"{token}{'=' * (-len(token) % 4)}")
    except (Error, ValueError):  # ValueError: letters outside ASCII
        return b""
