"""`/openapi.json` and `/docs`: the reference, built once from the operations."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from shorty.api.openapi import Door, build_document
from shorty.api.reference_page import CONTENT_POLICY, render_reference
from shorty.http.answers import Answer

HTML: Final = b"text/html; charset=utf-8"
POLICY: Final = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
)


def build_reference_handlers(doors: Sequence[Door]) -> list[HTTPRouteHandler]:
    @cache
    def read_document() -> bytes:
        return msgspec.json.encode(build_document(doors))

    @cache
    def read_page() -> bytes:
        return render_reference(build_document(doors)).encode()

    @get("/openapi.json")
    async def show_document() -> Answer:
        return Answer(200, read_document())

    @get("/docs")
    async def show_reference() -> Answer:
        return Answer(200, read_page(), media_type=HTML, headers=POLICY)

    return [show_document, show_reference]
