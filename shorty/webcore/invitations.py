"""Invites people for the API and the dashboard: creates the invitation and mails its link.

Does the same, in the same time, whether or not the email has an account.
"""

from typing import Final

import msgspec

from shorty.accounts import invitations
from shorty.accounts.email_proof import is_email_verified
from shorty.accounts.mail_links import take_mail
from shorty.accounts.model import Invitation, MadeInvitation, Role
from shorty.errors import FetchError
from shorty.idn import write_host
from shorty.webcore.addresses import find_mailed_base, find_shown_base
from shorty.webcore.mails import write_invitation
from shorty.webcore.requests import ServedRequest

INVITATION: Final = "/app/invitation"


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is the link for the inviter to pass on; None if it was mailed."""

    invitation: Invitation
    url: str | None


async def invite(request: ServedRequest, email: str, role: Role) -> Invited:
    """Returns the link if no mail server is set up or it does not accept the mail.

    Raises the errors of create_invitation, and RateLimitedError.
    """
    services, actor, now = request.services, request.actor, request.now
    sends_mail = services.mailer.is_on
    await invitations.take_invitation(services.limits, actor.user_id, now)
    if sends_mail:
        await take_mail(services.limits, email, now)
    made = await services.db.write(
        lambda tx: invitations.create_invitation(tx, actor, email, role, now, is_mailed=sends_mail)
    )
    if sends_mail and await _is_mailed(request, made):
        return Invited(invitation=made.invitation, url=None)
    url = f"{find_shown_base(request)}{INVITATION}?key={made.text}"
    return Invited(invitation=made.invitation, url=url)


async def _is_mailed(request: ServedRequest, made: MadeInvitation) -> bool:
    services, actor, base = request.services, request.actor, find_mailed_base(request)
    # An unverified email may be somebody else's, who would get the answers.
    reply_to = (
        actor.user_email
        if await services.db.read(lambda rows: is_email_verified(rows, actor.user_id))
        else ""
    )
    mail = write_invitation(
        made,
        f"{base}{INVITATION}?key={made.text}",
        site=write_host(base.partition("://")[2]),
        reply_to=reply_to,
    )
    try:
        await services.mailer.send(mail)
    except FetchError:
        await services.db.write(lambda tx: invitations.mark_invitation_shown(tx, made.text))
        return False
    return True
