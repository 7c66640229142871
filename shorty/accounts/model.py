"""Defines who acts: people, their workspaces and roles, and the tokens that act for them.

Times are UTC milliseconds. Emails are stored as `emails.read_email` spells them.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from shorty.config import Plan

Role = Literal["owner", "admin", "editor", "viewer"]
Scope = Literal["read", "write", "admin"]
MailPurpose = Literal["password", "email"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """`email_verified_at` is None if nothing proves that the person reads that email."""

    id: int
    email: str
    name: str
    created_at: int
    email_verified_at: int | None


class ProvedUser(User, frozen=True, kw_only=True):
    """A person who gave the right password while the account had this `browsers_generation`.

    A new password starts another generation.
    """

    browsers_generation: int


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    plan: str
    created_at: int


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A person in a workspace; `created_at` is when they joined it.

    `has_signed_in`: to the dashboard, in any workspace.
    """

    user_id: int
    email: str
    name: str
    role: Role
    created_at: int
    email_verified_at: int | None
    has_signed_in: bool


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token without its secret, which is shown only once, when the token is created.

    `ended_at` is set once the token was seen to have expired, and stays set whatever the clock
    says.
    """

    id: int
    hint: str
    name: str
    scope: Scope
    workspace_id: int
    user_id: int
    user_email: str
    created_at: int
    expires_at: int | None
    ended_at: int | None
    last_used_at: int | None

    def is_over(self, now: int) -> bool:
        return self.ended_at is not None or (self.expires_at is not None and self.expires_at <= now)


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""
    scope: Scope = "write"
    expires_at: int | None = None


class MadeToken(msgspec.Struct, frozen=True, kw_only=True):
    """A new token with its secret, which is not stored and never shown again."""

    token: Token
    text: str


class TokenChange(msgspec.Struct, frozen=True, kw_only=True):
    name: str | UnsetType = UNSET
    expires_at: int | None | UnsetType = UNSET


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The first answer to a request with an Idempotency-Key; `location` may be empty."""

    request_digest: str
    status: int
    body: bytes
    location: str
    created_at: int


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """A person in a workspace, with the limits of their token or session and of the plan.

    An actor of an operator's command has neither a token nor a session.
    """

    user_id: int
    user_name: str
    user_email: str
    workspace_id: int
    role: Role
    scope: Scope
    plan: Plan
    token_id: int | None = None
    session_id: int | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser in which a person is signed in; `workspace_id` is the current workspace."""

    id: int
    user_id: int
    workspace_id: int
    user_agent: str
    created_at: int
    last_used_at: int
    expires_at: int


class MadeSession(msgspec.Struct, frozen=True, kw_only=True):
    """A new session with its cookie's value, which is not stored and never shown again."""

    session: Session
    text: str


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The person of a session, in the current workspace.

    `uses_single_keys` says whether the dashboard listens to keys without a modifier.
    `time_zone` is the IANA name that they chose; None for the browser's.
    """

    session: Session
    actor: Actor
    workspace_name: str
    uses_single_keys: bool
    time_zone: str | None


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """`is_mailed` means that the link was sent to the email and shown to no one."""

    id: int
    workspace_id: int
    workspace_name: str
    workspace_plan: str
    email: str
    role: Role
    inviter_name: str
    is_mailed: bool
    created_at: int
    expires_at: int


class MadeInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """A new invitation with its link's key, which is not stored and never shown again."""

    invitation: Invitation
    text: str


class MailLink(msgspec.Struct, frozen=True, kw_only=True):
    """`email` is the email that it was sent to."""

    user_id: int
    email: str
    expires_at: int


class MadeMailLink(msgspec.Struct, frozen=True, kw_only=True):
    """A new link with its key, which is not stored."""

    link: MailLink
    text: str
