"""Codes that change every 30 seconds: RFC 6238 with SHA-1 and 6 digits, as every app reads them.

Pure. Times are UTC milliseconds.
"""

import hmac
import secrets
from base64 import b32decode, b32encode
from typing import Final
from urllib.parse import quote, urlencode

STEP_MS: Final = 30_000
DIGITS: Final = 6
SECRET_BYTES: Final = 20  # as long as SHA-1's output, as RFC 4226 recommends
LENIENCE: Final = 1  # steps that a telephone's clock may be off


def make_secret() -> str:
    """160 random bits in base32."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def compute_code(secret: str, step: int) -> str:
    digest = hmac.digest(b32decode(secret), step.to_bytes(8), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def find_step(secret: str, code: str, last_step: int, now: int) -> int | None:
    """The step whose code this is, around `now` and newer than `last_step`.

    Keep it as the next `last_step`, so that no code counts twice.
    """
    current = now // STEP_MS
    given = code.encode(errors="replace")
    steps = range(max(current - LENIENCE, last_step + 1), current + LENIENCE + 1)
    right = [
        step for step in steps if hmac.compare_digest(compute_code(secret, step).encode(), given)
    ]
    return right[0] if right else None


def build_setup_address(secret: str, email: str, issuer: str) -> str:
    """What an app scans; the format that Google Authenticator made common."""
    label = quote(f"{issuer}:{email}", safe="@:")
    return (
        f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
    )
