"""The texts of mails, as plain text and as HTML with the same words."""

from typing import Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from shorty.accounts.model import MadeInvitation, MadeMailLink
from shorty.mail import Mail

TEMPLATES: Final = Environment(
    loader=PackageLoader("shorty", "webcore/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """`action` labels the button of the HTML; `small` is below it."""

    subject: str
    lines: tuple[str, ...]
    address: str = ""
    action: str = ""
    small: str = ""


def write_invitation(made: MadeInvitation, address: str) -> Mail:
    invitation = made.invitation
    role = describe_role(invitation.role)
    place = f"the workspace “{invitation.workspace_name}”"
    return build_mail(
        invitation.email,
        Letter(
            subject=f"Join {invitation.workspace_name}",
            lines=(f"{invitation.inviter_name} invites you to {place}, as {role}.",),
            address=address,
            action="Accept the invitation",
            small="The link holds for seven days and counts once. "
            "If you do not know what this is about, do nothing.",
        ),
    )


def write_password_link(made: MadeMailLink, address: str) -> Mail:
    return build_mail(
        made.link.email,
        Letter(
            subject="Set a new password",
            lines=(f"Somebody asked for a new password for {made.link.email}.",),
            address=address,
            action="Set a new password",
            small="The link holds for an hour and counts once. "
            "If it was not you, do nothing: your password stays.",
        ),
    )


def write_email_link(made: MadeMailLink, address: str) -> Mail:
    return build_mail(
        made.link.email,
        Letter(
            subject="Confirm your email",
            lines=(f"You want to sign in with {made.link.email} from now on.",),
            address=address,
            action="Confirm the email",
            small="The link works for an hour, once, in a browser that is signed in to your "
            "account. If it was not you, do nothing: nothing changes.",
        ),
    )


def write_taken_notice(email: str, address: str) -> Mail:
    """Sent to an email that has an account, when the person of another account requests it."""
    return build_mail(
        email,
        Letter(
            subject="Your email has an account already",
            lines=(
                f"Somebody who is signed in with another email wants to sign in with {email}.",
                "It has an account of its own already, so nothing has changed.",
                "If it was you, and you do not know that account's password, set a new one.",
            ),
            address=address,
            action="Set a new password",
            small="If it was not you, do nothing: your account stays as it is.",
        ),
    )


def write_email_notice(old: str, new: str) -> Mail:
    return build_mail(
        old,
        Letter(
            subject="Your email has changed",
            lines=(
                f"Your account signs in with {new} from now on, no more with {old}.",
                "If it was not you, tell whoever runs this server at once.",
            ),
        ),
    )


def write_codes_notice(email: str, *, is_day_over: bool) -> Mail:
    """Says what happened and what to do; has no link, so that people do not learn to follow one."""
    what = f"Someone gave your password for {email}, then too many wrong codes."
    after = (
        "No more codes are accepted today (UTC), except in browsers in which you gave one before."
        if is_day_over
        else "The password has to be given again before another code is accepted."
    )
    return build_mail(
        email,
        Letter(
            subject="Wrong codes at sign-in",
            lines=(
                f"{what} {after}",
                "If this wasn't you, change your password now: someone else knows it.",
            ),
        ),
    )


def build_mail(to: str, letter: Letter) -> Mail:
    parts = (*letter.lines, letter.address, letter.small)
    html = TEMPLATES.get_template("mail.html").render(letter=letter)
    text = "\n\n".join(part for part in parts if part)
    return Mail(to=to, subject=letter.subject, text=f"{text}\n", html=html)


def describe_role(role: str) -> str:
    return f"{'an' if role[0] in 'aeo' else 'a'} {role}"
