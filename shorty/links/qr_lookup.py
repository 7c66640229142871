"""Finds the link whose QR code a public address names: its own, or a plain one of a bio page."""

from typing import Final

from shorty.links.model import Link
from shorty.links.slug import slug_key
from shorty.links.store import SELECT_LINK, read_link
from shorty.storage.database import Database

FIND_CODE: Final = f"""
{SELECT_LINK}
where l.domain_id = $1 and l.slug_key = $2 and l.deleted_at is null
  and (l.qr_settings is not null or l.is_link_in_bio = 1) and l.is_admin_blocked = 0
"""


async def find_code(db: Database, domain_id: int, slug: str) -> Link | None:
    """The link without its tags; None where there is none, or it has no code."""
    row = await db.find_one(FIND_CODE, domain_id, slug_key(slug))
    return None if row is None else read_link(row, ())
