"""Reads tables of links, and writes ours.

Ours has the columns of `lines.COLUMNS`. Of other products' tables, any is read that has a column
of destinations under a usual name.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from operator import attrgetter
from typing import Any, Final, TypeAlias, get_args, get_type_hints
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange, LinkFields, LinkType
from shorty.transfer.files import Fault, InvalidFileError, OpenFile
from shorty.transfer.lines import COLUMNS, LinkLine
from shorty.transfer.model import ExportedLink, ImportedLink, Item, Remark
from shorty.transfer.remarks import Notes
from shorty.transfer.states import (
    END_FIELDS,
    KNOWN_FIELDS,
    LIMIT_FIELDS,
    NO,
    START_FIELDS,
    YES,
)
from shorty.transfer.tables import Cell, Row, Table, fold_column, parse_cell, write_cell
from shorty.transfer.terms import make_item, read_terms
from shorty.transfer.times import parse_time, write_time
from shorty.webhooks.model import HIDDEN, hide_path

# What other products call a column, folded, the surest first.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    # `url` is last: some call the short one so.
    "destination": (
        *("destination", "destinationurl", "longurl", "originalurl", "targeturl", "target"),
        *("redirecturl", "fullurl", "longlink", "originallink", "linkurl", "url"),
    ),
    "slug": (
        *("slug", "shortcode", "keyword", "customslug", "backhalf", "custombackhalf", "address"),
        *("slashtag", "alias", "customalias", "path", "key", "code", "shorturlcode"),
    ),
    "short url": ("shorturl", "shortlink", "bitlink", "shortenedurl", "link"),
    "domain": ("domain", "brandeddomain", "host", "hostname", "customdomain", "domainname"),
    "title": ("title", "name", "label", "titlelabel"),
    # Notes are for the link's owner; a description is shown in previews.
    "description": ("description",),
    "tags": ("tags", "tag", "labels"),
    "created": (
        *("createdat", "created", "createddate", "datecreated", "creationdate", "timestamp"),
    ),
    "updated": ("updatedat", "updated", "modifiedat", "lastmodified"),
    "starts": START_FIELDS,
    "expires": END_FIELDS,
    "clicks": (
        *("clickcount", "clicks", "visits", "visitcount", "totalclicks", "hits", "engagements"),
        *("totalengagements", "clicksalltime", "count"),
    ),
    "scans": ("scans", "qrscans"),
    "bio clicks": ("bioclicks",),
    "max clicks": LIMIT_FIELDS,
    "status": ("redirect", "redirecttype", "status", "statuscode", "httpstatus"),
    "ignored": ("id", "ip"),
}
KNOWN: Final = {*chain(*NAMES.values()), *map(fold_column, COLUMNS), *KNOWN_FIELDS}
# Only our own table has these: its tags are separated by nothing but commas.
OWN: Final = {"forwardparameters", "metapixelid", "bioclicks"}
STATUSES: Final = {
    **{str(status): status for status in (301, 302, 307, 308)},
    **{f"permanent{status}": status for status in (301, 308)},
    **{f"temporary{status}": status for status in (302, 307)},
}
MOST_DIGITS: Final = 12
# By a port or an ending that a domain can have: no top-level domain has digits.
_HOST: Final = re.compile(
    r"[^/]*:[0-9]+|.*\.(?:[^\W\d_]{2,}|xn--[\w-]+)\.?|[0-9]+(?:\.[0-9]+){3}|\[[0-9a-f:]+\]",
    re.IGNORECASE,
)
LONGEST_SHORT_URL: Final = 2000


def read_csv(file: OpenFile) -> Iterator[Item]:
    """Raises InvalidFileError if it is no table, or one without destinations."""
    table = Table(file)
    require_destinations(table)
    yield from remark_unknown(table)
    build = build_own_link if set(table.columns) >= OWN else build_link
    for row in table.read_rows():
        yield build_item(row, build)


def require_destinations(table: Table) -> None:
    if not set(table.columns) & set(NAMES["destination"]):
        found = ", ".join(filter(None, table.headings))[:200]
        raise InvalidFileError(
            "The file has no column of destinations, such as url, long_url or destination. Its "
            f"columns are: {found}."
        )


def remark_unknown(table: Table) -> Iterator[Remark]:
    names = zip(table.columns, table.headings, strict=True)
    unknown = [heading for column, heading in names if column not in KNOWN and heading]
    if unknown:
        listed = ", ".join(unknown)[:500]
        yield Remark(place="line 1", message=f"Unknown columns: {listed}.")


def build_item(row: Row | Fault, build: Callable[[Row], ImportedLink]) -> ImportedLink | Fault:
    if isinstance(row, Fault):
        return row
    try:
        return build(row)
    except ValueError as error:
        subject = find(row, "slug") or find(row, "short url") or find(row, "destination")
        return Fault(place=row.place, subject=subject[:200], message=str(error))


def find(row: Row, name: str) -> str:
    """The cell of the first of these columns that is not empty."""
    return row.find(*NAMES[name])


def build_own_link(row: Row) -> ImportedLink:
    """Being inactive is a state of our own, and needs no remark."""
    is_active = parse_flag(row.find("isactive"), default=True)
    open_row = Row(
        row.place, {name: text for name, text in row.cells.items() if name != "isactive"}
    )
    link = build_link(open_row, separators=",")
    return replace(link, change=replace(link.change, is_active=is_active))


def build_link(row: Row, separators: str = ",|;") -> ImportedLink:
    """Raises ValueError."""
    slug, domain = find_slug_and_domain(row)
    notes = Notes()
    terms = read_terms(row.cells, notes)
    change = LinkChange(
        url=parse_cell(find(row, "destination")),
        domain=domain,
        slug=slug,
        title=parse_cell(find(row, "title")) or None,
        description=parse_cell(find(row, "description")) or None,
        status=parse_status(find(row, "status")),
        expires_at=notes.read_or_close("end", "end", lambda: parse_time(find(row, "expires"))),
        tag_names=parse_tags(parse_cell(find(row, "tags")), separators),
        made_through="import",
        **parse_own_fields(row),
    )
    past = Past(
        created_at=parse_time(find(row, "created")),
        updated_at=parse_time(find(row, "updated")),
        counts=build_counts(row),
    )
    return make_item(row.place, change, past, terms, notes)


def build_counts(row: Row) -> Counts | None:
    total, scans, bio_clicks = (
        parse_number(find(row, name), name) or 0 for name in ("clicks", "scans", "bio clicks")
    )
    # Tables give the sum, and perhaps the part of it that came another way.
    clicks = max(0, total - scans - bio_clicks)
    counts = Counts(clicks=clicks, scans=scans, bio_clicks=bio_clicks)
    return None if counts == Counts() else counts


def find_slug_and_domain(row: Row) -> tuple[str | None, str]:
    """The slug, if there is one, and the domain, empty where the table does not say."""
    short_url = parse_cell(find(row, "short url"))
    host, slug_of_url = split_short_url(short_url) if "/" in short_url else ("", "")
    slug = parse_cell(find(row, "slug")).strip("/") or slug_of_url
    if _has_host(slug):
        host, slug = split_short_url(slug)
    return slug or None, parse_cell(find(row, "domain")) or host


def _has_host(slug: str) -> bool:
    """Whether it is like `go.example/sale`; `two/parts` and `v1.2/notes` are slugs."""
    if slug.startswith(("http://", "https://")):
        return True
    host, _, path = slug.partition("/")
    return bool(_HOST.fullmatch(host)) and path[:1] not in {"", "/"}


def split_short_url(short_url: str) -> tuple[str, str]:
    """The host and the slug of `https://go.example/sale` or `go.example/sale`.

    Raises ValueError, also if it is too long: a host of combining marks takes time quadratic in its
    length.
    """
    if len(short_url) > LONGEST_SHORT_URL:
        raise ValueError(f"a short link has at most {LONGEST_SHORT_URL:,} characters")
    parts = urlsplit(short_url if "://" in short_url else f"https://{short_url}")
    return parts.netloc.rpartition("@")[2], unquote(parts.path.strip("/"))


def parse_tags(text: str, separators: str = ",|;") -> tuple[str, ...]:
    """Names between the first of these signs that occurs."""
    separator = next((sign for sign in separators if sign in text), ",")
    return tuple(dict.fromkeys(filter(None, map(str.strip, text.split(separator)))))


def parse_webhooks(text: str) -> tuple[str, ...]:
    """Without those that were hidden from the person who exported the table."""
    return tuple(url for url in parse_cell(text).split() if not url.endswith(HIDDEN))


def parse_number(text: str, what: str) -> int | None:
    """A whole number, with any separator of thousands; None for 0 and an empty text.

    Raises ValueError.
    """
    digits = text.replace(",", "").replace(" ", "").replace("\u202f", "").removesuffix(".0")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS):
        raise ValueError(f"{what}: {text[:40]!r} is not a whole number")
    return int(digits) or None


def parse_flag(text: str, *, default: bool = False) -> bool:
    if text.lower() in YES:
        return True
    return False if text.lower() in NO else default


def parse_status(text: str) -> int:
    """302 for what is not the status of a redirect, such as "active"."""
    return STATUSES.get(text.replace("_", "").lower(), 302)


def parse_link_type(text: str) -> Any:
    return text.upper() if text.upper() in get_args(LinkType) else "URL"


# The other columns of our own table hold a link's fields of the same name, by their types.
_PARSERS: Final[Mapping[Any, Callable[[str], Any]]] = {
    bool: parse_flag,
    str | None: parse_cell,
    LinkType: parse_link_type,
    tuple[str, ...]: parse_webhooks,
}
_FIELDS: Final = dict(
    zip(LinkLine.__struct_encode_fields__, LinkLine.__struct_fields__, strict=True)
)
_TYPES: Final = get_type_hints(LinkFields)
_OWN_FIELDS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    fold_column(column): (_FIELDS[column], _PARSERS[_TYPES[_FIELDS[column]]])
    for column in COLUMNS
    if fold_column(column) not in {*chain(*NAMES.values()), *KNOWN_FIELDS}
}


def parse_own_fields(row: Row) -> dict[str, Any]:
    return {
        name: parse(text)
        for column, (name, parse) in _OWN_FIELDS.items()
        if (text := row.cells.get(column))
    }


def write_link(link: ExportedLink, tags: tuple[str, ...], *, hides_webhooks: bool) -> Iterable[str]:
    """`hides_webhooks` leaves the hosts of webhook URLs."""
    if hides_webhooks and link.webhook_urls:
        link = replace(link, webhook_urls=tuple(map(hide_path, link.webhook_urls)))
    return [*[write_cell(read(link)) for read in _READERS], write_cell(", ".join(tags))]


ReadCell: TypeAlias = Callable[[ExportedLink], Cell]

# What a table has under another name or in another form than a link.
_OTHERS: Final[Mapping[str, ReadCell]] = {
    "url": attrgetter("original_url"),
    "domain": attrgetter("host"),
    "redirect": attrgetter("status"),
    "hasPassword": lambda link: link.password_hash is not None and link.is_password_asked,
    "validSince": lambda link: write_time(link.valid_since),
    "expiresAt": lambda link: write_time(link.expires_at),
    "webhookUrls": lambda link: " ".join(link.webhook_urls),
    "clickCount": lambda link: link.clicks + link.scans + link.bio_clicks,
    "scans": attrgetter("scans"),
    "bioClicks": attrgetter("bio_clicks"),
    "createdAt": lambda link: write_time(link.created_at),
    "updatedAt": lambda link: write_time(link.updated_at),
}
_READERS: Final[tuple[ReadCell, ...]] = tuple(
    _OTHERS.get(column) or attrgetter(_FIELDS[column]) for column in COLUMNS if column != "tags"
)
