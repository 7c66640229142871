"""What the links API returns: one link, lists of links, and the results of bulk operations."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from shorty.api.link_bodies import spell_faults
from shorty.api.link_object import LinkObject, show_link
from shorty.api.requests import ApiRequest
from shorty.errors import InvalidFieldsError, ShortyError
from shorty.links.aliases import write_loss
from shorty.links.model import Link
from shorty.links.rule_warnings import list_warnings, list_warnings_of_links
from shorty.webcore.addresses import API
from shorty.webcore.answers import Answer, answer_json


class LinkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`warnings`, if there are any, name what of a change can have no effect on this server."""

    link: LinkObject
    warnings: list[str] | UnsetType = UNSET


class RestoredLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that is back; `warnings` name the aliases that it did not get back."""

    link: LinkObject
    warnings: list[str]


class LinkList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    links: list[LinkObject]
    next_cursor: str | None
    total: int
    total_is_capped: bool


class FailedNew(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why no link was created for the item at `index` of the request."""

    index: int
    error: str
    code: str
    fields: dict[str, str] | None = None


class FailedLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    error: str
    code: str
    fields: dict[str, str] | None = None


class CreatedLinks(msgspec.Struct, frozen=True, kw_only=True):
    created: int
    failed: list[FailedNew]
    links: list[LinkObject]
    warnings: list[str] | UnsetType = UNSET


class UpdatedLinks(msgspec.Struct, frozen=True, kw_only=True):
    updated: int
    failed: list[FailedLink]
    links: list[LinkObject]
    warnings: list[str] | UnsetType = UNSET


class DeletedLinks(msgspec.Struct, frozen=True, kw_only=True):
    deleted: int
    failed: list[FailedLink]


def answer_changed(request: ApiRequest, link: Link, status: int = 200) -> Answer:
    """As answer_link, with warnings."""
    if not link.rules:
        return answer_link(link, status)
    names_cities = request.services.links.names_cities(request.now)
    return answer_link(link, status, list_warnings(link.rules, names_cities=names_cities))


def warn_of(request: ApiRequest, links: Sequence[Link]) -> list[str] | UnsetType:
    names_cities = request.services.links.names_cities(request.now)
    return list_warnings_of_links(links, names_cities=names_cities) or UNSET


def answer_link(link: Link, status: int = 200, warnings: Sequence[str] = ()) -> Answer:
    """For a new link (status 201), the Location header is where to get it."""
    location = [(b"location", f"{API}/links/{link.id}".encode())] if status == 201 else []  # noqa: PLR2004 Created
    shown = list(warnings) or UNSET
    return answer_json(LinkAnswer(link=show_link(link), warnings=shown), status, location)


def answer_restored(link: Link) -> Answer:
    warnings = [write_loss(alias) for alias in link.lost_aliases]
    return answer_json(RestoredLink(link=show_link(link), warnings=warnings))


def show_created(
    outcomes: Sequence[Link | ShortyError], warnings: list[str] | UnsetType = UNSET
) -> CreatedLinks:
    links = [show_link(outcome) for outcome in outcomes if isinstance(outcome, Link)]
    failed = [
        show_failed_new(index, error)
        for index, error in enumerate(outcomes)
        if isinstance(error, ShortyError)
    ]
    return CreatedLinks(created=len(links), failed=failed, links=links, warnings=warnings)


def show_failed_new(index: int, error: ShortyError) -> FailedNew:
    error, fields = spell_error(error)
    return FailedNew(index=index, error=error.message, code=error.code, fields=fields)


def show_failed(link_id: int | str, error: ShortyError) -> FailedLink:
    error, fields = spell_error(error)
    return FailedLink(id=str(link_id), error=error.message, code=error.code, fields=fields)


def spell_error(error: ShortyError) -> tuple[ShortyError, dict[str, str] | None]:
    """The error with the field names that callers know, limited to these fields if it has any."""
    if not isinstance(error, InvalidFieldsError):
        return error, None
    spelled = error.rename(spell_faults)
    return spelled, spelled.fields
