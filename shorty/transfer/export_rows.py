"""Turns what is stored into lines of our own format, and into cells of a table."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from shorty.bio.model import Block
from shorty.bio.moving import DressedPage
from shorty.links.model import QrSettings
from shorty.links.utm_templates import NewUtmTemplate, UtmTemplate
from shorty.storage.database import Row
from shorty.transfer.lines import (
    BlockOfPage,
    ClickLine,
    ColorsOfPage,
    CountsOfLink,
    LinkLine,
    LogoLine,
    PageLine,
    PictureLine,
    TemplateLine,
    write_block,
)
from shorty.transfer.shorty_file import KINDS, SOURCES
from shorty.transfer.tables import write_cell
from shorty.transfer.times import write_time
from shorty.webhooks.model import hide_path

Cell: TypeAlias = str | int | bool | None

_KIND_NAMES: Final[dict[int, Any]] = {number: name for name, number in KINDS.items()}
_SOURCE_NAMES: Final[dict[int, Any]] = {number: name for name, number in SOURCES.items()}
_FLAGS: Final = (
    *("cloaked", "forward_parameters", "block_bots", "is_active", "is_starred"),
    *("is_admin_blocked", "is_password_asked", "is_link_in_bio"),
)
# What a link's line has as its row does.
_SAME: Final = tuple(
    name
    for name in LinkLine.__struct_fields__
    if name not in {*_FLAGS, "id", "domain", "url", "redirect", "webhook_urls", "qr_settings"}
    and name not in {"tags", "counts"}
)
_decode_utm = msgspec.json.Decoder(
    tuple[str | None, str | None, str | None, str | None, str | None]
).decode
_decode_qr = msgspec.json.Decoder(QrSettings).decode

WEBHOOKS: Final = "webhookUrls"
# A column's name, and what stands in it; the tags come on top.
COLUMNS: Final[Mapping[str, Callable[[Row], Cell]]] = {
    "url": lambda row: row["original_url"],
    "domain": lambda row: row["host"],
    "slug": lambda row: row["slug"],
    "title": lambda row: row["title"],
    "description": lambda row: row["description"],
    "image": lambda row: row["image"],
    "linkType": lambda row: row["link_type"],
    "redirect": lambda row: row["status"],
    "isActive": lambda row: bool(row["is_active"]),
    "isStarred": lambda row: bool(row["is_starred"]),
    "cloaked": lambda row: bool(row["cloaked"]),
    "hasPassword": lambda row: row["password_hash"] is not None and bool(row["is_password_asked"]),
    "expiresAt": lambda row: write_time(row["expires_at"]),
    "maxClicks": lambda row: row["max_clicks"],
    "forwardParameters": lambda row: bool(row["forward_parameters"]),
    "blockBots": lambda row: bool(row["block_bots"]),
    "utmSource": lambda row: row["utm_source"],
    "utmMedium": lambda row: row["utm_medium"],
    "utmCampaign": lambda row: row["utm_campaign"],
    "utmTerm": lambda row: row["utm_term"],
    "utmContent": lambda row: row["utm_content"],
    "utmId": lambda row: row["utm_id"],
    "metaPixelId": lambda row: row["meta_pixel_id"],
    "googleTagId": lambda row: row["google_tag_id"],
    WEBHOOKS: lambda row: row["webhook_urls"].replace(",", " "),
    "clickCount": lambda row: row["total"],
    "scans": lambda row: row["scans"],
    "bioClicks": lambda row: row["bio_clicks"],
    "createdAt": lambda row: write_time(row["created_at"]),
    "updatedAt": lambda row: write_time(row["updated_at"]),
}


def write_heading() -> Iterable[str]:
    return (*COLUMNS, "tags")


def write_link_cells(row: Row, tags: tuple[str, ...], *, hides_webhooks: bool) -> Iterable[str]:
    cells = {name: show(row) for name, show in COLUMNS.items()}
    if hides_webhooks and row["webhook_urls"]:
        cells[WEBHOOKS] = " ".join(map(hide_path, row["webhook_urls"].split(",")))
    return (*map(write_cell, cells.values()), write_cell(", ".join(tags)))


def describe_template(template: UtmTemplate) -> TemplateLine:
    fields: dict[str, Any] = {
        name: getattr(template, name) for name in NewUtmTemplate.__struct_fields__
    }
    return TemplateLine(**fields, created_at=template.created_at)


def describe_picture(row: Row) -> LogoLine | PictureLine:
    if row["purpose"] == "logo":
        return LogoLine(id=row["id"], name=row["name"], png=row["png"])
    return PictureLine(id=row["id"], purpose=row["purpose"], name=row["name"], png=row["png"])


def describe_link(row: Row, tags: tuple[str, ...], has_clicks: bool) -> LinkLine:  # noqa: FBT001 - of the export
    webhooks: str = row["webhook_urls"]
    same: dict[str, Any] = {name: row[name] for name in _SAME}
    flags: dict[str, Any] = {name: bool(row[name]) for name in _FLAGS}
    return LinkLine(
        id=str(row["id"]),
        domain=row["host"],
        url=row["original_url"],
        redirect=row["status"],
        webhook_urls=tuple(webhooks.split(",")) if webhooks else (),
        qr_settings=None if row["qr_settings"] is None else _decode_qr(row["qr_settings"]),
        tags=tags,
        counts=None if has_clicks else describe_counts(row),
        **same,
        **flags,
    )


def describe_counts(row: Row) -> CountsOfLink | None:
    """None where nothing was counted."""
    counts = CountsOfLink(
        clicks=row["clicks"],
        scans=row["scans"],
        bio_clicks=row["bio_clicks"],
        bots=row["bots"],
        last_click_at=row["last_click_at"],
    )
    return None if counts == CountsOfLink() else counts


def describe_page(page: DressedPage) -> PageLine:
    settings = page.settings
    picture = settings.picture
    # Where the picture was deleted, the page shows the icon.
    is_picture_lost = picture is None and settings.avatar == "picture"
    return PageLine(
        link=str(page.id),
        title=settings.title,
        description=settings.description,
        is_button_shown=settings.is_button_shown,
        avatar="icon" if is_picture_lost else settings.avatar,
        picture=picture.id if picture else None,
        theme=settings.theme,
        colors=ColorsOfPage(**msgspec.structs.asdict(settings.colors)),
        socials=settings.socials,
        blocks=tuple(write_block(describe_block(block)) for block in page.blocks),
        updated_at=page.updated_at,
    )


def describe_block(block: Block) -> BlockOfPage:
    return BlockOfPage(
        kind=block.kind,
        link=str(block.target.id) if block.target else None,
        text=block.text,
        url=block.url,
        picture=block.picture.id if block.picture else None,
        is_hidden=block.is_hidden,
        shown_from=block.shown_from,
        shown_until=block.shown_until,
        created_at=block.created_at,
    )


def describe_click(row: Row) -> ClickLine:
    return ClickLine(
        link=str(row["link_id"]),
        at=row["at"],
        by=_KIND_NAMES[row["kind"]],
        source=_SOURCE_NAMES[row["source"]],
        visitor=str(row["visitor"]),
        country=row["country"],
        city=row["city"],
        referrer=row["referrer"],
        browser=row["browser"],
        os=row["os"],
        device=row["device"],
        utm=_decode_utm(row["utm"]) if row["utm"] else None,
    )
