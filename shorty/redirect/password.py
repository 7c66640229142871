"""Owns the cookie that remembers for an hour that a visitor knew a link's password.

It is signed over the link and its password's hash, so that it opens one link only, and none once
the password is changed.
"""

from hashlib import sha256
from typing import Final

from itsdangerous import BadSignature, Signer

from shorty.redirect.cookies import find_values, write_cookie

LIFETIME_S: Final = 3600


def build_cookie(
    secret: bytes, *, link_id: int, slug: str, password_hash: str, now: int, is_secure: bool
) -> str:
    """The value of a Set-Cookie header. `is_secure`: the visitor came by https."""
    expires_at = now // 1000 + LIFETIME_S
    value = _build_signer(secret, link_id, password_hash).sign(str(expires_at)).decode()
    return write_cookie(str(link_id), value, slug=slug, lifetime_s=LIFETIME_S, is_secure=is_secure)


def is_cookie_valid(
    secret: bytes,
    cookie_header: str,
    *,
    link_id: int,
    password_hash: str,
    now: int,
    is_secure: bool,
) -> bool:
    """Whether the request's Cookie header holds a cookie of ours for this link and password."""
    signer = _build_signer(secret, link_id, password_hash)
    return any(
        _read_expiry(signer, value) > now // 1000
        for value in find_values(cookie_header, str(link_id), is_secure=is_secure)
    )


def _read_expiry(signer: Signer, value: str) -> int:
    """When the cookie ends, in UTC seconds; 0 where it was not signed by us."""
    try:
        return int(signer.unsign(value.encode(errors="replace")))
    except BadSignature:
        return 0


def _build_signer(secret: bytes, link_id: int, password_hash: str) -> Signer:
    salt = f"link-password:{link_id}:{password_hash}"
    return Signer(secret, salt=salt.encode(), key_derivation="hmac", digest_method=sha256)
