"""Signs deliveries by the Standard Webhooks specification, with a workspace's secrets."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from secrets import token_bytes, token_urlsafe
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
MESSAGE_ID_BYTES: Final = 12


def make_secret() -> str:
    return PREFIX + b64encode(token_bytes(SECRET_BYTES)).decode()


def make_message_id() -> str:
    """Never repeats, even after an old copy of the database was restored."""
    return f"msg_{token_urlsafe(MESSAGE_ID_BYTES)}"


def build_headers(
    message_id: str, timestamp_s: int, body: bytes, secrets: Sequence[str]
) -> dict[str, str]:
    """Adds one signature per secret, so that the receiver may know any one of them."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp_s, body)
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(_sign(signed, secret) for secret in secrets),
    }


def _sign(signed: bytes, secret: str) -> str:
    key = b64decode(secret.removeprefix(PREFIX))
    return "v1," + b64encode(hmac.digest(key, signed, sha256)).decode()
