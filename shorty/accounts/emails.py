"""Owns how e-mail addresses are read and compared. Pure.

One mailbox has one spelling here: the domain as the DNS knows it (UTS #46, then IDNA 2008, in
lower case), the part before the @ case-folded and in NFC. That spelling is stored, compared,
mailed to and shown, so that a domain that only looks like another is seen to be one.
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
    """The address in the spelling that is compared.

    Raises ValueError, whose words say what is wrong, for what is not exactly one address: two @,
    a name or brackets around it, a list, quotes, comments, an IP address in brackets.
    """
    text = normalize("NFC", text.strip()[: EMAIL_LENGTH + 1])
    if len(text) > EMAIL_LENGTH:  # before it is parsed, so that parsing is never long
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
    """For looking up what somebody typed: as `read_email`; what is no address, in lower case."""
    try:
        return read_email(text)
    except ValueError:
        return text.strip().lower()[:EMAIL_LENGTH]


def fold_local(local: str) -> str:
    """Canonical caseless matching (Unicode 3.13), composed."""
    return normalize("NFC", normalize("NFD", local).casefold())


def _require_one_address(text: str) -> None:
    """The parser knows ASCII alone; other letters are as good as its own (RFC 6531)."""
    letters = "".join(letter if letter.isascii() else "x" for letter in text)
    try:
        parsed = Address(addr_spec=letters)
    # AttributeError: the parser's own, of an unfinished IP address in brackets.
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
