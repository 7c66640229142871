"""Creates secrets that are shown once: 256 random bits as text, stored only as a digest."""

import hmac
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


class SetupKey:
    """The key of the first run: anyone who has it can create the owner's account.

    It is only in memory: each start creates a new key while nobody can sign in.
    """

    def __init__(self) -> None:
        self._digest = ""

    def make(self) -> str:
        """Returns a new key, which is not stored."""
        text = make_secret_text()
        self._digest = digest_secret(text)
        return text

    def is_right(self, text: str) -> bool:
        return bool(self._digest) and hmac.compare_digest(digest_secret(text), self._digest)

    def forget(self) -> None:
        self._digest = ""
