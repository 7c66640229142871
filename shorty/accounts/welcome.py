"""Owns the key of the first run: whoever has it makes the owner's account."""

import hmac

from shorty.accounts.secret_texts import digest_secret, make_secret_text


class WelcomeKey:
    """In memory alone: each start makes another, while nobody can sign in."""

    def __init__(self) -> None:
        self._digest = ""

    def make(self) -> str:
        """The key, which is nowhere else."""
        text = make_secret_text()
        self._digest = digest_secret(text)
        return text

    def is_right(self, text: str) -> bool:
        return bool(self._digest) and hmac.compare_digest(digest_secret(text), self._digest)

    def forget(self) -> None:
        self._digest = ""
