"""What a person typed: the fields of a form, read by name, each with its fault beside it."""

from collections.abc import Iterable, Mapping
from typing import BinaryIO
from urllib.parse import parse_qsl

import msgspec

from shorty.errors import InvalidFieldsError, ShortyError
from shorty.ids import parse_id
from shorty.webcore.errors import MalformedRequestError

MAX_FIELDS = 5000


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came with a form: in memory while it is small, otherwise on the disk.

    It is gone once the form is answered.
    """

    name: str
    file: BinaryIO

    @property
    def content(self) -> bytes:
        """All of it, for a page that takes small files."""
        self.file.seek(0)
        return self.file.read()


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """Texts by their fields' names, in the order they came; empty where nothing was sent."""

    fields: Mapping[str, tuple[str, ...]] = {}
    files: Mapping[str, Upload] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def read(self, name: str, default: str = "") -> str:
        """The field's last text without the white space around it."""
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
    """What is wrong with a form, by its fields' names, to stand beside them.

    `field` is the one that an error is about that names none.
    """
    if isinstance(error, InvalidFieldsError):
        return error.fields
    return {field: error.message.rstrip(".")}
