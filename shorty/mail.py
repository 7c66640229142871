"""Sends mail: one message to one email, by the server that [smtp] names.

In a thread, because smtplib blocks. `send` waits for the result. `post` does not, so that nobody
can learn from an answer's time whether an email is known.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Coroutine
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from shorty.config import SmtpConfig
from shorty.errors import BusyError, FetchError, StorageUnavailableError
from shorty.pools import WorkerThreads

TIMEOUT_S: Final = 15.0  # for each step of the SMTP dialogue
FAREWELL_S: Final = 2.0
# A separate pool, because a mail server that hangs would block the threads of others.
THREADS: Final = WorkerThreads(
    "send-mail", threads=2, waiting=1000, waiting_per_owner=1000, patience_s=600
)

log = structlog.get_logger(__name__)


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """`html` has the same words as `text`. `reply_to` is an email, or empty for the sender."""

    to: str
    reply_to: str = ""
    subject: str
    text: str
    html: str


class Mailer:
    def __init__(self, config: SmtpConfig) -> None:
        self._config = config
        self._posted: set[asyncio.Task[None]] = set()

    @property
    def is_on(self) -> bool:
        return bool(self._config.host)

    async def send(self, mail: Mail) -> None:
        """Returns once the server has accepted it. Raises FetchError if it does not."""
        try:
            await THREADS.run("mail", partial(_deliver, self._config, mail))
        except (BusyError, OSError, smtplib.SMTPException, ValueError) as error:
            log.warning("mail_not_sent", host=self._config.host, reason=_describe(error))
            raise FetchError("The mail server did not take the mail.") from error

    def post(self, writing: Coroutine[Any, Any, Mail | None]) -> None:
        """Writes and sends a mail after the answer; None means no mail. Errors are logged.

        So the time of an answer does not show whether a mail was sent.
        """
        task = asyncio.get_running_loop().create_task(self._send_quietly(writing))
        self._posted.add(task)
        task.add_done_callback(self._posted.discard)

    async def finish(self) -> None:
        """Waits a little for posted mails; called before the process ends."""
        if self._posted:
            await asyncio.wait(self._posted, timeout=FAREWELL_S)

    async def _send_quietly(self, writing: Coroutine[Any, Any, Mail | None]) -> None:
        try:
            mail = await writing
            if mail is not None:
                await self.send(mail)
        except StorageUnavailableError as error:
            log.warning("mail_not_written", reason=str(error.__cause__))
        except FetchError:
            return  # `send` has logged why


def build_message(config: SmtpConfig, mail: Mail) -> EmailMessage:
    """Raises ValueError if an email or the subject would break out of its header."""
    name, sender = parseaddr(config.sender)
    message = EmailMessage()
    message["From"] = _build_address(sender, name)
    message["To"] = _build_address(mail.to)
    if mail.reply_to:
        message["Reply-To"] = _build_address(mail.reply_to)
    message["Subject"] = mail.subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=_find_own_name(config))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _build_address(text: str, name: str = "") -> Address:
    try:
        return Address(name, addr_spec=text)
    except (AttributeError, IndexError, MessageError) as error:
        raise ValueError(f"{text!r} is not one address") from error


def _deliver(config: SmtpConfig, mail: Mail) -> None:
    message = build_message(config, mail)
    with _connect(config) as server:
        if config.username:
            server.login(config.username, config.password)
        server.send_message(message)


def _connect(config: SmtpConfig) -> smtplib.SMTP:
    name = _find_own_name(config)
    if config.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(config.host, config.port, name, timeout=TIMEOUT_S, context=context)
    server = smtplib.SMTP(config.host, config.port, name, timeout=TIMEOUT_S)
    if config.security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def _find_own_name(config: SmtpConfig) -> str:
    """The name for EHLO: asking DNS for this machine's name could take long and return nothing."""
    domain = parseaddr(config.sender)[1].rpartition("@")[2]
    return domain.encode("idna").decode()


def _describe(error: Exception) -> str:
    """For the log: the server's own words if it sent any."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        words = said.decode(errors="replace") if isinstance(said, bytes) else said
        return f"{error.smtp_code} {words}"
    return str(error) or type(error).__name__
