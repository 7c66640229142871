"""The fields of a submitted form, read by name."""

from collections.abc import Iterable, Mapping
from typing import BinaryIO
from urllib.parse import parse_qsl

import msgspec

from shorty.errors import InvalidFieldsError, ShortyError
from shorty.ids import parse_id
from shorty.webcore.errors import MalformedRequestError

MAX_FIELDS = 5000


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """An uploaded file: in memory if it is small, otherwise on disk.

    It is deleted once the form is answered.
    """

    name: str
    file: BinaryIO

    @property
    def content(self) -> bytes:
        """The whole content, for pages that take small files."""
        self.file.seek(0)
        return self.file.read()


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """Texts by field name, in the order they were sent; empty if there was no form."""

    fields: Mapping[str, tuple[str, ...]] = {}
    files: Mapping[str, Upload] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def read(self, name: str, default: str = "") -> str:
        """The field's last value without surrounding white space."""
        return self.fields.get(name, (default,))[-1].strip()

    def read_raw(self, name: str) -> str:
        """As it was typed, such as a password."""
        return self.fields.get(name, ("",))[-1]

    def read_optional(self, name: str) -> str | None:
        return self.read(name) or None

    def is_checked(self, name: str) -> bool:
        """Whether a checkbox of that name was ticked."""
        return self.read(name) not in {"", "0", "false"}

    def read_all(self, name: str) -> tuple[str, ...]:
        return self.fields.get(name, ())

    def read_ids(self, name: str) -> tuple[int, ...]:
        """Those of the texts that can be ids, each once."""
        return list_ids(self.fields.get(name, ()))


def list_ids(texts: Iterable[str]) -> tuple[int, ...]:
    found = (parse_id(text) for text in texts)
    return tuple(dict.fromkeys(each for each in found if each is not None))


def decode_form(raw: bytes) -> Form:
    """A form in UTF-8. Raises MalformedRequestError."""
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise MalformedRequestError(f"The form cannot be read: {error}.") from error
    return build_form(pairs)


def build_form(pairs: Iterable[tuple[str, str]], files: Mapping[str, Upload] | None = None) -> Form:
    fields: dict[str, tuple[str, ...]] = {}
    for name, text in pairs:
        fields[name] = (*fields.get(name, ()), text)
    return Form(fields=fields, files=files or {})


def read_faults(error: ShortyError, field: str) -> dict[str, str]:
    """The faults of a form by field name, to be shown beside the fields.

    `field` gets the message of an error that names no field.
    """
    if isinstance(error, InvalidFieldsError):
        return error.fields
    return {field: error.message.rstrip(".")}
