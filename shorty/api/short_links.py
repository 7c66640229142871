"""`/short-link` and `/shortlinks`: creates links through the short-link API.

A public link needs no token if the operator allows it; the body says whether a link is public.
"""

from typing import Final

from shorty.api.auth import authenticate
from shorty.api.idempotency import answer_once
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.api.short_link_answers import (
    CREATED,
    EXAMPLE,
    ShortLinkAnswer,
    show_short_link,
)
from shorty.api.short_link_bodies import (
    INPUT_EXAMPLE,
    ShortLinkInput,
    asks_for_public_link,
    read_new_link,
)
from shorty.errors import BusyError, QuotaExceededError, SlugTakenError, UnauthenticatedError
from shorty.limits import RateLimits, name_address, name_network
from shorty.links.model import Link
from shorty.links.public import create_public_link
from shorty.links.service import create_link
from shorty.webcore.answers import Answer, answer_json
from shorty.webcore.requests import read_body, tell_of_proxy

NETWORK_SHARE: Final = 10
"An IPv6 /48 or IPv4 /24 may create as many public links as this many IP addresses."

resource: Final = Resource("Short links")


async def authenticate_unless_public(request: ApiRequest) -> None:
    if not may_be_anonymous(request):
        await authenticate(request)


def may_be_anonymous(request: ApiRequest) -> bool:
    """A token that is sent must be valid; a public link then belongs to its owner."""
    is_offered = request.services.config.public_links.enabled
    is_create = request.route_handler.fn is create_short_link.fn
    return is_offered and is_create and request.find_header(b"authorization") is None


@resource.handle(
    "POST /short-link /shortlinks",
    "Create a short link",
    ShortLinkAnswer,
    description="`/short-link` and `/shortlinks` are the same.",
    other_names=("shortenLink",),
    body=ShortLinkInput,
    body_example=INPUT_EXAMPLE,
    takes_forms=True,
    answer_example=EXAMPLE,
    errors=(SlugTakenError, QuotaExceededError, BusyError),
)
async def create_short_link(request: ApiRequest) -> Answer:
    if may_be_anonymous(request):
        return show_created(await make_public_link(request))
    body = await read_body(request, takes_forms=True)
    change = read_new_link(body)
    return await answer_once(
        request,
        body,
        lambda remember: create_link(
            request.services.links, request.actor, change, request.now, remember
        ),
        show_created,
    )


async def make_public_link(request: ApiRequest) -> Link:
    """Raises UnauthenticatedError if the link needs an owner, and RateLimitedError.

    Every attempt counts, including one with an unreadable body.
    """
    tell_of_proxy(request)
    services, now = request.services, request.services.read_clock()
    await take_public_link(
        services.limits,
        request.client_address,
        services.config.public_links.per_hour_per_address,
        now,
    )
    body = await read_body(request, takes_forms=True)
    if not asks_for_public_link(body):
        raise UnauthenticatedError("Send your token in the header 'Authorization: Bearer TOKEN'.")
    return await create_public_link(services.links, read_new_link(body), now)


async def take_public_link(limits: RateLimits, client_address: str, limit: int, now: int) -> None:
    """Counts one link for its IP address and for the wider network around it.

    If either is over its limit, neither is charged. Raises RateLimitedError.
    """
    address, network = name_address(client_address), name_network(client_address)
    of_network = limits.public_link_networks
    (await of_network.look(network, NETWORK_SHARE * limit, now)).require(now)
    (await limits.public_links.take(address, limit, now)).require(now)
    taken = await of_network.take(network, NETWORK_SHARE * limit, now)
    if not taken.is_allowed:  # others were quicker since the look
        await limits.public_links.give_back(address, now)
    taken.require(now)


def show_created(link: Link) -> Answer:
    return answer_json(ShortLinkAnswer(message=CREATED, data=show_short_link(link)), 201)
