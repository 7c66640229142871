"""What names and addresses may look like. Pure."""

from typing import Final

from shorty.errors import InvalidFieldsError

EMAIL_LENGTH: Final = 254
NAME_LENGTH: Final = 100
# Stands in until the owner's account is made; .invalid can never be anybody's address (RFC 2606).
NOBODYS_EMAIL: Final = "owner@shorty.invalid"


def check_person(email: str, name: str) -> tuple[str, str]:
    """The address in lower case and the name, which is the address's first part if empty."""
    email, name = email.strip().lower(), name.strip()
    faults: dict[str, str] = {}
    local, at, host = email.rpartition("@")
    if not (local and at and host) or not email.isprintable() or " " in email:
        faults["email"] = "must be an e-mail address, such as ann@example.com"
    elif len(email) > EMAIL_LENGTH:
        faults["email"] = f"may be at most {EMAIL_LENGTH} characters long"
    if len(name) > NAME_LENGTH:
        faults["name"] = f"may be at most {NAME_LENGTH} characters long"
    elif not name.isprintable():
        faults["name"] = "must be one line of text without control characters"
    if faults:
        raise InvalidFieldsError(faults)
    return email, name or local[:NAME_LENGTH]


def check_workspace_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise InvalidFieldsError({"name": "must not be empty"})
    if len(name) > NAME_LENGTH:
        raise InvalidFieldsError({"name": f"may be at most {NAME_LENGTH} characters long"})
    if not name.isprintable():
        raise InvalidFieldsError({"name": "must be one line of text without control characters"})
    return name
