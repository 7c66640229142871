"""Reads an uploaded picture: the file itself as the body, or base64 in a JSON field."""

import binascii
import re
from base64 import b64decode
from typing import Final, TypeVar

import msgspec

from shorty.api.requests import ApiRequest
from shorty.errors import InvalidFieldsError
from shorty.qr.sandbox import MAX_BYTES
from shorty.webcore.fields import convert_fields
from shorty.webcore.requests import Body, read_body, read_bytes

T = TypeVar("T", bound=msgspec.Struct)

BODY_LIMIT: Final = 2 * MAX_BYTES  # base64 is a third larger
_DATA_ADDRESS: Final = re.compile(r"data:[\w/+.-]*(;[\w=+.-]+)*;base64,")


async def read_upload(request: ApiRequest, kind: type[T]) -> tuple[Body, T | None, bytes]:
    """The body, its fields (None if it is the file itself) and the file.

    `kind` has a field `image`. Raises InvalidFieldsError.
    """
    if (request.find_header(b"content-type") or "").lower().startswith("image/"):
        raw = await read_bytes(request, MAX_BYTES)
        return Body(fields={}, is_form=False, raw=raw), None, raw
    body = await read_body(request, limit=BODY_LIMIT)
    wanted = convert_fields(body.fields, kind)
    text = str(body.fields["image"])
    try:
        content = b64decode("".join(_DATA_ADDRESS.sub("", text, 1).split()), validate=True)
    except (binascii.Error, ValueError):
        fault = "must be a file in base64, or a data: URL"
        raise InvalidFieldsError({"image": fault}) from None
    return body, wanted, content
