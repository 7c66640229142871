"""Every statement about links that are sent by email."""

import msgspec

from shorty.accounts.model import MailLink, MailPurpose
from shorty.storage.database import Reader, Transaction


def insert_mail_link(
    tx: Transaction,
    digest: str,
    user_id: int,
    purpose: MailPurpose,
    email: str,
    now: int,
    expires_at: int,
) -> None:
    tx.execute(
        """
        insert into mail_links (digest, user_id, purpose, email, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        """,
        *(digest, user_id, purpose, email, now, expires_at),
    )


def find_mail_link(rows: Reader, digest: str, purpose: MailPurpose, now: int) -> MailLink | None:
    row = rows.find_one(
        """
        select user_id, email, expires_at from mail_links
        where digest = $1 and purpose = $2 and expires_at > $3
        """,
        *(digest, purpose, now),
    )
    return None if row is None else msgspec.convert(dict(row), MailLink)


def delete_mail_links_of(tx: Transaction, user_id: int) -> None:
    tx.execute("delete from mail_links where user_id = $1", user_id)


def delete_mail_links_for(tx: Transaction, user_id: int, purpose: MailPurpose) -> None:
    tx.execute("delete from mail_links where user_id = $1 and purpose = $2", user_id, purpose)


def delete_old_mail_links(tx: Transaction, now: int, limit: int) -> int:
    return tx.execute(
        """
        delete from mail_links where id in (
          select id from mail_links where expires_at <= $1 order by expires_at limit $2)
        """,
        *(now, limit),
    )
