"""Reads files that `shorty export` wrote in our own format."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from shorty.bio.model import Colors, NewBlock, PageChange
from shorty.clicks.model import (
    BIO,
    BOT,
    LINK,
    LONGEST_REFERRER,
    LONGEST_UTM,
    PERSON,
    PREFETCH,
    QR,
    Click,
    Kind,
    Source,
    clean_text,
)
from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange
from shorty.links.pictures import Purpose
from shorty.links.tags import NewTag
from shorty.links.utm_templates import NewUtmTemplate
from shorty.transfer.documents import UNREADABLE, read_objects
from shorty.transfer.files import Fault, InvalidFileError, OpenFile
from shorty.transfer.lines import (
    FORMAT,
    BlockOfPage,
    ClickLine,
    CountsLine,
    ExportLine,
    ItemLine,
    Line,
    LinkLine,
    LogoLine,
    PageLine,
    PictureLine,
    TagLine,
    TemplateLine,
    copy_fields,
    decode_block,
    decode_line,
)
from shorty.transfer.model import (
    ImportedBlock,
    ImportedClick,
    ImportedCounts,
    ImportedLink,
    ImportedPage,
    ImportedPicture,
    ImportedTag,
    ImportedTemplate,
    Item,
)
from shorty.transfer.remarks import Notes
from shorty.transfer.terms import read_own_rules

KINDS: Final[dict[str, Kind]] = {"person": PERSON, "bot": BOT, "prefetch": PREFETCH}
SOURCES: Final[dict[str, Source]] = {"link": LINK, "qr": QR, "bio": BIO}
# Texts of a click, and how long each may be.
CLICK_TEXTS: Final = {
    "referrer": LONGEST_REFERRER,
    **dict.fromkeys(("country", "city", "browser", "os", "device"), 100),
}
LONGEST_RULE_NAME: Final = 100  # of a rule's id or a variant's key
_WHERE: Final = re.compile(r" - at `\$\.?(.*)`$")
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
MOST: Final = 2**63 - 1


def read_shorty(file: OpenFile) -> Iterator[Item]:
    """Raises InvalidFileError where it is no such file, or one of a later release."""
    is_known = False
    for number, line in read_objects(file, decode_line):
        place = f"line {number}"
        if isinstance(line, Exception):
            if not is_known:
                raise InvalidFileError(
                    "`shorty export` did not write this file. Choose the product that did."
                )
            yield Fault(place=place, subject="", message=describe_unreadable(line))
            continue
        if not is_known:
            _check_head(line)
            is_known = True
        elif isinstance(line, PageLine):
            yield from build_page(line, place)
        elif not isinstance(line, ExportLine):
            yield build_item(line, place)


def _check_head(line: Line) -> None:
    if not isinstance(line, ExportLine):
        raise InvalidFileError("The first line of the file is missing. Export it again.")
    if line.format > FORMAT:
        raise InvalidFileError(
            "The file was written by a newer version of shorty. Upgrade to that version."
        )


def describe_unreadable(error: Exception) -> str:
    """The decoder's reason, with the field that it is about in words."""
    reason = str(error)
    found = _WHERE.search(reason)
    if not found or not found[1]:
        return f"can't be read: {reason.partition(' - at `')[0]}"
    field = _WORD.sub(" ", found[1].replace("[...]", "").replace(".", ", ")).lower()
    return f"can't be read: {field}: {reason[: found.start()]}"


def build_item(line: ItemLine, place: str) -> Item:
    match line:
        case TagLine():
            return ImportedTag(place=place, new=copy_fields(line, NewTag))
        case TemplateLine():
            new = copy_fields(line, NewUtmTemplate)
            return ImportedTemplate(place=place, new=new, made_at=line.created_at)
        case LogoLine():
            return build_picture(line, "logo", place)
        case PictureLine():
            return build_picture(line, line.purpose, place)
        case LinkLine():
            return build_link(line, place)
        case ClickLine():
            return ImportedClick(ref=line.link, click=build_click(line), domain=line.domain)
        case CountsLine():
            return ImportedCounts(ref=line.link, counts=copy_fields(line.counts, Counts))


def build_picture(line: LogoLine | PictureLine, purpose: Purpose, place: str) -> ImportedPicture:
    return ImportedPicture(
        place=place, purpose=purpose, ref=line.id, name=line.name, content=line.png
    )


def build_page(line: PageLine, place: str) -> Iterator[Fault | ImportedPage]:
    """The faults of blocks that can't be read, and the page without them."""
    blocks: list[ImportedBlock] = []
    faults: dict[str, str] = {}
    for number, raw in enumerate(line.blocks, 1):
        spot = f"{place}, block {number}"
        try:
            blocks.append(build_block(decode_block(raw), spot))
        except UNREADABLE as error:
            faults[spot] = describe_unreadable(error)
    page = ImportedPage(
        place=place,
        ref=line.link,
        change=copy_fields(line, PageChange, colors=copy_fields(line.colors, Colors)),
        blocks=tuple(blocks),
        picture=line.picture,
        updated_at=line.updated_at,
    )
    for spot, message in faults.items():
        yield Fault(place=spot, subject=page.subject, message=message)
    yield page


def build_block(block: BlockOfPage, place: str) -> ImportedBlock:
    return ImportedBlock(
        place=place,
        new=copy_fields(block, NewBlock),
        made_at=block.created_at,
        target=block.link,
        picture=block.picture,
    )


def build_link(line: LinkLine, place: str) -> ImportedLink:
    notes = Notes()
    rules = read_own_rules(list(line.rules), notes)
    return ImportedLink(
        place=place,
        change=copy_fields(
            line, LinkChange, status=line.redirect, rules=rules, tag_names=line.tags
        ),
        past=copy_fields(line, Past, counts=line.counts and copy_fields(line.counts, Counts)),
        ref=line.id,
        password_hash=line.password_hash,
        closed=notes.closed,
    )


def build_click(line: ClickLine) -> Click:
    """Texts that visitors could have sent are cut as in the recorder."""
    visitor = int(line.visitor)
    texts = {name: _clean(getattr(line, name), longest) for name, longest in CLICK_TEXTS.items()}
    utm = line.utm and [value and clean_text(value, LONGEST_UTM) for value in line.utm]
    return Click(
        link_id=0,
        at=line.at,
        visitor=visitor if visitor <= MOST else 0,
        kind=KINDS[line.by],
        source=SOURCES[line.source],
        country=texts["country"],
        city=texts["city"],
        referrer=texts["referrer"],
        browser=texts["browser"],
        os=texts["os"],
        device=texts["device"],
        utm=msgspec.json.encode(utm).decode() if utm and any(utm) else None,
        rule_id=_clean(line.rule, LONGEST_RULE_NAME),
        variant=_clean(line.variant, LONGEST_RULE_NAME) if line.rule else None,
    )


def _clean(text: str | None, longest: int) -> str | None:
    return (clean_text(text, longest) or None) if text else None
