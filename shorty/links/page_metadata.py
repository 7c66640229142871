"""Reads what a page says of itself: its title, description, image and icon.

The pages are strangers' work: only a known set of encodings is decoded, only the start is parsed,
and everything that is kept is short.
"""

import re
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from itertools import islice
from operator import itemgetter
from typing import Final, TypeAlias

import can_ada
import msgspec
from lxml import etree

from shorty.errors import BusyError, FetchError
from shorty.fetch import Fetcher
from shorty.pools import WorkerThreads

# lxml has no public name for what its parser returns.
Node: TypeAlias = etree._Element  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

PAGE_LIMIT_BYTES: Final = 256_000
PAGE_TIMEOUT_S: Final = 10.0
TEXT_LIMIT: Final = 300
URL_LIMIT: Final = 2048
LARGEST_ICON: Final = 256

READERS: Final = WorkerThreads("read-pages", threads=1)

_HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml", ""})

# The labels that pages use, each with the decoder that browsers take for it (the Encoding
# Standard). A table, because looking up a stranger's word would also find decoders that take
# minutes (punycode) and would remember each unknown word for ever.
_DECODERS: Final = {
    "utf-8": "utf8 utf-8 unicode-1-1-utf-8",
    "utf-16-le": "utf-16 utf-16le unicode ucs-2",
    "utf-16-be": "utf-16be",
    "cp1252": "iso-8859-1 iso8859-1 latin1 latin-1 l1 ascii us-ascii windows-1252 cp1252",
    "cp1250": "windows-1250 cp1250 x-cp1250",
    "cp1251": "windows-1251 cp1251 x-cp1251",
    "cp1253": "windows-1253 cp1253",
    "cp1254": "iso-8859-9 iso8859-9 latin5 windows-1254 cp1254",
    "cp1255": "windows-1255 cp1255",
    "cp1256": "windows-1256 cp1256",
    "cp1257": "windows-1257 cp1257",
    "cp1258": "windows-1258 cp1258",
    "cp874": "windows-874 tis-620 iso-8859-11 dos-874",
    "cp866": "ibm866 cp866 866",
    "iso8859-2": "iso-8859-2 iso8859-2 latin2",
    "iso8859-3": "iso-8859-3",
    "iso8859-4": "iso-8859-4",
    "iso8859-5": "iso-8859-5 cyrillic",
    "iso8859-6": "iso-8859-6 arabic",
    "iso8859-7": "iso-8859-7 greek",
    "iso8859-8": "iso-8859-8 iso-8859-8-i hebrew",
    "iso8859-10": "iso-8859-10 latin6",
    "iso8859-13": "iso-8859-13",
    "iso8859-14": "iso-8859-14",
    "iso8859-15": "iso-8859-15 latin9 l9",
    "iso8859-16": "iso-8859-16",
    "koi8-r": "koi8-r koi8 koi",
    "koi8-u": "koi8-u koi8-ru",
    "mac-roman": "macintosh mac x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic",
    "gb18030": "gb18030 gbk gb2312 gb_2312-80 chinese x-gbk",
    "big5hkscs": "big5 big5-hkscs x-x-big5",
    "cp932": "shift_jis shift-jis sjis x-sjis windows-31j ms_kanji",
    "euc-jp": "euc-jp x-euc-jp",
    "iso2022-jp": "iso-2022-jp",
    "cp949": "euc-kr ks_c_5601-1987 korean windows-949",
}
_DECODER_OF: Final = {label: name for name, labels in _DECODERS.items() for label in labels.split()}
_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
_META_CHARSET: Final = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE
)
_PRESCAN_BYTES: Final = 4096

_ICON_RELS: Final = frozenset({"icon", "apple-touch-icon", "apple-touch-icon-precomposed"})
_ICON_SIZE: Final = re.compile(r"(\d{1,4})x\d{1,4}", re.IGNORECASE)

# Control characters, and those that turn the direction of the text around them.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]+")


class PageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Texts have no control characters and single spaces; addresses are absolute http(s)."""

    title: str | None = None
    description: str | None = None
    image: str | None = None
    icon: str | None = None


async def fetch_page_facts(fetcher: Fetcher, url: str) -> PageFacts:
    """Empty where the page cannot be fetched, or too many wait to be read."""
    try:
        page = await fetcher.get_page(url, limit_bytes=PAGE_LIMIT_BYTES, timeout_s=PAGE_TIMEOUT_S)
    except FetchError:
        return PageFacts()
    if page.status != HTTPStatus.OK:  # an error page's title says nothing of the destination
        return PageFacts()
    read = partial(
        read_page_facts, page.body, page.content_type, charset=page.charset, url=page.url
    )
    try:
        return await READERS.run(can_ada.parse(page.url).host, read)
    except BusyError:
        return PageFacts()


def read_page_facts(
    body: bytes, content_type: str, *, charset: str | None = None, url: str = ""
) -> PageFacts:
    """`url` is what the page's own addresses are relative to. Takes milliseconds: use a thread."""
    if content_type not in _HTML_TYPES:
        return PageFacts()
    root = _parse(_decode(body[:PAGE_LIMIT_BYTES], charset))
    if root is None:
        return PageFacts()
    metas = _collect_metas(root)
    return PageFacts(
        title=_find_title(root) or _fold(metas.get("og:title", "")),
        description=_fold(metas.get("description", "") or metas.get("og:description", "")),
        image=_join(url, metas.get("og:image", "") or metas.get("twitter:image", "")),
        icon=_join(url, _find_icon(root)),
    )


def _decode(body: bytes, charset: str | None) -> str:
    """As browsers choose: byte order mark, then HTTP, then the page's own word, then a guess."""
    for mark, name in _MARKS.items():
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    name = _DECODER_OF.get((charset or "").strip().lower()) or _find_declared_decoder(body)
    if name is not None:
        return body.decode(name, "replace")
    text = body.decode("utf-8", "replace")
    # A character cut in two at the end is no sign of another encoding; anything before it is.
    return text if "\ufffd" not in text[:-1] else body.decode("cp1252", "replace")


def _find_declared_decoder(body: bytes) -> str | None:
    declared = _META_CHARSET.search(body, 0, _PRESCAN_BYTES)
    if declared is None:
        return None
    name = _DECODER_OF.get(declared[1].decode("ascii").lower())
    # A declaration that could be read as ASCII cannot stand in UTF-16.
    return "utf-8" if name is not None and name.startswith("utf-16") else name


def _parse(text: str) -> Node | None:
    # Bytes again, because lxml refuses a str that begins with an XML declaration.
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:  # nothing but space
        return None


def _find_title(root: Node) -> str | None:
    # The title of a drawing is not the page's; one of the first must be it.
    for element in islice(root.iter("title"), 50):
        if next(element.iterancestors("svg"), None) is None:
            return _fold(element.text or "")
    return None


def _collect_metas(root: Node) -> dict[str, str]:
    """The first content of each name or property, in lower case."""
    metas: dict[str, str] = {}
    for element in root.iter("meta"):
        name = (element.get("property") or element.get("name") or "").strip().lower()
        if name:
            metas.setdefault(name, element.get("content") or "")
    return metas


def guess_icon(url: str) -> str:
    """Where a site's icon is, unless its pages say otherwise."""
    return (can_ada.parse(url) + "/favicon.ico").href


def _find_icon(root: Node) -> str:
    """The sharpest icon that is not larger than needed; of equals the first."""
    found = [(_measure_icon(element), element.get("href") or "") for element in _find_icons(root)]
    return max(found, key=itemgetter(0), default=(0, ""))[1]


def _find_icons(root: Node) -> Iterator[Node]:
    for element in islice(root.iter("link"), 500):
        if _ICON_RELS & set((element.get("rel") or "").lower().split()) and element.get("href"):
            yield element


def _measure_icon(element: Node) -> int:
    """How well it serves: its width up to LARGEST_ICON, and less the larger it is beyond."""
    kind, address = element.get("type") or "", (element.get("href") or "").lower()
    if kind == "image/svg+xml" or address.partition("?")[0].endswith(".svg"):
        return LARGEST_ICON
    if sizes := _ICON_SIZE.search(element.get("sizes") or ""):
        width = int(sizes[1])
        return width if width <= LARGEST_ICON else max(LARGEST_ICON - width // 4, 1)
    return 16 if "icon" in (element.get("rel") or "").lower().split() else 180


def _fold(text: str) -> str | None:
    """One line without control characters, cut to TEXT_LIMIT; None where nothing is left."""
    # Cut first, generously: folding a quarter of a megabyte would only be thrown away.
    words = _CONTROL.sub(" ", text[: TEXT_LIMIT * 20]).split()
    return " ".join(words)[:TEXT_LIMIT].rstrip() or None


def _join(base: str, reference: str) -> str | None:
    reference = reference.strip()
    if not reference or len(reference) > URL_LIMIT:
        return None
    try:
        url = can_ada.parse(base) + reference if base else can_ada.parse(reference)
    except ValueError:
        return None
    is_kept = url.protocol in {"http:", "https:"} and len(url.href) <= URL_LIMIT
    return url.href if is_kept else None
