"""`/domains`: the operator's domains, which serve every workspace, and the workspace's own."""

from functools import partial
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from shorty.api.idempotency import create_once
from shorty.api.listing import ListQuery, cut_page
from shorty.api.objects import Input, derive_changes, show
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.domains import DomainChange, NewDomain, service
from shorty.domains.app_links import FIELDS, AppLinks, find_app_links
from shorty.domains.model import Domain, Scheme
from shorty.domains.verification import DnsRecord, Verification, list_needed_records
from shorty.errors import AlreadyExistsError, InvalidFieldsError, QuotaExceededError
from shorty.links.context import find_web_fault
from shorty.storage.database import Transaction
from shorty.webcore.answers import Answer, answer_json, answer_nothing
from shorty.webcore.fields import convert_given
from shorty.webcore.requests import read_body

resource: Final = Resource("Domains", writes="admin")
TXT_EXAMPLE: Final = {
    "type": "TXT",
    "name": "_shorty-verification.go.example.com",
    "value": "0b5f4c0f7a1d4f0f9c2b6f1f3f8f6f51",
}
CNAME_EXAMPLE: Final = {"type": "CNAME", "name": "go.example.com", "value": "links.example.net"}
APPLE_EXAMPLE: Final = {
    "applinks": {
        "details": [{"appIDs": ["ABCDE12345.com.example.app"], "components": [{"/": "*"}]}]
    }
}
ANDROID_EXAMPLE: Final = [
    {
        "relation": ["delegate_permission/common.handle_all_urls"],
        "target": {
            "namespace": "android_app",
            "package_name": "com.example.app",
            "sha256_cert_fingerprints": ["14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64"],
        },
    }
]
AppleFile = Annotated[
    dict[str, Any],
    Meta(
        description="The file served at `/.well-known/apple-app-site-association`, by which "
        "Apple's systems know which apps open the domain's links. At most 128 kB of JSON."
    ),
]
AndroidFile = Annotated[
    list[dict[str, Any]],
    Meta(
        description="The file served at `/.well-known/assetlinks.json`, by which Android knows "
        "which apps open the domain's links. At most 128 kB of JSON."
    ),
]
Redirect = Annotated[str, Meta(description="An http(s) URL; empty to remove it.")]


class DomainInput(Input, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="The host name only, such as go.example.com.")]
    scheme: Scheme = "https"
    root_redirect: Annotated[Redirect, Meta(description="Where `/` redirects.")] = ""
    not_found_redirect: Annotated[Redirect, Meta(description="Where unknown slugs redirect.")] = ""
    expired_redirect: Annotated[
        Redirect,
        Meta(
            description="Where links redirect that have expired or reached their maximum visits, "
            "unless they have an `expiredUrl`."
        ),
    ] = ""
    apple_app_site_association: AppleFile | None = None
    asset_links: AndroidFile | None = None


DomainChanges: Final = derive_changes(
    DomainInput,
    host=None,
    scheme=None,
    root_redirect=Redirect | None,
    not_found_redirect=Redirect | None,
    expired_redirect=Redirect | None,
)


class DomainObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`dnsRecords` are what the owner of an unverified domain has to create."""

    id: str
    host: str
    scheme: Scheme
    is_operators: bool
    is_verified: bool
    verified_at: str | None
    root_redirect: str
    not_found_redirect: str
    expired_redirect: str
    apple_app_site_association: AppleFile | None
    asset_links: AndroidFile | None
    dns_records: list[DnsRecord]
    created_at: str

    example: ClassVar[dict[str, Any]] = {
        "id": "3",
        "host": "go.example.com",
        "scheme": "https",
        "isOperators": False,
        "isVerified": False,
        "verifiedAt": None,
        "rootRedirect": "https://example.com/",
        "notFoundRedirect": "",
        "expiredRedirect": "",
        "appleAppSiteAssociation": APPLE_EXAMPLE,
        "assetLinks": ANDROID_EXAMPLE,
        "dnsRecords": [TXT_EXAMPLE, CNAME_EXAMPLE],
        "createdAt": "2026-11-22T12:00:00.000Z",
    }


VERIFIED_EXAMPLE: Final[dict[str, Any]] = DomainObject.example | {
    "isVerified": True,
    "verifiedAt": "2026-11-22T12:05:00.000Z",
    "dnsRecords": [],
}


class DomainAnswer(msgspec.Struct, frozen=True, kw_only=True):
    domain: DomainObject


class DomainList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    domains: list[DomainObject]
    next_cursor: str | None


class CheckObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the two checks; any of the records listed is enough."""

    name: str
    is_passed: bool
    message: str
    looked_for: list[DnsRecord]
    found: list[str]


class VerificationAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    is_verified: bool
    checks: list[CheckObject]
    domain: DomainObject

    example: ClassVar[dict[str, Any]] = {
        "isVerified": True,
        "checks": [
            {
                "name": "ownership",
                "isPassed": True,
                "message": "The TXT record at _shorty-verification.go.example.com was found.",
                "lookedFor": [TXT_EXAMPLE],
                "found": ["0b5f4c0f7a1d4f0f9c2b6f1f3f8f6f51"],
            },
            {
                "name": "address",
                "isPassed": True,
                "message": "go.example.com points to this server: "
                "it is an alias of links.example.net.",
                "lookedFor": [CNAME_EXAMPLE],
                "found": ["links.example.net.", "203.0.113.7"],
            },
        ],
        "domain": VERIFIED_EXAMPLE,
    }


async def show_domain(request: ApiRequest, domain: Domain) -> DomainObject:
    app_links = await request.services.db.read(lambda rows: find_app_links(rows, domain.id))
    return build_domain(request, domain, app_links)


def build_domain(request: ApiRequest, domain: Domain, app_links: AppLinks) -> DomainObject:
    needed = () if domain.is_verified else list_needed_records(domain, request.services.domains)
    return show(
        DomainObject,
        domain,
        is_operators=domain.workspace_id is None,
        apple_app_site_association=_show_json(app_links.apple_app_site_association),
        asset_links=_show_json(app_links.asset_links),
        dns_records=list(needed),
    )


def _show_json(text: str) -> msgspec.Raw | None:
    """As it is served, however deep it is nested."""
    return msgspec.Raw(text.encode()) if text else None


def read_app_links(given: dict[str, Any]) -> dict[str, Any]:
    """The fields that were given, with the JSON of two of them as text."""
    faults: dict[str, str] = {}
    written: dict[str, str] = {}
    for field in FIELDS:
        if (value := given.get(field)) is None:
            continue
        try:
            written[field] = msgspec.json.encode(value).decode()
        except RecursionError:
            faults[field] = "is nested too deeply"
    if faults:
        raise InvalidFieldsError(faults)
    return given | written


async def show_verification(request: ApiRequest, verification: Verification) -> VerificationAnswer:
    return VerificationAnswer(
        is_verified=verification.domain.is_verified,
        checks=[show(CheckObject, check) for check in verification.checks],
        domain=await show_domain(request, verification.domain),
    )


@resource.handle(
    "GET /domains",
    "List domains",
    DomainList,
    description="The operator's domains, which serve every workspace, and your own; by id.",
    query=ListQuery,
)
async def list_domains(request: ApiRequest) -> Answer:
    query = request.read_filters(ListQuery)
    everything = await service.list_domains(request.services.db, request.actor.workspace_id)
    by_id = sorted(everything, key=lambda domain: domain.id)
    page, cursor = cut_page([domain for domain in by_id if domain.id > query.after], query.limit)
    domains = [await show_domain(request, domain) for domain in page]
    return answer_json(DomainList(domains=domains, next_cursor=cursor))


@resource.handle(
    "POST /domains",
    "Add a domain",
    DomainAnswer,
    description="The domain works once it is verified: create the records in `dnsRecords`, then "
    "call `/domains/{id}/verify`.",
    body=DomainInput,
    body_example={"host": "go.example.com", "rootRedirect": "https://example.com/"},
    errors=(AlreadyExistsError, QuotaExceededError),
)
async def add_domain(request: ApiRequest) -> Answer:
    body = await read_body(request)
    find_fault = partial(find_web_fault, request.services.links, request.now)
    new = NewDomain(**read_app_links(convert_given(body.fields, DomainInput)))
    app_links = AppLinks()

    def add(tx: Transaction) -> Domain:
        nonlocal app_links
        domain = service.add_domain(tx, request.actor, new, request.now, find_fault)
        app_links = find_app_links(tx, domain.id)
        return domain

    return await create_once(
        request,
        body,
        "/domains",
        add,
        lambda domain: DomainAnswer(domain=build_domain(request, domain, app_links)),
    )


@resource.handle("GET /domains/{domain_id}", "Get a domain", DomainAnswer)
async def get_domain(request: ApiRequest) -> Answer:
    domain_id = request.read_id("domain_id", "domain")
    domain = await service.get_domain(request.services.db, request.actor.workspace_id, domain_id)
    return answer_json(DomainAnswer(domain=await show_domain(request, domain)))


@resource.handle(
    "PATCH /domains/{domain_id}",
    "Update where a domain redirects, and which apps open its links",
    DomainAnswer,
    body=DomainChanges,
    body_example={"notFoundRedirect": "https://example.com/lost"},
    answer_example={"domain": VERIFIED_EXAMPLE | {"notFoundRedirect": "https://example.com/lost"}},
)
async def change_domain(request: ApiRequest) -> Answer:
    domain_id = request.read_id("domain_id", "domain")
    directory = request.services.domains
    find_fault = partial(find_web_fault, request.services.links, request.now)
    change = DomainChange(**read_app_links(await request.read_given(DomainChanges)))
    domain = await request.write(
        lambda tx: service.change_domain(
            tx, directory, request.actor, domain_id, change, find_fault
        )
    )
    return answer_json(DomainAnswer(domain=await show_domain(request, domain)))


@resource.handle(
    "DELETE /domains/{domain_id}",
    "Remove a domain",
    description="The domain stops working immediately. Its links are kept and work again if you "
    "add the domain again.",
)
async def remove_domain(request: ApiRequest) -> Answer:
    domain_id = request.read_id("domain_id", "domain")
    directory, actor, now = request.services.domains, request.actor, request.now
    await request.write(lambda tx: service.remove_domain(tx, directory, actor, domain_id, now))
    return answer_nothing()


@resource.handle(
    "POST /domains/{domain_id}/verify",
    "Verify a domain",
    VerificationAnswer,
    status=200,
    description="Checks in the DNS that you own the domain and that it points to this server. "
    "The response says for each check what was expected and what was found. The domain works "
    "once both checks have passed.",
    errors=(AlreadyExistsError,),
)
async def verify_domain(request: ApiRequest) -> Answer:
    domain_id = request.read_id("domain_id", "domain")
    verification = await request.services.verifier.verify(request.actor, domain_id, request.now)
    return answer_json(await show_verification(request, verification))
