"""Mail, through real servers."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from shorty.config import SmtpConfig
from shorty.errors import FetchError
from shorty.mail import Mail, Mailer, build_message
from tests.mail_server import SENDER, run_mail_server

MAIL = Mail(to="ann@a.example", subject="Grüße ✓", text="Zwölf & mehr", html="<p>Zwölf &amp; mehr")


def make_certificate(folder: Path) -> Path:
    """For localhost, signed by itself, with its key."""
    key, certificate, both = (folder / name for name in ("key.pem", "cert.pem", "both.pem"))
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out"]
    subprocess.run([*words.split(), *names, str(certificate)], check=True, capture_output=True)
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
    assert server.read_text().strip() == "Zwölf & mehr"
    html = message.get_body(("html",))
    assert html is not None
    assert html.get_content().strip() == "<p>Zwölf &amp; mehr"


async def test_it_signs_in_where_a_name_is_set() -> None:
    async with run_mail_server(asks_login=True) as server:
        await Mailer(server.config).send(MAIL)
        for config in (replace(server.config, password="x"), replace(server.config, username="")):
            with pytest.raises(FetchError):
                await Mailer(config).send(MAIL)
    assert len(server.received) == 1


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes its certificate with openssl")
async def test_starttls_encrypts_and_a_certificate_nobody_vouches_for_is_refused(
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


async def test_a_refusal_and_a_server_that_is_not_there_are_said_alike() -> None:
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
    ],
)
async def test_no_address_and_no_subject_breaks_out_of_its_header(mail: Mail) -> None:
    with pytest.raises(ValueError):
        build_message(SmtpConfig(sender=SENDER), mail)
    async with run_mail_server() as server:
        with pytest.raises(FetchError):
            await Mailer(server.config).send(mail)
    assert server.received == []


def test_without_a_host_there_is_no_mail() -> None:
    assert not Mailer(SmtpConfig()).is_on
    assert Mailer(SmtpConfig(host="mail.a.example")).is_on
