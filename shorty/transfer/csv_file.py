"""Reads tables of links: our own, and any that has a column of destinations under a usual name."""

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange
from shorty.transfer.files import Fault, InvalidFileError, OpenFile
from shorty.transfer.model import ImportedLink, Item, Remark
from shorty.transfer.tables import Row, Table, parse_cell
from shorty.transfer.times import parse_time
from shorty.webhooks.model import HIDDEN

# Folded names, the surest first. `url` is last: some call the short one so.
DESTINATION: Final = (
    *("destination", "destinationurl", "longurl", "originalurl", "targeturl", "target"),
    *("redirecturl", "fullurl", "longlink", "originallink", "linkurl", "url"),
)
SLUG: Final = (
    *("slug", "shortcode", "keyword", "customslug", "backhalf", "custombackhalf", "address"),
    *("slashtag", "alias", "customalias", "path", "key", "code", "shorturlcode"),
)
SHORT_URL: Final = ("shorturl", "shortlink", "bitlink", "shortenedurl", "link")
DOMAIN: Final = ("domain", "brandeddomain", "host", "hostname", "customdomain", "domainname")
TITLE: Final = ("title", "name", "label", "titlelabel")
# Notes are for whoever made the link; a description is shown in previews.
DESCRIPTION: Final = ("description",)
TAGS: Final = ("tags", "tag", "labels")
CREATED: Final = ("createdat", "created", "createddate", "datecreated", "creationdate", "timestamp")
UPDATED: Final = ("updatedat", "updated", "modifiedat", "lastmodified")
EXPIRES: Final = ("expiresat", "expires", "expirationdate", "expirydate", "expirein", "validuntil")
CLICKS: Final = (
    *("clickcount", "clicks", "visits", "visitcount", "totalclicks", "hits", "engagements"),
    *("totalengagements", "clicksalltime", "count"),
)
SCANS: Final = ("scans", "qrscans")
BIO_CLICKS: Final = ("bioclicks",)
MAX_CLICKS: Final = ("maxclicks", "clicklimit", "maxvisits")
STATUS: Final = ("redirect", "redirecttype", "status", "statuscode", "httpstatus")
ACTIVE: Final = ("isactive", "active", "enabled")
PASSWORD: Final = ("password", "haspassword")
# Of our own table, or without anything to be made of it.
FLAGS: Final = {
    "cloaked": "cloaked",
    "forwardparameters": "forward_parameters",
    "blockbots": "block_bots",
    "isstarred": "is_starred",
}
TEXTS: Final = {
    "image": "image",
    "utmsource": "utm_source",
    "utmmedium": "utm_medium",
    "utmcampaign": "utm_campaign",
    "utmterm": "utm_term",
    "utmcontent": "utm_content",
    "utmid": "utm_id",
    "metapixelid": "meta_pixel_id",
    "googletagid": "google_tag_id",
}
# Only our own table has these: there, nothing but commas stands between tags.
OWN: Final = {"forwardparameters", "metapixelid", "bioclicks"}
OTHERS: Final = ("linktype", "webhookurls", "id", "ip")
KNOWN: Final = {
    *DESTINATION,
    *SLUG,
    *SHORT_URL,
    *DOMAIN,
    *TITLE,
    *DESCRIPTION,
    *TAGS,
    *CREATED,
    *UPDATED,
    *EXPIRES,
    *CLICKS,
    *SCANS,
    *BIO_CLICKS,
    *MAX_CLICKS,
    *STATUS,
    *ACTIVE,
    *PASSWORD,
    *FLAGS,
    *TEXTS,
    *OTHERS,
}
STATUSES: Final = {
    "301": 301,
    "302": 302,
    "307": 307,
    "308": 308,
    "permanent301": 301,
    "temporary302": 302,
    "temporary307": 307,
    "permanent308": 308,
}
YES: Final = frozenset({"true", "yes", "1", "y", "on", "t", "active", "enabled"})
NO: Final = frozenset({"false", "no", "0", "n", "off", "f", "inactive", "disabled", "archived"})
MOST_DIGITS: Final = 12
LONGEST_SHORT_URL: Final = 2000
LINK_TYPES: Final = ("URL", "MAILTO", "TEL", "SMS")


def read_csv(file: OpenFile) -> Iterator[Item]:
    """Raises InvalidFileError where it is no table, or none with destinations."""
    table = Table(file)
    require_columns(table, DESTINATION, "destinations, such as url, long_url or destination")
    yield from remark_unknown(table, KNOWN)
    build = build_own_link if set(table.columns) >= OWN else build_link
    for row in table.read_rows():
        yield build_item(row, build)


def require_columns(table: Table, names: tuple[str, ...], what: str) -> None:
    if not set(table.columns) & set(names):
        found = ", ".join(filter(None, table.headings))[:200]
        raise InvalidFileError(f"The file has no column of {what}. Its columns are: {found}.")


def remark_unknown(table: Table, known: set[str]) -> Iterator[Remark]:
    names = zip(table.columns, table.headings, strict=True)
    unknown = [heading for column, heading in names if column not in known and heading]
    if unknown:
        listed = ", ".join(unknown)[:500]
        yield Remark(place="line 1", message=f"These columns are not understood: {listed}.")


def build_item(row: Row | Fault, build: Callable[[Row], ImportedLink]) -> ImportedLink | Fault:
    if isinstance(row, Fault):
        return row
    try:
        return build(row)
    except ValueError as error:
        subject = row.find(*SLUG, *SHORT_URL, *DESTINATION)
        return Fault(place=row.place, subject=subject[:200], message=str(error))


def build_own_link(row: Row) -> ImportedLink:
    return build_link(row, separators=",")


def build_link(row: Row, separators: str = ",|;") -> ImportedLink:
    """Raises ValueError."""
    slug, domain = find_address(row)
    password = row.find("password")
    has_password = bool(password) and password.lower() not in NO
    has_lost_password = parse_flag(row, "haspassword") or password.lower() in YES
    fields: dict[str, Any] = {
        **{name: parse_cell(text) for key, name in TEXTS.items() if (text := row.find(key))},
        **{name: True for key, name in FLAGS.items() if parse_flag(row, key)},
    }
    change = LinkChange(
        url=parse_cell(row.find(*DESTINATION)),
        domain=domain,
        slug=slug,
        link_type=_parse_link_type(row.find("linktype")),
        title=parse_cell(row.find(*TITLE)) or None,
        description=parse_cell(row.find(*DESCRIPTION)) or None,
        status=parse_status(row.find(*STATUS)),
        password=password if has_password and not has_lost_password else None,
        expires_at=parse_time(row.find(*EXPIRES)),
        max_clicks=parse_number(row.find(*MAX_CLICKS), "max clicks"),
        tag_names=parse_tags(parse_cell(row.find(*TAGS)), separators),
        is_active=parse_flag(row, *ACTIVE, default=row.find(*STATUS).lower() not in NO),
        webhook_urls=parse_webhooks(parse_cell(row.find("webhookurls"))),
        made_through="import",
        **fields,
    )
    past = Past(
        created_at=parse_time(row.find(*CREATED)),
        updated_at=parse_time(row.find(*UPDATED)),
        counts=build_counts(row),
    )
    return ImportedLink(
        place=row.place, change=change, past=past, has_lost_password=has_lost_password
    )


def build_counts(row: Row) -> Counts | None:
    total = parse_number(row.find(*CLICKS), "clicks") or 0
    scans = parse_number(row.find(*SCANS), "scans") or 0
    bio_clicks = parse_number(row.find(*BIO_CLICKS), "bio clicks") or 0
    # Tables tell the sum, and perhaps what of it came another way.
    clicks = max(0, total - scans - bio_clicks)
    counts = Counts(clicks=clicks, scans=scans, bio_clicks=bio_clicks)
    return None if counts == Counts() else counts


def find_address(row: Row) -> tuple[str | None, str]:
    """The slug, if there is one, and the domain, empty where the table does not say."""
    short_url = parse_cell(row.find(*SHORT_URL))
    host, slug_of_url = split_short_url(short_url) if "/" in short_url else ("", "")
    slug = parse_cell(row.find(*SLUG)).strip("/") or slug_of_url
    if _has_host(slug):
        host, slug = split_short_url(slug)
    return slug or None, parse_cell(row.find(*DOMAIN)) or host


def _has_host(slug: str) -> bool:
    """`go.example/sale` stands among slugs too; `two/parts` is one that cannot be."""
    if slug.startswith(("http://", "https://")):
        return True
    host, _, path = slug.partition("/")
    return ("." in host or ":" in host) and path[:1] not in {"", "/"}


def split_short_url(address: str) -> tuple[str, str]:
    """The host and the slug of `https://go.example/sale` or `go.example/sale`.

    Raises ValueError, also for what is too long for any: a host of combining marks takes the square
    of its length.
    """
    if len(address) > LONGEST_SHORT_URL:
        raise ValueError(f"a short link has at most {LONGEST_SHORT_URL:,} characters")
    parts = urlsplit(address if "://" in address else f"https://{address}")
    return parts.netloc.rpartition("@")[2], unquote(parts.path.strip("/"))


def parse_tags(text: str, separators: str = ",|;") -> tuple[str, ...]:
    """Names between the first of these signs that is there."""
    separator = next((sign for sign in separators if sign in text), ",")
    return tuple(dict.fromkeys(filter(None, map(str.strip, text.split(separator)))))


def parse_webhooks(text: str) -> tuple[str, ...]:
    """Without those that were hidden from whoever exported the table: nobody knows them."""
    return tuple(address for address in text.split() if not address.endswith(HIDDEN))


def parse_number(text: str, what: str) -> int | None:
    """A whole number, whatever stands between its thousands; 0 and nothing are None."""
    digits = text.replace(",", "").replace(" ", "").replace("\u202f", "").removesuffix(".0")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS):
        raise ValueError(f"{what}: {text[:40]!r} is no whole number")
    return int(digits) or None


def parse_flag(row: Row, *names: str, default: bool = False) -> bool:
    text = row.find(*names).lower()
    if text in YES:
        return True
    return False if text in NO else default


def parse_status(text: str) -> int:
    """What is not a redirect's status, such as "active", is the usual one."""
    return STATUSES.get(text.replace("_", "").lower(), 302)


def _parse_link_type(text: str) -> Any:
    return text.upper() if text.upper() in LINK_TYPES else "URL"
