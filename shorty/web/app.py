"""Puts the dashboard together: its pages below /app, its files below /static."""

from typing import Any, Final, cast

from litestar import Router

from shorty.web import (
    account,
    analytics_csv,
    apps,
    assets,
    bio_blocks,
    bio_pages,
    breakdown_page,
    clicks_csv,
    deliveries,
    domains,
    drafts,
    exports,
    help_pages,
    imports,
    invitation,
    link_actions,
    link_aliases,
    link_checks,
    link_deliveries,
    link_downloads,
    link_form,
    link_history,
    link_jobs,
    link_list,
    link_page,
    link_rules,
    members,
    overview,
    palette,
    password_reset,
    qr_codes,
    qr_pictures,
    receivers,
    second_factor,
    setup,
    share,
    sign_in,
    tags,
    tokens,
    usage,
    utm,
    webhook_secret,
    workspaces,
)
from shorty.web.confirmation import ask_first
from shorty.web.cookies import PATH
from shorty.web.error_pages import ERROR_HANDLERS
from shorty.web.guard import let_in
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

MODULES: Final = (
    account,
    analytics_csv,
    apps,
    bio_blocks,
    bio_pages,
    breakdown_page,
    clicks_csv,
    deliveries,
    domains,
    drafts,
    exports,
    help_pages,
    password_reset,
    link_history,
    imports,
    invitation,
    link_aliases,
    link_checks,
    link_actions,
    link_deliveries,
    link_downloads,
    link_jobs,
    link_list,
    link_page,
    link_rules,
    link_form,
    members,
    overview,
    palette,
    qr_codes,
    qr_pictures,
    receivers,
    second_factor,
    share,
    sign_in,
    webhook_secret,
    tags,
    tokens,
    usage,
    utm,
    setup,
    workspaces,
)
PAGES: Final = tuple(handler for module in MODULES for handler in module.pages.handlers)


async def prepare(request: WebRequest) -> Answer | None:
    """What runs before each page: whether it may be opened, then whether it is really meant."""
    return await let_in(request) or ask_first(request)


def build_routers() -> tuple[Router, Router]:
    """What is served beside the API. `ERROR_HANDLERS` also answer what no route here matches."""
    return (
        Router(
            PATH,
            route_handlers=list(PAGES),
            request_class=WebRequest,
            before_request=cast("Any", prepare),  # takes our class of request
            exception_handlers=ERROR_HANDLERS,
        ),
        Router(
            "/",
            route_handlers=[assets.send_asset],
            request_class=WebRequest,
            exception_handlers=ERROR_HANDLERS,
        ),
    )
