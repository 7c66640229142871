"""Adding, changing and removing domains, and making the operator's those of the configuration.

What changes something runs inside a write, after whose commit the directory is read again.
"""

from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Final, TypeAlias

import structlog
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.config import Config, ServedDomain
from shorty.domains import store
from shorty.domains.app_links import (
    AppLinks,
    find_app_links,
    read_app_links,
    read_app_links_files,
    store_app_links,
)
from shorty.domains.directory import DomainDirectory
from shorty.domains.model import (
    Domain,
    DomainChange,
    NewDomain,
    Source,
    find_claim_fault,
    is_root_of,
    normalise_host,
    parse_redirect,
)
from shorty.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidFieldsError,
    NotFoundError,
)
from shorty.log import log_committed
from shorty.plans import give_back_quota, take_quota
from shorty.storage.database import Database, Transaction

log = structlog.get_logger(__name__)

REDIRECTS: Final = ("root_redirect", "not_found_redirect", "expired_redirect")
# The configuration counts its domains from 0; those added by command stand behind all of them.
AFTER_CONFIGURED: Final = 1_000_000
FindFault: TypeAlias = Callable[[str], str | None]
"""Says why no link may lead to a URL; None where it may."""

CONFIGURED: Final[frozenset[Source]] = frozenset({"builtin", "config"})


async def list_domains(db: Database, workspace_id: int) -> list[Domain]:
    """What the workspace can see: the operator's domains, then its own, verified or not."""
    return await store.list_for_workspace(db, workspace_id)


async def list_all_domains(db: Database) -> list[Domain]:
    return await store.list_live(db)


async def get_domain(db: Database, workspace_id: int, domain_id: int) -> Domain:
    domain = await store.find_for_workspace(db, workspace_id, domain_id)
    if domain is None:
        raise NotFoundError("domain", domain_id)
    return domain


def allow_all(_url: str) -> None:
    """The operator may send expired links anywhere."""


def add_domain(
    tx: Transaction,
    actor: Actor,
    new: NewDomain,
    now: int,
    find_fault: FindFault = allow_all,
) -> Domain:
    """A workspace's own domain, which answers once it is verified.

    Any number of workspaces may claim a host that nobody has proved to be theirs, so that a false
    claim is in nobody's way. Raises InvalidFieldsError, AlreadyExistsError (also for a host that
    another workspace has verified), QuotaExceededError and ForbiddenError.
    """
    require_scope(actor, "admin")
    checked, app_links = _check_new(new, find_fault)
    fault = find_claim_fault(checked.host)
    if fault is not None:
        raise InvalidFieldsError({"host": fault})
    if store.find_answering(tx, checked.host) is not None:
        raise AlreadyExistsError("domain", checked.host)
    take_quota(tx, actor.workspace_id, actor.plan, "domains", 1, now)
    token = token_hex(16)
    domain = store.revive_claim(tx, actor.workspace_id, checked, token, now)
    domain = domain or store.insert_claim(tx, actor.workspace_id, checked, token, now)
    if domain is None:
        raise AlreadyExistsError("domain", checked.host)
    store_app_links(tx, domain.id, app_links)
    log_committed(tx, "domain_added", host=domain.host, workspace_id=domain.workspace_id)
    return domain


def change_domain(
    tx: Transaction,
    directory: DomainDirectory,
    actor: Actor,
    domain_id: int,
    change: DomainChange,
    find_fault: FindFault = allow_all,
) -> Domain:
    """Raises NotFoundError, ForbiddenError for the operator's domains, InvalidFieldsError."""
    changed = _change(tx, _get_own(tx, actor, domain_id), change, find_fault)
    directory.note_change(tx)
    return changed


def remove_domain(
    tx: Transaction, directory: DomainDirectory, actor: Actor, domain_id: int, now: int
) -> Domain:
    """Stops the domain; its links and numbers stay, and come back if it is added again.

    Raises NotFoundError and ForbiddenError.
    """
    domain = _get_own(tx, actor, domain_id)
    _remove(tx, domain, now)
    directory.note_change(tx)
    return domain


def add_operator_domain(
    tx: Transaction, new: NewDomain, now: int, find_fault: FindFault = allow_all
) -> Domain:
    """A domain that the operator vouches for. Raises InvalidFieldsError and AlreadyExistsError."""
    checked, app_links = _check_new(new, find_fault)
    if store.find_answering(tx, checked.host) is not None:
        raise AlreadyExistsError("domain", checked.host)
    domain = store.put_operator_domain(tx, checked, "cli", AFTER_CONFIGURED, now)
    store_app_links(tx, domain.id, app_links)
    log_committed(tx, "domain_added", host=domain.host, workspace_id=domain.workspace_id)
    return domain


def change_by_host(
    tx: Transaction, host: str, change: DomainChange, find_fault: FindFault = allow_all
) -> Domain:
    """Changes a domain that a command added.

    Raises NotFoundError, ConflictError for a domain of the configuration and for a workspace's,
    and InvalidFieldsError.
    """
    domain = _find_claims(tx, host)[0]
    if domain.source in CONFIGURED:
        raise ConflictError(
            f"The domain {domain.host} is set in the configuration; change it there."
        )
    if domain.workspace_id is not None:
        raise ConflictError(
            f"The domain {domain.host} belongs to a workspace, which can change it."
        )
    return _change(tx, domain, change, find_fault)


def remove_by_host(tx: Transaction, host: str, now: int) -> Domain:
    """The operator's word: removes the domain that answers, else the oldest claim on the host.

    Raises NotFoundError, and ConflictError for a domain of the configuration.
    """
    claims = _find_claims(tx, host)
    if claims[0].source in CONFIGURED:
        raise ConflictError(
            f"The domain {claims[0].host} is set in the configuration; remove it there."
        )
    _remove(tx, claims[0], now)
    return claims[0]


def _find_claims(tx: Transaction, host: str) -> list[Domain]:
    claims = store.find_claims(tx, normalise_host(host)) or store.find_claims(
        tx, normalise_host(host, "http")
    )
    if not claims:
        raise NotFoundError("domain", host)
    return claims


def sync_domains(tx: Transaction, config: Config, now: int) -> None:
    """Makes the operator's domains those that the configuration names; called at every start.

    Those no longer named stop answering but keep their links, and come back with them. The built-in
    domain is one row, whose host moves along with the address listened on. Raises StartError where
    a file that the configuration names cannot be served.
    """
    served = config.served_domains()
    kept = {_put_served(tx, own, position, now).id for position, own in enumerate(served)}
    for domain in store.list_configured(tx):
        if domain.id not in kept:
            store.mark_removed(tx, domain.id, now)
            log_committed(tx, "domain_removed", host=domain.host, workspace_id=domain.workspace_id)


def _put_served(tx: Transaction, own: ServedDomain, position: int, now: int) -> Domain:
    for claim in store.withdraw_proof(tx, own.host):
        log.warning("domain_taken_over", host=claim.host, workspace_id=claim.workspace_id)
    if own.follows_server:
        builtin = store.find_builtin(tx)
        if builtin is not None and not store.has_operator_row(tx, own.host):
            store.move_domain(tx, builtin.id, own.host)
    new = NewDomain(
        host=own.host,
        scheme="http" if own.scheme == "http" else "https",
        root_redirect=own.root_redirect,
        not_found_redirect=own.not_found_redirect,
        expired_redirect=own.expired_redirect,
    )
    source: Source = "builtin" if own.follows_server else "config"
    domain = store.put_operator_domain(tx, new, source, position, now)
    store_app_links(
        tx, domain.id, read_app_links_files(own.apple_app_site_association, own.asset_links)
    )
    return domain


def _get_own(tx: Transaction, actor: Actor, domain_id: int) -> Domain:
    require_scope(actor, "admin")
    domain = store.find_live(tx, domain_id)
    if domain is None or domain.workspace_id not in {None, actor.workspace_id}:
        raise NotFoundError("domain", domain_id)
    if domain.workspace_id is None:
        raise ForbiddenError(f"The domain {domain.host} belongs to the operator of this server.")
    return domain


def _change(
    tx: Transaction, domain: Domain, change: DomainChange, find_fault: FindFault = allow_all
) -> Domain:
    faults: dict[str, str] = {}
    asked = {field: _pick(getattr(change, field), getattr(domain, field)) for field in REDIRECTS}
    redirects = _read_redirects(asked, faults)
    if redirects["expired_redirect"] != domain.expired_redirect:
        _judge_expired(redirects, faults, find_fault)
    app_links = read_app_links(
        {
            "apple_app_site_association": change.apple_app_site_association,
            "asset_links": change.asset_links,
        },
        find_app_links(tx, domain.id),
        faults,
    )
    _require_sound_redirects(domain.host, redirects, faults)
    changed = replace(domain, **redirects)
    store.update_redirects(tx, changed)
    store_app_links(tx, domain.id, app_links)
    log_committed(tx, "domain_changed", host=domain.host, workspace_id=domain.workspace_id)
    return changed


def _remove(tx: Transaction, domain: Domain, now: int) -> None:
    store.mark_removed(tx, domain.id, now)
    if domain.workspace_id is not None:
        give_back_quota(tx, domain.workspace_id, "domains", 1)
    log_committed(tx, "domain_removed", host=domain.host, workspace_id=domain.workspace_id)


def _check_new(new: NewDomain, find_fault: FindFault = allow_all) -> tuple[NewDomain, AppLinks]:
    """In its one spelling, or InvalidFieldsError with everything that is wrong."""
    faults: dict[str, str] = {}
    redirects = _read_redirects({field: getattr(new, field) for field in REDIRECTS}, faults)
    _judge_expired(redirects, faults, find_fault)
    app_links = read_app_links(
        {
            "apple_app_site_association": new.apple_app_site_association,
            "asset_links": new.asset_links,
        },
        AppLinks(),
        faults,
    )
    try:
        host = normalise_host(new.host, new.scheme)
    except InvalidFieldsError as error:
        raise InvalidFieldsError(error.fields | faults) from None
    _require_sound_redirects(host, redirects, faults)
    return replace(new, host=host, **redirects), app_links


def _read_redirects(given: Mapping[str, str], faults: dict[str, str]) -> dict[str, str]:
    read: dict[str, str] = {}
    for field, url in given.items():
        try:
            read[field] = parse_redirect(url)
        except ValueError as error:
            faults[field] = str(error)
            read[field] = ""
    return read


def _judge_expired(
    redirects: Mapping[str, str], faults: dict[str, str], find_fault: FindFault
) -> None:
    """Expired links are redirected there as to any destination."""
    url = redirects["expired_redirect"]
    if url and (fault := find_fault(url)) is not None:
        faults["expired_redirect"] = fault


def _require_sound_redirects(
    host: str, redirects: Mapping[str, str], faults: dict[str, str]
) -> None:
    if is_root_of(host, redirects["root_redirect"]):
        faults["root_redirect"] = "redirects back to itself"
    if faults:
        raise InvalidFieldsError(faults)


def _pick(given: str | None | UnsetType, present: str) -> str:
    return present if given is UNSET else given or ""
