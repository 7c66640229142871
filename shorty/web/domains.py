"""`/app/domains`: the operator's domains and the workspace's own, and their verification."""

from functools import partial
from typing import Final, cast

import msgspec
from msgspec import UNSET

from shorty.bidi import isolate
from shorty.domains import DomainChange, NewDomain, service
from shorty.domains.app_links import FIELDS, AppLinks, find_app_links
from shorty.domains.model import Domain, Scheme
from shorty.domains.verification import Verification, list_needed_records
from shorty.errors import AlreadyExistsError, InvalidFieldsError, QuotaExceededError, ShortyError
from shorty.idn import write_host
from shorty.links.context import find_web_fault
from shorty.web.forms import read_faults
from shorty.web.guard import Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

PLACE: Final = "/app/domains"


@pages.handle("GET /domains")
async def list_domains(request: WebRequest) -> Answer:
    return await show_domains(request)


@pages.handle("POST /domains", needs="admin")
async def add_domain(request: WebRequest) -> Answer:
    typed = request.typed
    new = NewDomain(
        host=typed.read("host"),
        scheme=read_scheme(typed.read("scheme")),
        root_redirect=typed.read("root_redirect"),
        not_found_redirect=typed.read("not_found_redirect"),
        expired_redirect=typed.read("expired_redirect"),
    )
    find_fault = partial(find_web_fault, request.services.links, request.now)
    try:
        domain = await request.services.db.write(
            lambda tx: service.add_domain(tx, request.actor, new, request.now, find_fault)
        )
    except (InvalidFieldsError, AlreadyExistsError, QuotaExceededError) as error:
        return await show_domains(request, error)
    return see_other(
        request,
        f"{PLACE}/{domain.id}",
        f"{name_domain(domain)} added. Create the DNS records below to verify it.",
    )


@pages.handle("GET /domains/{domain_id}")
async def open_domain(request: WebRequest) -> Answer:
    return await show_domain(request, await get_domain(request))


@pages.handle("POST /domains/{domain_id}", needs="admin")
async def change_domain(request: WebRequest) -> Answer:
    domain, typed = await get_domain(request), request.typed
    change = DomainChange(
        root_redirect=typed.read("root_redirect"),
        not_found_redirect=typed.read("not_found_redirect"),
        expired_redirect=typed.read("expired_redirect") if "expired_redirect" in typed else UNSET,
        **{field: typed.read(field) for field in FIELDS if field in typed},
    )
    directory = request.services.domains
    find_fault = partial(find_web_fault, request.services.links, request.now)
    try:
        await request.services.db.write(
            lambda tx: service.change_domain(
                tx, directory, request.actor, domain.id, change, find_fault
            )
        )
    except InvalidFieldsError as error:
        return await show_domain(request, domain, faults=error.fields)
    return see_other(request, f"{PLACE}/{domain.id}", "Changes saved.")


@pages.handle("POST /domains/{domain_id}/check", needs="admin")
async def check_domain(request: WebRequest) -> Answer:
    """Shows the result at once, since it may change at any time."""
    domain = await get_domain(request)
    try:
        verification = await request.services.verifier.verify(request.actor, domain.id, request.now)
    except AlreadyExistsError:
        return await show_domain(
            request, domain, message="Another workspace has already verified this domain."
        )
    if verification.domain.is_verified and not domain.is_verified:
        return see_other(
            request, f"{PLACE}/{domain.id}", f"{name_domain(domain)} is verified and working."
        )
    return await show_domain(request, verification.domain, verification)


@pages.handle("POST /domains/{domain_id}/remove", needs="admin")
async def remove_domain(request: WebRequest) -> Answer:
    domain_id = request.read_id("domain_id", "domain")
    directory = request.services.domains
    domain = await request.services.db.write(
        lambda tx: service.remove_domain(tx, directory, request.actor, domain_id, request.now)
    )
    return see_other(
        request, PLACE, f"{name_domain(domain)} removed. Its links come back if you add it again."
    )


async def get_domain(request: WebRequest) -> Domain:
    domain_id = request.read_id("domain_id", "domain")
    return await service.get_domain(request.services.db, request.actor.workspace_id, domain_id)


def name_domain(domain: Domain) -> str:
    return isolate(write_host(domain.host))


def lay_out(app_links: AppLinks) -> dict[str, str]:
    """In lines, as people write them; an empty text stays one."""
    texts = ((field, getattr(app_links, field)) for field in FIELDS)
    return {field: text and msgspec.json.format(text) for field, text in texts}


def read_scheme(text: str) -> Scheme:
    return cast("Scheme", text) if text in {"http", "https"} else "https"


async def show_domains(request: WebRequest, error: ShortyError | None = None) -> Answer:
    found = await service.list_domains(request.services.db, request.actor.workspace_id)
    return render(
        request,
        "domains.html",
        status=200 if error is None else 422,
        domains=found,
        faults={} if error is None else read_faults(error, "host"),
        form=request.typed,
    )


async def show_domain(
    request: WebRequest,
    domain: Domain,
    verification: Verification | None = None,
    *,
    faults: dict[str, str] | None = None,
    message: str = "",
) -> Answer:
    return render(
        request,
        "domain.html",
        status=422 if faults else 409 if message else 200,
        domain=domain,
        app_links=lay_out(
            await request.services.db.read(lambda rows: find_app_links(rows, domain.id))
        ),
        records=list_needed_records(domain, request.services.domains),
        checks=verification.checks if verification else (),
        leads_to_dashboard=request.services.config.dashboard.at_root
        and domain == request.services.domains.default,
        faults=faults or {},
        message=message,
        form=request.typed,
    )
