"""Recognises secrets that another product has hashed or encrypted: they are no passwords."""

import re
from typing import Final

from shorty.passwords import find_password_fault
from shorty.transfer.states import NO, YES, is_no

_SCHEMES: Final = (
    r"\d[a-z]?|argon2\w*|[PHSy]|gy|sm3|sha\d*|sha\d+-?\w*|SHA\d*|md5[\w,=]*|apr1|ml|scrypt"
    r"|pbkdf2[\w-]*|bcrypt[\w-]*"
)
# Of MD5, SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512, in hexadecimal digits.
_DIGESTS: Final = "|".join(f"[0-9a-fA-F]{{{length}}}" for length in (32, 40, 56, 64, 96, 128))
# MD5, SHA-1, SHA-256 and SHA-512 in Base64.
_BASE_64: Final = "|".join(
    rf"[A-Za-z0-9+/]{{{count}}}{end}"
    for count, end in ((22, "=="), (27, "="), (43, "="), (86, "=="))
)
_HASHED: Final = re.compile(
    rf"\$(?:{_SCHEMES})\$.+"  # crypt(3) and PHC: $2y$, $argon2id$, $6$, $P$ …
    # Django and Werkzeug: pbkdf2_sha256$1$salt$…, scrypt:32768:8:1$salt$…
    r"|(?:pbkdf2|scrypt|argon2|bcrypt|sha|md5|crypt|unsalted)[\w.+-]*[$:]\S*\$\S+"
    r"|\{(?:S?SHA|S?MD5|CRYPT|PBKDF2|ARGON2|BCRYPT|SCRYPT)[\w-]*\}\S+"  # LDAP
    rf"|(?:[\w-]{{1,64}}[:$]){{0,3}}(?:0x|\\x|\*)?(?:{_DIGESTS})(?:[:$.]\S+)?"
    r"|eyJ[\w+/=.-]{20,}"  # Laravel encrypts into a JSON object in Base64
    rf"|{_BASE_64}",
    re.DOTALL | re.IGNORECASE,
)
# What stands in a file instead of a password that it does not give away.
_HIDDEN: Final = re.compile(
    r"[*•●·x]{4,}|hidden|redacted|encrypted|[\[<(][\w ]{1,30}[\])>]", re.IGNORECASE
)


def is_hashed_secret(text: str) -> bool:
    return bool(_HASHED.fullmatch(text.strip()))


def find_password(value: object) -> tuple[str | None, bool]:
    """A password that visitors can type, and whether one was set that can't be used here."""
    if is_no(value) or (isinstance(value, str) and value.strip().casefold() in NO):
        return None, False
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None, True
    text = str(value).strip()
    is_no_password = text.casefold() in YES or find_password_fault(text) is not None
    if is_no_password or _HIDDEN.fullmatch(text) or is_hashed_secret(text):
        return None, True
    return text, False
