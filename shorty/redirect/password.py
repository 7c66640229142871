"""Owns the cookie that remembers for an hour that a visitor knew a link's password.

It is signed over the link and its password's hash, so that it opens one link only, and none once
the password is changed.
"""

from hashlib import sha256
from typing import Final

from itsdangerous import BadSignature, Signer

from shorty.links.slug import build_path

LIFETIME_S: Final = 3600
MOST_VALUES: Final = 8  # of one name that are tried: browsers send one for each path, or part of it


def name_cookie(link_id: int, *, is_secure: bool) -> str:
    """Over https with a prefix, so that a browser takes it over https alone."""
    return f"__Secure-shorty-{link_id}" if is_secure else f"shorty-{link_id}"


def build_cookie(
    secret: bytes, *, link_id: int, slug: str, password_hash: str, now: int, is_secure: bool
) -> str:
    """The value of a Set-Cookie header. `is_secure`: the visitor came by https."""
    expires_at = now // 1000 + LIFETIME_S
    value = _build_signer(secret, link_id, password_hash).sign(str(expires_at)).decode()
    name = name_cookie(link_id, is_secure=is_secure)
    return (
        f"{name}={value}; Path={build_path(slug)}; Max-Age={LIFETIME_S}; "
        f"HttpOnly; SameSite=Lax{'; Secure' if is_secure else ''}"
    )


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
        for value in _find_values(cookie_header, name_cookie(link_id, is_secure=is_secure))[
            :MOST_VALUES
        ]
    )


def _find_values(cookie_header: str, name: str) -> list[str]:
    pairs = (pair.strip().partition("=") for pair in cookie_header.split(";"))
    return [value for found, _, value in pairs if found == name]


def _read_expiry(signer: Signer, value: str) -> int:
    """When the cookie ends, in UTC seconds; 0 where it was not signed by us."""
    try:
        return int(signer.unsign(value.encode(errors="replace")))
    except BadSignature:
        return 0


def _build_signer(secret: bytes, link_id: int, password_hash: str) -> Signer:
    salt = f"link-password:{link_id}:{password_hash}"
    return Signer(secret, salt=salt.encode(), key_derivation="hmac", digest_method=sha256)
