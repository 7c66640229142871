"""Computes codes that change every 30 seconds: RFC 6238 with SHA-1 and 6 digits.

Every authenticator app supports this form. Pure. Times are UTC milliseconds.
"""

import hmac
import secrets
from base64 import b32decode, b32encode
from typing import Final
from urllib.parse import quote, urlencode

STEP_MS: Final = 30_000
DIGITS: Final = 6
SECRET_BYTES: Final = 20  # the length of SHA-1's output, as RFC 4226 recommends
LENIENCE: Final = 1  # steps by which a phone's clock may be wrong


def make_secret() -> str:
    """160 random bits in base32."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def compute_code(secret: str, step: int) -> str:
    digest = hmac.digest(b32decode(secret), step.to_bytes(8), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def find_step(secret: str, code: str, last_step: int, now: int) -> int | None:
    """The step of this code, near `now` and newer than `last_step`.

    Store it as the next `last_step`, so that no code is valid twice.
    """
    current = now // STEP_MS
    given = code.encode(errors="replace")
    steps = range(max(current - LENIENCE, last_step + 1), current + LENIENCE + 1)
    right = [
        step for step in steps if hmac.compare_digest(compute_code(secret, step).encode(), given)
    ]
    return right[0] if right else None


def build_setup_address(secret: str, email: str, issuer: str) -> str:
    """The URI that an app scans, in the format of Google Authenticator."""
    label = quote(f"{issuer}:{email}", safe="@:")
    return (
        f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
    )
