"""Owns how emails are read and compared. Pure.

A mailbox has one spelling: the domain as in the DNS (UTS #46, then IDNA 2008, in lower case), and
the part before the @ case-folded and in NFC. This spelling is stored, compared, mailed to and
shown, so that a look-alike domain is recognisable.
"""

from email.errors import MessageError
from email.headerregistry import Address
from typing import Final
from unicodedata import normalize

import idna

EMAIL_LENGTH: Final = 254
"""RFC 5321's longest path, without its brackets."""
LOCAL_BYTES: Final = 64

NOT_AN_ADDRESS: Final = "must be an email, such as ann@example.com"
TOO_LONG: Final = f"may be at most {EMAIL_LENGTH} characters long"


def read_email(text: str) -> str:
    """The email in the spelling that is compared.

    Raises ValueError, with the fault as its message, for anything but exactly one email: two @, a
    name or brackets around it, a list, quotes, comments, an IP address in brackets.
    """
    text = normalize("NFC", text.strip()[: EMAIL_LENGTH + 1])
    if len(text) > EMAIL_LENGTH:  # before parsing, which could take long
        raise ValueError(TOO_LONG)
    _require_one_address(text)
    typed, _, domain = text.partition("@")
    local = fold_local(typed)
    email = f"{local}@{_encode_domain(domain)}"
    if len(email) > EMAIL_LENGTH:
        raise ValueError(TOO_LONG)
    if len(local.encode(errors="replace")) > LOCAL_BYTES:
        raise ValueError(NOT_AN_ADDRESS)
    return email


def fold_email(text: str) -> str:
    """For looking up typed text: like `read_email`; an invalid email is only put in lower case."""
    try:
        return read_email(text)
    except ValueError:
        return text.strip().lower()[:EMAIL_LENGTH]


def fold_local(local: str) -> str:
    """Canonical caseless matching (Unicode 3.13), composed."""
    return normalize("NFC", normalize("NFD", local).casefold())


def _require_one_address(text: str) -> None:
    """The parser only knows ASCII; other letters are equally valid (RFC 6531)."""
    letters = "".join(letter if letter.isascii() else "x" for letter in text)
    try:
        parsed = Address(addr_spec=letters)
    # The parser raises AttributeError for an unfinished IP address in brackets.
    except (AttributeError, IndexError, ValueError, MessageError) as error:
        raise ValueError(NOT_AN_ADDRESS) from error
    if not parsed.username or f"{parsed.username}@{parsed.domain}" != letters:
        raise ValueError(NOT_AN_ADDRESS)  # with quotes, comments or spaces
    if not text.isprintable() or " " in text:
        raise ValueError(NOT_AN_ADDRESS)


def _encode_domain(domain: str) -> str:
    try:
        encoded = idna.encode(domain, uts46=True, std3_rules=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(NOT_AN_ADDRESS) from error
    if encoded.endswith("."):
        raise ValueError(NOT_AN_ADDRESS)
    return encoded.lower()
