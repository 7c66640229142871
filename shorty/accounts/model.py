"""Who acts: people, their workspaces and roles, and the tokens that speak for them.

Times are UTC milliseconds. E-mail addresses are kept as `emails.read_email` spells them.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from shorty.config import Plan

Role = Literal["owner", "admin", "editor", "viewer"]
Scope = Literal["read", "write", "admin"]
MailPurpose = Literal["password", "email"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """`email_verified_at` is None where nothing proves that they read mail to that address."""

    id: int
    email: str
    name: str
    created_at: int
    email_verified_at: int | None


class ProvedUser(User, frozen=True, kw_only=True):
    """Somebody who gave the right password while `browsers_generation` was the account's.

    A new password, above all, begins another generation.
    """

    browsers_generation: int


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    plan: str
    created_at: int


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A person in a workspace; `created_at` is when they joined it."""

    user_id: int
    email: str
    name: str
    role: Role
    created_at: int
    email_verified_at: int | None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it may be shown; the secret itself is shown once, when it is created.

    `ended_at` is set once it was seen to have expired: it stays so, whatever the clock says then.
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
    """A new token with its text, which is nowhere else and never shown again."""

    token: Token
    text: str


class TokenChange(msgspec.Struct, frozen=True, kw_only=True):
    name: str | UnsetType = UNSET
    expires_at: int | None | UnsetType = UNSET


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a request with an Idempotency-Key was answered first; `location` may be empty."""

    request_digest: str
    status: int
    body: bytes
    location: str
    created_at: int


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """One person in one workspace, with what the token or session allows and the plan limits.

    Neither a token nor a session has somebody who acts by a command of the operator's.
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
    """A browser in which somebody is signed in; `workspace_id` is the one looked at."""

    id: int
    user_id: int
    workspace_id: int
    user_agent: str
    created_at: int
    last_used_at: int
    expires_at: int


class MadeSession(msgspec.Struct, frozen=True, kw_only=True):
    """A new session with its cookie's value, which is nowhere else and never shown again."""

    session: Session
    text: str


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Who a session speaks for, in the workspace looked at."""

    session: Session
    actor: Actor
    workspace_name: str


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """`is_mailed`: the link was sent to the address and shown to nobody."""

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
    """A new invitation with its link's key, which is nowhere else and never shown again."""

    invitation: Invitation
    text: str


class MailLink(msgspec.Struct, frozen=True, kw_only=True):
    """`email` is where it was sent."""

    user_id: int
    email: str
    expires_at: int


class MadeMailLink(msgspec.Struct, frozen=True, kw_only=True):
    """A new link with its key, which is nowhere else."""

    link: MailLink
    text: str
