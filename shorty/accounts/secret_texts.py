"""Creates secrets that are shown once: 256 random bits as text, stored only as a digest."""

import secrets
from hashlib import sha256
from typing import Final

SECRET_BYTES: Final = 32


def make_secret_text(prefix: str = "") -> str:
    """`prefix` and 256 random bits in URL-safe base64."""
    return prefix + secrets.token_urlsafe(SECRET_BYTES)


def digest_secret(text: str) -> str:
    """Plain SHA-256 is enough: 256 random bits cannot be guessed, so hashing need not be slow."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
