import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from shorty.webhooks.signature import build_headers, make_message_id, make_secret

BODY = b'{"type":"link.clicked"}'


def sign(*secrets: str, message_id: str = "msg_1") -> dict[str, str]:
    return build_headers(message_id, int(datetime.now(UTC).timestamp()), BODY, secrets)


def test_the_reference_library_accepts_it() -> None:
    secret = make_secret()
    assert Webhook(secret).verify(BODY, sign(secret)) == {"type": "link.clicked"}


def test_the_reference_library_signs_alike() -> None:
    secret, at = make_secret(), datetime(2026, 11, 22, tzinfo=UTC)
    expected = Webhook(secret).sign("msg_1", at, BODY.decode())
    headers = build_headers("msg_1", int(at.timestamp()), BODY, [secret])
    assert headers["webhook-signature"] == expected


def test_another_secret_body_or_id_is_not_accepted() -> None:
    secret = make_secret()
    headers = sign(secret)
    for wrong in (
        lambda: Webhook(make_secret()).verify(BODY, headers),
        lambda: Webhook(secret).verify(BODY + b" ", headers),
        lambda: Webhook(secret).verify(BODY, headers | {"webhook-id": "msg_2"}),
    ):
        with pytest.raises(WebhookVerificationError):
            wrong()


def test_with_two_secrets_either_one_verifies() -> None:
    old, new = make_secret(), make_secret()
    headers = sign(new, old)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert Webhook(secret).verify(BODY, headers)


def test_secrets_and_ids_are_long_and_never_the_same() -> None:
    secret = make_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret != make_secret()
    assert make_message_id().startswith("msg_")
    assert make_message_id() != make_message_id()
