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


LONGEST_NAME: Final = 60


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """`action` labels the button of the HTML; `small` is below it."""

    subject: str
    lines: tuple[str, ...]
    address: str = ""
    action: str = ""
    small: str = ""


def write_invitation(made: MadeInvitation, address: str, *, site: str, reply_to: str = "") -> Mail:
    """`reply_to` is the inviter's email, if it is verified; `site` is the installation's host."""
    invitation = made.invitation
    inviter = write_on_one_line(invitation.inviter_name)
    what = f"the workspace “{invitation.workspace_name}” on {site}"
    return build_mail(
        invitation.email,
        Letter(
            subject=f"{inviter} invited you to {site}",
            lines=(f"{inviter} invited you to {what}, as {describe_role(invitation.role)}.",),
            address=address,
            action="Accept the invitation",
            small="This link works once and expires in seven days. "
            "Not expecting it? Ignore this email.",
        ),
        reply_to,
    )


def write_password_link(made: MadeMailLink, address: str) -> Mail:
    return build_mail(
        made.link.email,
        Letter(
            subject="Reset your password",
            lines=(f"A new password was requested for {made.link.email}.",),
            address=address,
            action="Set a new password",
            small="This link works once and expires in an hour. "
            "If it wasn't you, ignore this email: your password stays as it is.",
        ),
    )


def write_email_link(made: MadeMailLink, address: str) -> Mail:
    return build_mail(
        made.link.email,
        Letter(
            subject="Confirm your email",
            lines=(f"Confirm that you want to sign in with {made.link.email}.",),
            address=address,
            action="Confirm this email",
            small="This link works once, in a browser where you are signed in, and expires in an "
            "hour. If it wasn't you, ignore this email: nothing changes.",
        ),
    )


def write_taken_notice(email: str, address: str) -> Mail:
    """Sent to an email that has an account, when the person of another account requests it."""
    return build_mail(
        email,
        Letter(
            subject="Your email already has an account",
            lines=(
                f"Someone who signs in with another email wants to sign in with {email}.",
                "It already has an account of its own, so nothing has changed.",
                "If it was you, and you don't know that account's password, set a new one.",
            ),
            address=address,
            action="Set a new password",
            small="If it wasn't you, ignore this email: your account stays as it is.",
        ),
    )


def write_email_notice(old: str, new: str) -> Mail:
    return build_mail(
        old,
        Letter(
            subject="Your email has changed",
            lines=(
                f"You now sign in with {new}, no longer with {old}.",
                "If it wasn't you, contact the person who runs this server at once.",
            ),
        ),
    )


def write_codes_notice(email: str, *, is_day_over: bool) -> Mail:
    """Says what happened and what to do; has no link, so that people do not learn to follow one."""
    what = f"Someone entered your password for {email}, then too many wrong codes."
    after = (
        "No more codes are accepted today (UTC), except in browsers in which you entered one "
        "before."
        if is_day_over
        else "The password has to be entered again before another code is accepted."
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


def build_mail(to: str, letter: Letter, reply_to: str = "") -> Mail:
    parts = (*letter.lines, letter.address, letter.small)
    html = TEMPLATES.get_template("mail.html").render(letter=letter)
    text = "\n\n".join(part for part in parts if part)
    return Mail(to=to, reply_to=reply_to, subject=letter.subject, text=f"{text}\n", html=html)


def write_on_one_line(text: str) -> str:
    """A person's name for a header: without line breaks and other characters that do not show."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(shown.split())[:LONGEST_NAME]


def describe_role(role: str) -> str:
    return f"{'an' if role[0] in 'aeo' else 'a'} {role}"
