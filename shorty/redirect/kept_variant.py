"""Owns the cookie by which a visitor gets the same variant of a rule again.

It holds the variant's key, signed over the link and the rule, and nothing else: neither where the
variant leads nor anything that tells visitors apart.
"""

from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote

from itsdangerous import BadSignature, Signer

from shorty.durations import DAY_MS
from shorty.links.rules import Rule
from shorty.redirect.cookies import find_values, write_cookie

LONGEST_LIFETIME_S: Final = 90 * DAY_MS // 1000
SIGNERS_KEPT: Final = 256


def build_kept_cookie(
    secret: bytes, *, link_id: int, slug: str, rule: Rule, key: str, now: int, is_secure: bool
) -> str:
    """The value of a Set-Cookie header, which lasts no longer than the test."""
    value = _build_signer(secret, link_id, rule.id).sign(quote(key, safe="")).decode()
    lifetime_s = LONGEST_LIFETIME_S
    if rule.test_ends_at is not None:
        lifetime_s = min(lifetime_s, max(0, rule.test_ends_at - now) // 1000)
    name = _name(link_id, rule.id)
    return write_cookie(name, value, slug=slug, lifetime_s=lifetime_s, is_secure=is_secure)


def find_kept_key(
    secret: bytes, cookie_header: str, *, link_id: int, rule_id: str, is_secure: bool
) -> str | None:
    """The key in a cookie of ours for this rule of this link."""
    values = find_values(cookie_header, _name(link_id, rule_id), is_secure=is_secure)
    for value in values:
        try:
            signer = _build_signer(secret, link_id, rule_id)
            return unquote(signer.unsign(value.encode(errors="replace")).decode())
        except BadSignature:
            continue
    return None


def _name(link_id: int, rule_id: str) -> str:
    return f"{link_id}-{quote(rule_id, safe='')}"


@lru_cache(maxsize=SIGNERS_KEPT)
def _build_signer(secret: bytes, link_id: int, rule_id: str) -> Signer:
    salt = f"link-variant:{link_id}:{rule_id}"
    return Signer(secret, salt=salt.encode(), key_derivation="hmac", digest_method=sha256)
