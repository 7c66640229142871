"""Sends mail through real servers."""

# These decisions are not visible from outside.
# pyright: reportPrivateUsage=false

import asyncio
import shutil
import ssl
import subprocess
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from smtplib import SMTPResponseException

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from shorty import mail as mail_module
from shorty.config import SmtpConfig
from shorty.errors import FetchError, StorageUnavailableError
from shorty.mail import THREADS, Mail, Mailer, build_message
from shorty.mail import _describe as describe
from tests.clicks.making import wait_until
from tests.mail_server import SENDER, run_mail_server

MAIL = Mail(to="ann@a.example", subject="Grüße ✓", text="Zwölf & mehr", html="<p>Zwölf &amp; mehr")


def make_certificate(folder: Path) -> Path:
    """A self-signed certificate for localhost, with its key."""
    key, certificate, both = (folder / name for name in ("key.pem", "cert.pem", "both.pem"))
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both


async def test_a_mail_arrives_as_text_and_html() -> None:
    async with run_mail_server() as server:
        await Mailer(server.config).send(MAIL)
    (message,) = server.received
    assert server.recipients == ["ann@a.example"]
    assert (message["From"], message["To"]) == (SENDER, "ann@a.example")
    assert message["Subject"] == "Grüße ✓"
    assert message["Message-ID"].endswith("@a.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert "Reply-To" not in message
    sent_at = parsedate_to_datetime(message["Date"])
    assert sent_at.tzinfo is not None
    assert abs(sent_at.timestamp() - time.time()) < 120
    assert server.read_text().strip() == "Zwölf & mehr"
    html = message.get_body(("html",))
    assert html is not None
    assert html.get_content().strip() == "<p>Zwölf &amp; mehr"


def test_an_answer_goes_to_whom_the_mail_names() -> None:
    config = SmtpConfig(host="mail.example", sender=SENDER)
    message = build_message(config, replace(MAIL, reply_to="bob@b.example"))
    assert message["Reply-To"] == "bob@b.example"
    for hostile in ("bob@b.example\r\nBcc: eve@b.example", "bob@b.example, eve@b.example", "Bob"):
        with pytest.raises(ValueError, match=r"addr"):
            build_message(config, replace(MAIL, reply_to=hostile))


async def test_it_signs_in_where_a_name_is_set() -> None:
    async with run_mail_server(asks_login=True) as server:
        await Mailer(server.config).send(MAIL)
        for config in (replace(server.config, password="x"), replace(server.config, username="")):
            with pytest.raises(FetchError):
                await Mailer(config).send(MAIL)
    assert len(server.received) == 1


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes its certificate with openssl")
async def test_starttls_encrypts_and_refuses_an_untrusted_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(tmp_path))
    async with run_mail_server(context=context) as server:
        with pytest.raises(FetchError):
            await Mailer(server.config).send(MAIL)
        with pytest.raises(FetchError):
            await Mailer(replace(server.config, security="none")).send(MAIL)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "both.pem"))
        await Mailer(server.config).send(MAIL)
    assert len(server.received) == 1


async def test_a_server_without_starttls_gets_neither_password_nor_mail() -> None:
    async with run_mail_server(asks_login=True) as server:
        with pytest.raises(FetchError):
            await Mailer(replace(server.config, security="starttls")).send(MAIL)
        with pytest.raises(FetchError):
            await Mailer(replace(server.config, security="tls")).send(MAIL)
    assert server.received == []


async def test_a_refusal_and_an_unreachable_server_are_reported_alike() -> None:
    async with run_mail_server() as server:
        server.refusal = "554 no"
        with pytest.raises(FetchError, match="did not take the mail"):
            await Mailer(server.config).send(MAIL)
    with pytest.raises(FetchError, match="did not take the mail"):
        await Mailer(server.config).send(MAIL)


async def write(mail: Mail | None) -> Mail | None:
    return mail


async def test_what_is_posted_goes_behind_the_answer_and_may_fail() -> None:
    async with run_mail_server() as server:
        mailer = Mailer(server.config)
        mailer.post(write(MAIL))
        mailer.post(write(None))
        assert server.received == []
        await mailer.finish()
        assert len(server.received) == 1
        server.refusal = "554 no"
        mailer.post(write(MAIL))
        await mailer.finish()
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "mail",
    [
        replace(MAIL, to="ann@a.example\r\nBcc: eve@b.example"),
        replace(MAIL, subject="Hello\r\nBcc: eve@b.example"),
        replace(MAIL, to="ann@a.example, eve@b.example"),
        replace(MAIL, to=""),
        replace(MAIL, to="a\\@[@b.example"),
    ],
)
async def test_no_address_and_no_subject_breaks_out_of_its_header(mail: Mail) -> None:
    with pytest.raises(ValueError):
        build_message(SmtpConfig(sender=SENDER), mail)
    async with run_mail_server() as server:
        with pytest.raises(FetchError):
            await Mailer(server.config).send(mail)
    assert server.received == []


async def test_threads_come_back_after_success_failure_and_cancelling() -> None:
    number = THREADS.slots.slots + 1
    async with run_mail_server() as server:
        mailer = Mailer(server.config)
        for refusal in ("", "554 no"):
            server.refusal = refusal
            for _ in range(number):
                with suppress(FetchError):
                    await mailer.send(MAIL)
        server.may_answer.clear()
        several = [asyncio.create_task(mailer.send(MAIL)) for _ in range(number + 2)]
        await wait_until(lambda: server.asked == 3 * number - 1)  # one per thread
        for each in several:
            each.cancel()
        await asyncio.wait(several)
        assert THREADS.slots.taken == THREADS.slots.slots  # used by those still talking
        server.may_answer.set()
        server.refusal = ""
        for _ in range(number):
            await mailer.send(MAIL)
    assert (THREADS.slots.taken, THREADS.slots.waiting) == (0, 0)
    assert len(server.received) == 3 * number - 1


async def test_the_stop_waits_for_posted_mail_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with run_mail_server() as server:
        mailer = Mailer(server.config)
        await mailer.finish()
        server.may_answer.clear()
        mailer.post(write(MAIL))
        monkeypatch.setattr(mail_module, "FAREWELL_S", 0.01)
        await mailer.finish()
        assert server.received == []
        server.may_answer.set()
        monkeypatch.undo()
        await mailer.finish()
        assert len(server.received) == 1
        assert not mailer._posted


async def test_the_log_says_why_a_mail_did_not_leave() -> None:
    async def fail() -> Mail | None:
        raise StorageUnavailableError from OSError("disk full")

    async with run_mail_server() as server:
        mailer = Mailer(server.config)
        server.refusal = "554 no room"
        with capture_logs() as logs:
            with pytest.raises(FetchError):
                await mailer.send(MAIL)
            mailer.post(write(MAIL))
            mailer.post(fail())
            await mailer.finish()
    with capture_logs() as later, pytest.raises(FetchError):
        await mailer.send(MAIL)
    refused = {
        "event": "mail_not_sent",
        "host": "127.0.0.1",
        "reason": "554 no room",
        "log_level": "warning",
    }
    unwritten = {"event": "mail_not_written", "reason": "disk full", "log_level": "warning"}
    assert sorted(logs, key=str) == sorted([refused, refused, unwritten], key=str)
    assert [each["reason"] for each in later] == ["[Errno 111] Connection refused"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SMTPResponseException(535, b"bad \xff login"), "535 bad \ufffd login"),
        (SMTPResponseException(421, "later"), "421 later"),
        (OSError("down"), "down"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_reason_is_never_empty(error: Exception, reason: str) -> None:
    assert describe(error) == reason


async def test_ehlo_uses_the_senders_domain_without_a_look_up() -> None:
    async with run_mail_server() as server:
        config = replace(server.config, sender="Kürze <mail@kürze.example>")
        message = build_message(config, MAIL)
        assert message["Message-ID"].endswith("@xn--krze-0ra.example>")
        assert (message["From"].addresses[0].display_name, len(message["To"].addresses)) == (
            "Kürze",
            1,
        )
        await Mailer(server.config).send(MAIL)
    assert server.greetings == ["a.example"]
    assert server.senders == ["shorty@a.example"]


def test_without_a_host_there_is_no_mail() -> None:
    assert not Mailer(SmtpConfig()).is_on
    assert Mailer(SmtpConfig(host="mail.a.example")).is_on
