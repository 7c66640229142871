"""`/openapi.json` and `/docs`: the reference, built once from the operations."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from shorty.api.openapi import RouteGroup, build_document
from shorty.api.reference_page import CONTENT_POLICY, render_reference
from shorty.api.requests import ApiRequest
from shorty.webcore.answers import JSON, Answer, Header
from shorty.webcore.documents import Document, answer_document, keep_document

HTML: Final = b"text/html; charset=utf-8"
FRESH: Final[Header] = (b"cache-control", b"no-cache")  # revalidated by its ETag each time
POLICY: Final = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
)


def build_reference_handlers(doors: Sequence[RouteGroup]) -> list[HTTPRouteHandler]:
    @cache
    def read_document() -> Document:
        return keep_document(msgspec.json.encode(build_document(doors)), JSON)

    @cache
    def read_page() -> Document:
        return keep_document(render_reference(build_document(doors)).encode(), HTML)

    @get("/openapi.json")
    async def show_document(request: ApiRequest) -> Answer:
        return answer_document(request, read_document(), [FRESH])

    @get("/docs")
    async def show_reference(request: ApiRequest) -> Answer:
        return answer_document(request, read_page(), [FRESH, *POLICY])

    return [show_document, show_reference]
