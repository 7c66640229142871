"""Builds links for tests, naming only what matters."""

from typing import Any

from shorty.accounts.model import Actor
from shorty.links.book import LinkBook
from shorty.links.model import Link, NewLink
from shorty.links.service import create_link
from tests.support import NOW


def new_link(**only_what_matters: Any) -> NewLink:
    plain: dict[str, Any] = {"url": "https://example.com/page", "domain": "go.example"}
    return NewLink(**(plain | only_what_matters))


async def make_link(book: LinkBook, actor: Actor, now: int = NOW, **only_what_matters: Any) -> Link:
    return await create_link(book, actor, new_link(**only_what_matters), now)
