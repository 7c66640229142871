"""Writes a workspace's links as a table, or in our own format with all that belongs to them."""

from collections.abc import AsyncGenerator
from typing import Literal

from shorty import __version__
from shorty.bio.moving import read_dressed_pages
from shorty.clicks.export import ClickIds, find_click_ids, read_stored_clicks
from shorty.links.utm_templates import list_templates
from shorty.storage.snapshot import Rows
from shorty.transfer import export_store
from shorty.transfer.export_rows import (
    describe_click,
    describe_counts,
    describe_link,
    describe_page,
    describe_picture,
    describe_template,
    write_heading,
    write_link_cells,
)
from shorty.transfer.lines import CountsLine, ExportLine, TagLine, write_line
from shorty.transfer.progress import TransferProgress
from shorty.transfer.tables import write_rows

ExportFormat = Literal["csv", "ndjson"]


async def export_table(
    rows: Rows, workspace_id: int, progress: TransferProgress, *, hides_webhooks: bool = False
) -> AsyncGenerator[bytes]:
    """A row for each link; the first one names the columns.

    `hides_webhooks` is for those who may only read: of addresses to call they get the hosts.
    """
    progress.total = await export_store.count_links(rows, workspace_id)
    yield write_rows([write_heading()])
    async for links in export_store.read_links(rows, workspace_id):
        tags = await export_store.find_tag_names(rows, links)
        yield write_rows(
            write_link_cells(row, tags.get(row["id"], ()), hides_webhooks=hides_webhooks)
            for row in links
        )
        _move(progress, len(links))
        if progress.is_cancelled:
            return


async def export_lines(
    rows: Rows, workspace_id: int, now: int, progress: TransferProgress, *, has_clicks: bool = False
) -> AsyncGenerator[bytes]:
    """Everything that an import needs to make the same links and bio pages again.

    Passwords are in it as hashes.
    """
    ids = await find_click_ids(rows) if has_clicks else ClickIds(0, 0)
    progress.total = await export_store.count_links(rows, workspace_id) + ids.end - ids.first
    yield write_line(ExportLine(version=__version__, exported_at=now, has_clicks=has_clicks))
    for row in await export_store.list_tags(rows, workspace_id):
        yield write_line(TagLine(name=row["name"], color=row["color"]))
    for template in await list_templates(rows, workspace_id):
        yield write_line(describe_template(template))
    async for row in export_store.read_pictures(rows, workspace_id):
        yield write_line(describe_picture(row))
    async for links in export_store.read_links(rows, workspace_id):
        tags = await export_store.find_tag_names(rows, links)
        lines = (describe_link(row, tags.get(row["id"], ()), has_clicks) for row in links)
        yield b"".join(map(write_line, lines))
        _move(progress, len(links))
        if progress.is_cancelled:
            return
    # Only now, for a page leads to links of any age.
    async for page in read_dressed_pages(rows, workspace_id, now):
        yield write_line(describe_page(page))
    if has_clicks:
        async for part in _export_clicks(rows, workspace_id, ids, progress):
            yield part


async def _export_clicks(
    rows: Rows, workspace_id: int, ids: ClickIds, progress: TransferProgress
) -> AsyncGenerator[bytes]:
    """The clicks, and then what was counted altogether: more, where old clicks are removed."""
    before = progress.done
    async for end, clicks in read_stored_clicks(rows, workspace_id, ids):
        yield b"".join(write_line(describe_click(row)) for row in clicks)
        progress.clicks += len(clicks)
        progress.move(before + end - ids.first)
        if progress.is_cancelled:
            return
    async for links in export_store.read_links(rows, workspace_id):
        counted = [(row["id"], describe_counts(row)) for row in links]
        yield b"".join(
            write_line(CountsLine(link=str(link_id), counts=counts))
            for link_id, counts in counted
            if counts is not None
        )


def _move(progress: TransferProgress, links: int) -> None:
    progress.created += links
    progress.move(progress.done + links)
