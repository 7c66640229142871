"""Checks names, emails and time zones. Pure."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

from shorty.accounts.emails import read_email
from shorty.errors import InvalidFieldsError

NAME_LENGTH: Final = 100
# Used until the owner's account is created; .invalid is never anyone's email (RFC 2606).
NOBODYS_EMAIL: Final = "owner@shorty.invalid"


def check_email(email: str) -> str:
    """Returns the compared spelling. Raises InvalidFieldsError, also for NOBODYS_EMAIL."""
    try:
        read = read_email(email)
    except ValueError as error:
        raise InvalidFieldsError({"email": str(error)}) from error
    if read == NOBODYS_EMAIL:
        raise InvalidFieldsError({"email": "stands in for an owner without an account"})
    return read


def check_person_name(name: str, email: str) -> str:
    """The name, or the email's first part if empty. Raises InvalidFieldsError."""
    name = name.strip()
    if fault := _find_name_fault(name):
        raise InvalidFieldsError({"name": fault})
    return name or email.rpartition("@")[0][:NAME_LENGTH]


def check_person(email: str, name: str) -> tuple[str, str]:
    """Email and name. Raises InvalidFieldsError with the faults of both."""
    faults: dict[str, str] = {}
    try:
        email = read_email(email)
    except ValueError as error:
        faults["email"] = str(error)
    if fault := _find_name_fault(name.strip()):
        faults["name"] = fault
    if faults:
        raise InvalidFieldsError(faults)
    return email, check_person_name(name, email)


def _find_name_fault(name: str) -> str:
    if len(name) > NAME_LENGTH:
        return f"may be at most {NAME_LENGTH} characters long"
    if not name.isprintable():
        return "must be one line without control characters"
    return ""


def check_time_zone(name: str) -> str | None:
    """The zone's IANA name, None if `name` is empty. Case does not matter, nor does `New York`.

    Raises InvalidFieldsError.
    """
    name = name.strip()
    if not name:
        return None
    zone = _read_zone_names().get(name.replace(" ", "_").casefold())
    if zone is None:
        fault = "is not a known time zone; choose one from the list, such as Europe/Berlin"
        raise InvalidFieldsError({"time_zone": fault})
    return zone


@cache
def _read_zone_names() -> Mapping[str, str]:
    """The names by their folded spelling, of the package that every machine has the same of."""
    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return {name.casefold(): name for name in names if name != "Factory"}


def check_workspace_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise InvalidFieldsError({"name": "must not be empty"})
    if len(name) > NAME_LENGTH:
        raise InvalidFieldsError({"name": f"may be at most {NAME_LENGTH} characters long"})
    if not name.isprintable():
        raise InvalidFieldsError({"name": "must be one line without control characters"})
    return name
