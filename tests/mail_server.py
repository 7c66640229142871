"""A real mail server in this process, which keeps what it receives."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from shorty.config import SmtpConfig

SENDER = "Shorty <shorty@a.example>"
USERNAME, PASSWORD = "shorty", "mail secret"


class MailServer:
    """`config` contains its address and credentials."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.senders: list[str | None] = []
        self.greetings: list[str | None] = []
        self.config = SmtpConfig()
        self.refusal = ""
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.asked += 1
        await self.may_answer.wait()
        if self.refusal:
            return self.refusal
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        self.recipients += envelope.rcpt_tos
        self.senders.append(envelope.mail_from)
        self.greetings.append(session.host_name)
        return "250 taken"

    def read_text(self) -> str:
        """The newest mail's text part."""
        body = self.received[-1].get_body(("plain",))
        assert body is not None
        return body.get_content()


def check_login(
    _server: object, _session: object, _envelope: object, _kind: str, data: object
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    right = (data.login, data.password) == (USERNAME.encode(), PASSWORD.encode())
    # Not handled, so that the server itself refuses; otherwise callers would wait for an answer.
    return AuthResult(success=right, handled=False)


@asynccontextmanager
async def run_mail_server(
    *, context: ssl.SSLContext | None = None, asks_login: bool = False
) -> AsyncGenerator[MailServer]:
    """With `context` it accepts mail only after STARTTLS."""
    handler = MailServer()
    loop = asyncio.get_running_loop()

    answering: list[SMTP] = []

    def answer() -> SMTP:
        with warnings.catch_warnings(action="ignore"):  # about passwords in the clear
            answering.append(
                SMTP(
                    handler,
                    hostname="mail.a.example",
                    tls_context=context,
                    require_starttls=context is not None,
                    auth_required=asks_login,
                    auth_require_tls=False,
                    authenticator=check_login,
                    loop=loop,
                )
            )
        return answering[-1]

    server = await loop.create_server(answer, "127.0.0.1", 0)
    handler.config = SmtpConfig(
        host="localhost" if context else "127.0.0.1",
        port=server.sockets[0].getsockname()[1],
        security="starttls" if context else "none",
        username=USERNAME if asks_login else "",
        password=PASSWORD if asks_login else "",
        sender=SENDER,
    )
    try:
        yield handler
    finally:
        server.close()
        for each in answering:
            if each.transport is not None:
                each.transport.close()
        await server.wait_closed()
