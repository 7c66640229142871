"""What links count for in a plan's quotas: asked for, taken and given back with their writes."""

from collections.abc import Sequence
from typing import Final

from shorty.accounts.model import Actor
from shorty.links.context import read_author
from shorty.links.model import Author, LinkFields
from shorty.plans import AskedQuota, QuotaName, give_back_quota, is_monthly
from shorty.storage.database import Transaction

QUOTAS_OF_LINKS: Final[tuple[QuotaName, ...]] = ("links", "links_per_month")


def ask_quotas(
    tx: Transaction, author: Author, quotas: Sequence[QuotaName], count: int, now: int
) -> list[AskedQuota]:
    return [AskedQuota(tx, author.workspace_id, author.plan, each, count, now) for each in quotas]


def ask_companions(
    tx: Transaction, author: Author, fields: LinkFields, now: int
) -> list[AskedQuota]:
    quotas: list[QuotaName] = []
    if fields.qr_settings is not None:
        quotas.append("qr_codes")
    if fields.is_link_in_bio:
        quotas.append("bio_pages")
    return ask_quotas(tx, author, quotas, 1, now)


def move_quota(
    tx: Transaction, actor: Actor, quota: QuotaName, before: object, after: object, now: int
) -> list[AskedQuota]:
    """What is to be required, if anything."""
    if after and not before:
        return ask_quotas(tx, read_author(actor), (quota,), 1, now)
    if before and not after:
        give_back_quota(tx, actor.workspace_id, quota, 1)
    return []


def take_room(tx: Transaction, author: Author, asked: Sequence[AskedQuota], now: int) -> int:
    """How many links the plan has room for, taken from each quota that was asked."""
    taken = [each.take_fitting() for each in asked]
    granted = min(taken)
    for quota, units in zip(QUOTAS_OF_LINKS, taken, strict=True):
        _give_back(tx, author, quota, units - granted, now)
    return granted


def give_back_room(tx: Transaction, author: Author, unused: int, now: int) -> None:
    for quota in QUOTAS_OF_LINKS:
        _give_back(tx, author, quota, unused, now)


def _give_back(tx: Transaction, author: Author, quota: QuotaName, unused: int, now: int) -> None:
    if unused:
        month = now if is_monthly(quota) else None
        give_back_quota(tx, author.workspace_id, quota, unused, month)
