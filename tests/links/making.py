"""Builds links for tests, naming only what matters."""

from typing import Any

from shorty.accounts.model import Actor
from shorty.links.context import LinkContext
from shorty.links.model import Link, LinkChange
from shorty.links.service import create_link
from tests.support import NOW


def new_link(**only_what_matters: Any) -> LinkChange:
    plain: dict[str, Any] = {"url": "https://example.com/page", "domain": "go.example"}
    return LinkChange(**(plain | only_what_matters))


async def make_link(
    context: LinkContext, actor: Actor, now: int = NOW, **only_what_matters: Any
) -> Link:
    return await create_link(context, actor, new_link(**only_what_matters), now)
