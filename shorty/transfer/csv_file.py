"""Reads tables of links, and writes ours.

Ours has the columns of `lines.COLUMNS`. Of other products' tables, any is read that has columns of
destinations and of slugs or short links.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, TypeAlias, get_args, get_type_hints

import msgspec
from msgspec.structs import replace

from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange, LinkFields, LinkType
from shorty.links.rule_writing import write_rules
from shorty.links.rules import Rules
from shorty.transfer.cells import Cells
from shorty.transfer.column_names import OTHERS
from shorty.transfer.columns import find_columns, list_unknown
from shorty.transfer.files import Fault, OpenFile
from shorty.transfer.lines import COLUMNS, LinkLine
from shorty.transfer.model import ExportedLink, ImportedLink, Item, Remark
from shorty.transfer.redirects import is_redirect, read_redirect
from shorty.transfer.remarks import Notes
from shorty.transfer.short_links import split_name, split_short_url
from shorty.transfer.states import NO, YES
from shorty.transfer.tables import Cell, Table, fold_column, parse_cell, write_cell
from shorty.transfer.tag_lists import parse_own_tags, parse_tags
from shorty.transfer.terms import make_item, read_terms
from shorty.transfer.times import write_time
from shorty.webhooks.model import HIDDEN, hide_path

# Columns that all files of a product have, beside which a field does not close a link: Dub goes on
# redirecting what was archived.
HARMLESS: Final = ((frozenset({"shortlink", "destinationurl"}), frozenset({"archived"})),)
# Kutt's own names.
KUTTS: Final = frozenset({"address", "target"})
_NONE: Final[frozenset[str]] = frozenset()


def read_csv(
    file: OpenFile,
    *,
    harmless: frozenset[str] = _NONE,
) -> Iterator[Item]:
    """`harmless` columns don't close links of this product.

    Raises InvalidFileError if it is no table, or one without destinations or slugs.
    """
    table = Table(file)
    columns = find_columns(table, file.hints)
    if unknown := list_unknown(table, columns):
        yield Remark(place=f"line {table.line}", message=f"Unknown columns: {unknown}.")
    known = set(table.columns)
    harmless |= {name for among, names in HARMLESS if among <= known for name in names}
    build = _Builder(needs_slugs=not file.hints.new_slugs, harmless=harmless)
    for row in table.read_rows():
        if isinstance(row, Fault):
            yield row
            continue
        cells = Cells(row, columns)
        item = build_item(cells, build.build_own_link if columns.is_own else build.build_link)
        yield take_note(item) if known >= KUTTS else item


def take_note(item: Item) -> Item:
    """Kutt's description is a note for the link's owner, never what previews show."""
    if not isinstance(item, ImportedLink):
        return item
    change = item.change
    title = change.title or change.description
    return replace(item, change=replace(change, title=title, description=None))


def leave_domains(item: Item, hosts: frozenset[str]) -> Item:
    """A link on one of these domains, which its product keeps, goes to the default one."""
    if not isinstance(item, ImportedLink) or (item.change.domain or "").lower() not in hosts:
        return item
    return replace(item, change=replace(item.change, domain=""))


def build_item(cells: Cells, build: Callable[[Cells], ImportedLink]) -> ImportedLink | Fault:
    try:
        return build(cells)
    except ValueError as error:
        named = filter(None, map(cells.read, ("slug", "short url", "destination")))
        subject = next(named, "")[:200]
        return Fault(place=cells.place, subject=subject, message=str(error))


class _Builder:
    """Makes links of rows."""

    def __init__(self, *, needs_slugs: bool, harmless: frozenset[str]) -> None:
        self._needs_slugs = needs_slugs
        self._harmless = harmless

    def build_link(self, cells: Cells) -> ImportedLink:
        """Raises ValueError."""
        notes = Notes()
        terms = cells.list_terms()
        state = terms.get("status", "")
        redirect = cells.read("redirect") or (state if is_redirect(state) else "")
        status = read_redirect(redirect, notes)
        tags = parse_tags(parse_cell(cells.read("tags")))
        return self._build(cells, terms, status, tags, notes)

    def build_own_link(self, cells: Cells) -> ImportedLink:
        """Being inactive is a state of our own, and needs no remark. Raises ValueError."""
        terms = cells.list_terms()
        is_active = parse_flag(terms.pop("isactive", ""), default=True)
        status = read_redirect(cells.read("redirect"), Notes())
        tags = parse_own_tags(parse_cell(cells.read("tags")))
        link = self._build(cells, terms, status, tags, Notes())
        return replace(link, change=replace(link.change, is_active=is_active))

    def _build(
        self,
        cells: Cells,
        terms_cells: Mapping[str, str],
        status: int,
        tags: tuple[str, ...],
        notes: Notes,
    ) -> ImportedLink:
        slug, domain = self.find_name(cells)
        url = parse_cell(cells.read("destination"))
        terms = read_terms(
            terms_cells,
            notes,
            destination=url,
            harmless=self._harmless,
            read_time=cells.read_start,
        )
        change = LinkChange(
            url=url,
            domain=domain,
            slug=slug,
            title=parse_cell(cells.read("title")) or None,
            description=parse_cell(cells.read("description")) or None,
            status=status,
            expires_at=notes.read_or_close("end", "end", lambda: cells.read_time("expires")),
            tag_names=tags,
            made_through="import",
            **parse_own_fields(cells),
        )
        return make_item(cells.place, change, build_past(cells, notes), terms, notes)

    def find_name(self, cells: Cells) -> tuple[str | None, str]:
        """The slug, None for a new one, and the domain, empty where the row does not say.

        Raises ValueError.
        """
        domain = parse_domain(cells.read("domain"))
        short = parse_cell(cells.read("short url"))
        host, path = split_name(short)
        own_host, slug = split_name(parse_cell(cells.read("slug")), domain or host)
        if slug and not host and path.endswith(f"/{slug}"):
            slug = path  # which is all that visitors have seen
        slug = slug or path
        if not slug and short and self._needs_slugs:
            raise ValueError(f"{short[:100]!r} has no slug; a short link is like go.example/sale")
        return slug or None, domain or own_host or host


def parse_domain(text: str) -> str:
    """Without the scheme and path that some write. Raises ValueError."""
    text = parse_cell(text)
    return split_short_url(text)[0] if "/" in text else text


def build_past(cells: Cells, notes: Notes) -> Past:
    """What can't be read of it costs the link nothing but a remark."""
    return Past(
        created_at=notes.read("dates", "creation date", lambda: cells.read_time("created")),
        updated_at=notes.read("dates", "date of change", lambda: cells.read_time("updated")),
        counts=notes.read("history", "number of clicks", lambda: build_counts(cells)),
    )


def build_counts(cells: Cells) -> Counts | None:
    """Raises ValueError."""
    total, scans, bio_clicks = map(cells.read_number, ("clicks", "scans", "bio clicks"))
    # Tables give the sum, and perhaps the part of it that came another way.
    clicks = max(0, total - scans - bio_clicks)
    counts = Counts(clicks=clicks, scans=scans, bio_clicks=bio_clicks)
    return None if counts == Counts() else counts


def parse_webhooks(text: str) -> tuple[str, ...]:
    """Without those that were hidden from the person who exported the table."""
    return tuple(url for url in parse_cell(text).split() if not url.endswith(HIDDEN))


def parse_aliases(text: str) -> tuple[str, ...]:
    """No slug has spaces or commas."""
    return tuple(parse_cell(text).replace(",", " ").split())


def parse_flag(text: str, *, default: bool = False) -> bool:
    if text.lower() in YES:
        return True
    return False if text.lower() in NO else default


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
    if fold_column(column) in OTHERS and column != "aliases"
} | {"aliases": ("aliases", parse_aliases)}


def parse_own_fields(cells: Cells) -> dict[str, Any]:
    return {
        name: parse(text)
        for column, (name, parse) in _OWN_FIELDS.items()
        if (text := cells.read(column))
    }


def write_link(link: ExportedLink, tags: tuple[str, ...], *, hides_webhooks: bool) -> Iterable[str]:
    """`hides_webhooks` leaves the hosts of webhook URLs."""
    if hides_webhooks and link.webhook_urls:
        link = replace(link, webhook_urls=tuple(map(hide_path, link.webhook_urls)))
    return [*[write_cell(read(link)) for read in _READERS], write_cell(", ".join(tags))]


def _write_rules(rules: Rules) -> str:
    return msgspec.json.encode(write_rules(rules)).decode() if rules else ""


ReadCell: TypeAlias = Callable[[ExportedLink], Cell]

# What a table has under another name or in another form than a link.
_OTHERS: Final[Mapping[str, ReadCell]] = {
    "url": attrgetter("original_url"),
    "domain": attrgetter("host"),
    "redirect": attrgetter("status"),
    "hasPassword": lambda link: link.password_hash is not None and link.is_password_asked,
    "validSince": lambda link: write_time(link.valid_since),
    "expiresAt": lambda link: write_time(link.expires_at),
    "rules": lambda link: _write_rules(link.rules),
    "webhookUrls": lambda link: " ".join(link.webhook_urls),
    "aliases": lambda link: " ".join(link.aliases),
    "clickCount": lambda link: link.clicks + link.scans + link.bio_clicks,
    "scans": attrgetter("scans"),
    "bioClicks": attrgetter("bio_clicks"),
    "createdAt": lambda link: write_time(link.created_at),
    "updatedAt": lambda link: write_time(link.updated_at),
}
_READERS: Final[tuple[ReadCell, ...]] = tuple(
    _OTHERS.get(column) or attrgetter(_FIELDS[column]) for column in COLUMNS if column != "tags"
)
