"""Who acts: people, their workspaces and roles, and the tokens that speak for them."""

from typing import Literal

import msgspec

from shorty.config import Plan

Role = Literal["owner", "admin", "editor", "viewer"]
Scope = Literal["read", "write", "admin"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    email: str
    name: str
    created_at: int


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    plan: str
    created_at: int


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it may be shown; the secret itself is shown once, when it is made."""

    id: int
    hint: str
    name: str
    scope: Scope
    workspace_id: int
    user_id: int
    user_email: str
    created_at: int
    expires_at: int | None
    last_used_at: int | None


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """One person in one workspace, with what the token or session allows and the plan limits."""

    user_id: int
    user_name: str
    user_email: str
    workspace_id: int
    role: Role
    scope: Scope
    plan: Plan
    token_id: int | None = None
