"""Puts the dashboard together: its pages below /app, its files below /static."""

from typing import Any, Final, cast

from litestar import Router
from litestar.handlers import HTTPRouteHandler

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
from shorty.web.failures import FAILURES
from shorty.web.guard import let_in
from shorty.web.requests import WebRequest

PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    *account.HANDLERS,
    *bio_blocks.HANDLERS,
    *bio_pages.HANDLERS,
    *deliveries.HANDLERS,
    *domains.HANDLERS,
    *exports.HANDLERS,
    *password_reset.HANDLERS,
    *link_history.HANDLERS,
    *imports.HANDLERS,
    *invitation.HANDLERS,
    *link_checks.HANDLERS,
    *link_actions.HANDLERS,
    *link_deliveries.HANDLERS,
    *link_list.HANDLERS,
    *link_page.HANDLERS,
    *link_form.HANDLERS,
    *members.HANDLERS,
    *overview.HANDLERS,
    *qr_codes.HANDLERS,
    *qr_pictures.HANDLERS,
    *receivers.HANDLERS,
    *second_factor.HANDLERS,
    *sign_in.HANDLERS,
    *webhook_secret.HANDLERS,
    *tags.HANDLERS,
    *tokens.HANDLERS,
    *usage.HANDLERS,
    *utm.HANDLERS,
    *setup.HANDLERS,
    *workspaces.HANDLERS,
)


def build_routers() -> tuple[Router, Router]:
    """What is served beside the API; what none of its routers knows is for `FAILURES` to tell."""
    return (
        Router(
            PATH,
            route_handlers=list(PAGES),
            request_class=WebRequest,
            before_request=cast("Any", let_in),  # takes our class of request
            exception_handlers=FAILURES,
        ),
        Router(
            "/",
            route_handlers=[assets.send_asset],
            request_class=WebRequest,
            exception_handlers=FAILURES,
        ),
    )
