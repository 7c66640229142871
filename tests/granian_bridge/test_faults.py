"""What is logged of an application's errors after its client has disconnected."""

from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from shorty.granian_bridge.client import ClientGoneError
from shorty.granian_bridge.shim import AsgiShim
from tests.rsgi_client import Exchange, Scope


class Gone(Exchange):
    """With a client that disconnects at once."""

    async def client_disconnect(self) -> None:
        return


def wrap(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "is_told"),
    [
        (ClientGoneError(), False),
        (wrap(RuntimeError("after the start"), ClientGoneError()), False),
        (RuntimeError("a fault of ours"), True),
        (wrap(RuntimeError("after the start"), ValueError("a fault of ours")), True),
    ],
)
async def test_an_error_is_logged_although_the_client_has_gone(
    error: Exception, is_told: bool
) -> None:
    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"
        raise error

    scope = Scope(httpx.Request("GET", "http://shorty.test/"), "192.0.2.7:4711")
    with capture_logs() as logs:
        await AsgiShim(app)(scope, Gone(b""))
    assert [each["event"] for each in logs] == ["request_failed"] * is_told
