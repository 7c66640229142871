"""Owns a link's aliases: how they are written, and which of them a changed link has.

Pure but for `find_domain`; whether an address is free is found out in the transaction.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias
from urllib.parse import unquote

from msgspec import UNSET

from shorty.addresses import fold_host
from shorty.links.checks import read_slug
from shorty.links.model import MOST_ALIASES, Address, Link, LinkChange, LinkDomain

LONGEST_TEXT: Final = 2048  # of an address as it may be written, percent signs included

FindDomain: TypeAlias = Callable[[str], LinkDomain | None]
"""The verified domain of that name which the workspace may use."""

# What no slug's first segment is: a port, brackets, or a name with a top-level domain.
_HOST: Final = re.compile(r".*(:|\[).*|.+\.(xn--[a-z0-9-]+|[^\W\d_]{2,})\.?", re.IGNORECASE)
NO_DOMAIN: Final = "is not on a verified domain of this workspace"
NO_ALIAS: Final = "is not an alias of this link"
TOO_MANY: Final = f"may contain at most {MOST_ALIASES} aliases"
NO_ROOM: Final = (
    f"are {MOST_ALIASES} already, so the previous short link cannot be kept as another: "
    "remove one, or do not keep the old slug"
)


def write_loss(alias: Address) -> str:
    """Of an alias that a restored link did not get back."""
    return f"The alias {alias.text} was not restored: its slug has been taken since."


def read_new_aliases(
    texts: Sequence[str], domain: LinkDomain | None, find_domain: FindDomain
) -> tuple[tuple[Address, ...], dict[str, str]]:
    """Those of a new link, and faults by path."""
    aliases, faults = _read_all("aliases", texts, domain, find_domain, ())
    aliases = tuple({alias.key: alias for alias in aliases}.values())
    if len(aliases) > MOST_ALIASES:
        faults["aliases"] = TOO_MANY
    return aliases, faults


def merge_aliases(
    change: LinkChange,
    before: Link,
    place: Address,
    find_domain: FindDomain,
    *,
    keeps_former: bool,
) -> tuple[tuple[Address, ...], dict[str, str]]:
    """The aliases after the change, each once and none of them at `place`, the link's address by
    then; and faults by path.

    `keeps_former`: the former address is to answer on, as far as the change does not list all. What
    the link has already is not judged again: its domain may have been removed since.
    """
    known = before.addresses
    domain = LinkDomain(id=place.domain_id, host=place.host, scheme=place.scheme)
    if change.aliases is not UNSET:
        wanted, faults = _read_all("aliases", change.aliases or (), domain, find_domain, known)
    else:
        wanted, faults = before.aliases, {}
    added, more = _read_all("add_aliases", change.add_aliases, domain, find_domain, known)
    removed, unknown = _read_removed(change.remove_aliases, domain, find_domain, before.aliases)
    kept = keeps_former and change.aliases is UNSET and place.key != before.address.key
    former = (before.address,) if kept else ()
    aliases = {alias.key: alias for alias in (*wanted, *added, *former)}
    for key in (place.key, *(alias.key for alias in removed)):
        aliases.pop(key, None)
    faults |= {**more, **unknown}
    if len(aliases) > MOST_ALIASES:
        is_full = former and len(aliases) == MOST_ALIASES + 1
        faults["aliases"] = NO_ROOM if is_full else TOO_MANY
    return tuple(aliases.values()), faults


def _read_all(
    name: str,
    texts: Sequence[str],
    domain: LinkDomain | None,
    find_domain: FindDomain,
    known: Sequence[Address],
) -> tuple[tuple[Address, ...], dict[str, str]]:
    found: list[Address] = []
    faults: dict[str, str] = {}
    if len(texts) > 2 * MOST_ALIASES:  # of which half may be the same
        return (), {name: TOO_MANY}
    for index, text in enumerate(texts):
        try:
            found.append(_read(text, domain, find_domain, known))
        except ValueError as error:
            faults[f"{name}[{index}]"] = str(error)
    return tuple(found), faults


def _read_removed(
    texts: Sequence[str],
    domain: LinkDomain | None,
    find_domain: FindDomain,
    aliases: Sequence[Address],
) -> tuple[tuple[Address, ...], dict[str, str]]:
    removed, faults = _read_all("remove_aliases", texts, domain, find_domain, aliases)
    keys = {alias.key for alias in aliases}
    if not faults and any(each.key not in keys for each in removed):
        index = next(index for index, each in enumerate(removed) if each.key not in keys)
        faults = {f"remove_aliases[{index}]": NO_ALIAS}
    return removed, faults


def _read(
    text: str, domain: LinkDomain | None, find_domain: FindDomain, known: Sequence[Address]
) -> Address:
    """Raises ValueError with the fault."""
    if len(text) > LONGEST_TEXT:
        raise ValueError("is too long for a short link")
    before, is_url, rest = text.strip().partition("://")
    whole = unquote(rest if is_url else before).rstrip("/")
    host, slash, slug = whole.partition("/")
    if not slash and is_url:
        raise ValueError("must be HOST/SLUG, or a slug of the link's own domain")
    found = find_domain(host) if slash else None
    if found is None and slash and (is_url or _HOST.fullmatch(host)):
        # It may be on a domain that was removed since.
        folded = fold_host(host) if len(host) <= LONGEST_TEXT else None
        found = next(
            (
                LinkDomain(id=each.domain_id, host=each.host, scheme=each.scheme)
                for each in known
                if folded is not None and each.host == folded
            ),
            None,
        )
        if found is None or not _is_known(found, slug, known):
            raise ValueError(NO_DOMAIN)
    if found is None:
        found, slug = domain, whole
    if found is None:
        raise ValueError(NO_DOMAIN)
    address = Address(domain_id=found.id, host=found.host, scheme=found.scheme, slug=slug)
    same = next((each for each in known if each.key == address.key), None)
    if same is not None:
        return same
    return Address(domain_id=found.id, host=found.host, scheme=found.scheme, slug=read_slug(slug))


def _is_known(domain: LinkDomain, slug: str, known: Sequence[Address]) -> bool:
    address = Address(domain_id=domain.id, host=domain.host, scheme=domain.scheme, slug=slug)
    return any(each.key == address.key for each in known)
