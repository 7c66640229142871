"""Puts the dashboard together: its pages below /app, its files below /static."""

from typing import Any, Final, cast

from litestar import Router

from shorty.web import (
    account,
    assets,
    bio_blocks,
    bio_pages,
    deliveries,
    domains,
    exports,
    imports,
    invitation,
    link_actions,
    link_checks,
    link_deliveries,
    link_form,
    link_history,
    link_list,
    link_page,
    members,
    overview,
    password_reset,
    qr_codes,
    qr_pictures,
    receivers,
    second_factor,
    setup,
    sign_in,
    tags,
    tokens,
    usage,
    utm,
    webhook_secret,
    workspaces,
)
from shorty.web.cookies import PATH
from shorty.web.error_pages import ERROR_HANDLERS
from shorty.web.guard import let_in
from shorty.web.requests import WebRequest

MODULES: Final = (
    account,
    bio_blocks,
    bio_pages,
    deliveries,
    domains,
    exports,
    password_reset,
    link_history,
    imports,
    invitation,
    link_checks,
    link_actions,
    link_deliveries,
    link_list,
    link_page,
    link_form,
    members,
    overview,
    qr_codes,
    qr_pictures,
    receivers,
    second_factor,
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


def build_routers() -> tuple[Router, Router]:
    """What is served beside the API. `ERROR_HANDLERS` also answer what no route here matches."""
    return (
        Router(
            PATH,
            route_handlers=list(PAGES),
            request_class=WebRequest,
            before_request=cast("Any", let_in),  # takes our class of request
            exception_handlers=ERROR_HANDLERS,
        ),
        Router(
            "/",
            route_handlers=[assets.send_asset],
            request_class=WebRequest,
            exception_handlers=ERROR_HANDLERS,
        ),
    )
