"""Each statement reads and changes only the rows of the owner that it names.

Ann and Eve are in the same two workspaces, and each has two of everything.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from shorty.accounts import invitation_store, mail_link_store, session_store, store, token_store
from shorty.accounts import second_factor as factors
from shorty.accounts.model import Actor, KeptAnswer, NewToken, Role, Session, SignedIn
from shorty.config import Plan
from shorty.storage.database import Database, Transaction
from tests.reading import reader
from tests.support import NOW

ANN, EVE, ZOE = 1, 2, 3
ANNS, EVES = 1, 2
PLANS: Final = {"small": Plan(members=2), "large": Plan(members=9)}
END: Final = NOW + 1000
# Named by workspace and person: "11" is Ann in her own workspace, "12" Eve there.
MEMBERS: Final[tuple[tuple[int, int, Role, int], ...]] = (
    (ANNS, ANN, "owner", 10),
    (ANNS, EVE, "admin", 30),
    (EVES, ANN, "admin", 40),
    (EVES, EVE, "owner", 20),
)
KEYS: Final = {
    "users": ("id",),
    "workspaces": ("id",),
    "members": ("workspace_id", "user_id"),
    "sessions": ("id",),
    "tokens": ("id",),
    "second_factors": ("user_id",),
    "recovery_codes": ("user_id", "digest"),
    "mail_links": ("id",),
    "invitations": ("id",),
}
Changes = set[tuple[object, ...]]


def settle(tx: Transaction) -> None:
    for name in ("ann", "eve", "zoe"):
        store.insert_user(tx, f"{name}@a.example", name, None, NOW, verified_at=None)
    store.update_password(tx, EVE, "$hash")
    store.insert_workspace(tx, "Anns", "small", NOW)
    store.insert_workspace(tx, "Eves", "large", NOW)
    for place, person, role, joined in MEMBERS:
        store.insert_member(tx, place, person, role, joined)
        name = f"{place}{person}"
        token_id = token_store.insert_token(tx, name, "", place, person, NewToken(), NOW)
        invitation_store.replace_invitation(
            *(tx, name, place, f"{person}@b.example", "viewer", person, NOW, END), is_mailed=True
        )
        kept = KeptAnswer(request_digest=name, status=201, body=b"", location="", created_at=NOW)
        token_store.insert_kept_answer(tx, token_id, "key", kept, 0)
    for person in (ANN, EVE):
        for number, place in enumerate((ANNS, EVES, ANNS)):
            new = Session(
                id=0,
                user_id=person,
                workspace_id=place,
                user_agent="",
                created_at=NOW,
                last_used_at=NOW,
                expires_at=END,
            )
            is_half = number == 2
            session_store.insert_session(tx, f"{number}{person}", new, awaits_code=is_half)
        factors.put_second_factor(tx, person, f"secret {person}", NOW)
        factors.replace_recovery_codes(tx, person, ["a", "b"])
        for purpose in ("password", "email"):
            mail_link_store.insert_mail_link(
                *(tx, f"{purpose}{person}", person, purpose, "x@b.example", NOW, END)
            )


@pytest.fixture
async def settled(db: Database) -> Database:
    await db.write(settle)
    return db


def read_rows(db: Database) -> dict[tuple[object, ...], dict[str, object]]:
    """Every row by its table and key."""
    return {
        (table, *(row[column] for column in key)): dict(row)
        for table, key in KEYS.items()
        for row in reader(db).find_all(f"select * from {table}")  # noqa: S608 - names of ours
    }


WRITES: Final[dict[str, tuple[Callable[[Transaction], object], Changes]]] = {
    "update_name": (lambda tx: store.update_name(tx, ANN, "x"), {("users", ANN)}),
    "update_time_zone": (
        lambda tx: store.update_time_zone(tx, ANN, "Asia/Tokyo"),
        {("users", ANN)},
    ),
    "update_email": (lambda tx: store.update_email(tx, ANN, "x", NOW), {("users", ANN)}),
    "mark_email_verified": (lambda tx: store.mark_email_verified(tx, ANN, NOW), {("users", ANN)}),
    "update_password": (lambda tx: store.update_password(tx, ANN, "$x"), {("users", ANN)}),
    "mark_signed_in": (lambda tx: store.mark_signed_in(tx, ANN), {("users", ANN)}),
    "forget_browsers": (lambda tx: store.forget_browsers(tx, ANN), {("users", ANN)}),
    "claim_user": (
        lambda tx: store.claim_user(tx, ANN, "x", "x", "$x", verified_at=NOW),
        {("users", ANN)},
    ),
    "claim_user of one who has a password": (
        lambda tx: store.claim_user(tx, EVE, "x", "x", "$x", verified_at=NOW),
        set(),
    ),
    "update_workspace_name": (
        lambda tx: store.update_workspace_name(tx, ANNS, "x"),
        {("workspaces", ANNS)},
    ),
    "update_role": (
        lambda tx: store.update_role(tx, ANNS, EVE, "viewer"),
        {("members", ANNS, EVE)},
    ),
    "delete_member": (lambda tx: store.delete_member(tx, ANNS, EVE), {("members", ANNS, EVE)}),
    "count_wrong_code of a session": (
        lambda tx: session_store.count_wrong_code(tx, 3),
        {("sessions", 3)},
    ),
    "update_workspace": (
        lambda tx: session_store.update_workspace(tx, ANN, 1, EVES),
        {("sessions", 1)},
    ),
    "update_workspace of another's session": (
        lambda tx: session_store.update_workspace(tx, EVE, 1, EVES),
        set(),
    ),
    "mark_session_used": (
        lambda tx: session_store.mark_session_used(tx, 1, NOW + 1, 5, 9),
        {("sessions", 1)},
    ),
    "mark_session_ended": (
        lambda tx: session_store.mark_session_ended(tx, ANN, 1, NOW),
        {("sessions", 1)},
    ),
    "mark_session_ended of another's": (
        lambda tx: session_store.mark_session_ended(tx, EVE, 1, NOW),
        set(),
    ),
    "mark_other_sessions_ended": (
        lambda tx: session_store.mark_other_sessions_ended(tx, ANN, 1, NOW),
        {("sessions", 2), ("sessions", 3)},
    ),
    "mark_sessions_of_user_ended": (
        lambda tx: session_store.mark_sessions_of_user_ended(tx, ANN, NOW),
        {("sessions", 1), ("sessions", 2), ("sessions", 3)},
    ),
    "update_token": (lambda tx: token_store.update_token(tx, 1, "x", None), {("tokens", 1)}),
    "mark_token_revoked": (lambda tx: token_store.mark_token_revoked(tx, 1, NOW), {("tokens", 1)}),
    "mark_tokens_of_member_revoked": (
        lambda tx: token_store.mark_tokens_of_member_revoked(tx, ANNS, EVE, NOW),
        {("tokens", 2)},
    ),
    "mark_tokens_of_user_revoked": (
        lambda tx: token_store.mark_tokens_of_user_revoked(tx, ANN, NOW),
        {("tokens", 1), ("tokens", 3)},
    ),
    "mark_token_used": (lambda tx: token_store.mark_token_used(tx, 1, NOW), {("tokens", 1)}),
    "put_second_factor": (
        lambda tx: factors.put_second_factor(tx, ANN, "x", NOW),
        {("second_factors", ANN)},
    ),
    "mark_confirmed": (
        lambda tx: factors.mark_confirmed(tx, ANN, NOW),
        {("second_factors", ANN)},
    ),
    "update_last_step": (
        lambda tx: factors.update_last_step(tx, ANN, 9),
        {("second_factors", ANN)},
    ),
    "count_wrong_code": (
        lambda tx: factors.count_wrong_code(tx, ANN, 9),
        {("second_factors", ANN)},
    ),
    "delete_second_factor": (
        lambda tx: factors.delete_second_factor(tx, ANN),
        {("second_factors", ANN), ("recovery_codes", ANN, "a"), ("recovery_codes", ANN, "b")},
    ),
    "replace_recovery_codes": (
        lambda tx: factors.replace_recovery_codes(tx, ANN, ["a", "c"]),
        {("recovery_codes", ANN, "b"), ("recovery_codes", ANN, "c")},
    ),
    "delete_recovery_code": (
        lambda tx: factors.delete_recovery_code(tx, ANN, "a"),
        {("recovery_codes", ANN, "a")},
    ),
    "delete_mail_links_of": (
        lambda tx: mail_link_store.delete_mail_links_of(tx, ANN),
        {("mail_links", 1), ("mail_links", 2)},
    ),
    "delete_mail_links_for": (
        lambda tx: mail_link_store.delete_mail_links_for(tx, ANN, "email"),
        {("mail_links", 2)},
    ),
    "mark_shown": (lambda tx: invitation_store.mark_shown(tx, "12"), {("invitations", 2)}),
    "replace_invitation": (
        lambda tx: invitation_store.replace_invitation(
            *(tx, "x", ANNS, "2@b.example", "viewer", ANN, NOW, END), is_mailed=False
        ),
        {("invitations", 2)},
    ),
    "delete_invitation": (
        lambda tx: invitation_store.delete_invitation(tx, ANNS, 2),
        {("invitations", 2)},
    ),
    "delete_invitation of another workspace": (
        lambda tx: invitation_store.delete_invitation(tx, EVES, 2),
        set(),
    ),
    "delete_invitations_by": (
        lambda tx: invitation_store.delete_invitations_by(tx, ANNS, EVE),
        {("invitations", 2)},
    ),
    "delete_invitations_of_inviter": (
        lambda tx: invitation_store.delete_invitations_of_inviter(tx, EVE),
        {("invitations", 2), ("invitations", 4)},
    ),
}


@pytest.mark.parametrize(("write", "changes"), WRITES.values(), ids=WRITES)
async def test_a_write_changes_its_owners_rows_and_no_others(
    settled: Database, write: Callable[[Transaction], object], changes: Changes
) -> None:
    before = read_rows(settled)
    await settled.write(write)
    after = read_rows(settled)
    assert {key for key in before | after if before.get(key) != after.get(key)} == changes


def describe_actor(actor: Actor | None) -> object:
    if actor is None:
        return None
    named = (actor.user_id, actor.user_name, actor.user_email)
    return (*named, actor.workspace_id, actor.role, actor.plan.members)


def describe_signed_in(found: SignedIn | None) -> object:
    if found is None:
        return None
    return (found.session.id, found.workspace_name, describe_actor(found.actor))


def name_user(found: object) -> object:
    return getattr(found, "name", None)


ANN_AT_HOME: Final = (ANN, "ann", "ann@a.example", ANNS, "owner", 2)
EVE_AT_ANNS: Final = (EVE, "eve", "eve@a.example", ANNS, "admin", 2)
ANN_AT_EVES: Final = (ANN, "ann", "ann@a.example", EVES, "admin", 9)
EVE_AT_HOME: Final = (EVE, "eve", "eve@a.example", EVES, "owner", 9)

LOOKS: Final[dict[str, tuple[Callable[[Database], object], object]]] = {
    "find_user_by_id": (
        lambda db: [name_user(store.find_user_by_id(reader(db), each)) for each in (ANN, EVE, 9)],
        ["ann", "eve", None],
    ),
    "has_password": (
        lambda db: [store.has_password(reader(db), each) for each in (ANN, EVE, ZOE)],
        [False, True, False],
    ),
    "find_browsers_generation": (
        lambda db: [store.find_browsers_generation(reader(db), each) for each in (ANN, EVE, 9)],
        [0, 1, -1],
    ),
    "find_member": (
        lambda db: [
            (member.user_id, member.name, member.role, member.created_at)
            for place, person, _, _ in MEMBERS
            if (member := store.find_member(reader(db), place, person))
        ],
        [
            (ANN, "ann", "owner", 10),
            (EVE, "eve", "admin", 30),
            (ANN, "ann", "admin", 40),
            (EVE, "eve", "owner", 20),
        ],
    ),
    "find_member where there is none": (lambda db: store.find_member(reader(db), ANNS, ZOE), None),
    "look_up_signed_in": (
        lambda db: [
            describe_signed_in(session_store.find_signed_in(reader(db), digest, PLANS, NOW))
            for digest in ("01", "11", "02", "12", "21")
        ],
        [
            (1, "Anns", ANN_AT_HOME),
            (2, "Eves", ANN_AT_EVES),
            (4, "Anns", EVE_AT_ANNS),
            (5, "Eves", EVE_AT_HOME),
            None,
        ],
    ),
    "look_up_role of a session": (
        lambda db: [
            session_store.look_up_role(reader(db), *each, NOW)
            for each in ((1, ANN, ANNS), (1, ANN, EVES), (4, EVE, ANNS), (4, EVE, EVES))
        ],
        ["owner", "admin", "admin", "owner"],
    ),
    "look_up_role of no session of theirs": (
        lambda db: [
            session_store.look_up_role(reader(db), *each, NOW)
            for each in ((1, EVE, ANNS), (3, ANN, ANNS), (9, ANN, ANNS), (1, ANN, 9))
        ],
        [None] * 4,
    ),
    "is_session_valid": (
        lambda db: [
            session_store.is_session_valid(reader(db), *each, NOW)
            for each in ((1, ANN), (4, EVE), (1, EVE), (3, ANN), (9, ANN))
        ],
        [True, True, False, False, False],
    ),
    "find_half_session": (
        lambda db: [
            half and (half.id, half.user_id)
            for digest in ("21", "22", "01")
            for half in (session_store.find_half_session(reader(db), digest, NOW),)
        ],
        [(3, ANN), (6, EVE), None],
    ),
    "look_up_actor": (
        lambda db: [
            describe_actor(token_store.find_actor(reader(db), digest, PLANS, NOW))
            for digest in ("11", "12", "21", "22")
        ],
        [ANN_AT_HOME, EVE_AT_ANNS, ANN_AT_EVES, EVE_AT_HOME],
    ),
    "look_up_role of a token": (
        lambda db: [
            token_store.look_up_role(reader(db), *each, NOW)
            for each in ((1, ANN, ANNS), (2, EVE, ANNS), (3, ANN, EVES), (4, EVE, EVES))
        ],
        ["owner", "admin", "admin", "owner"],
    ),
    "look_up_role of no token of theirs": (
        lambda db: [
            token_store.look_up_role(reader(db), *each, NOW)
            for each in ((1, EVE, ANNS), (1, ANN, EVES), (9, ANN, ANNS))
        ],
        [None] * 3,
    ),
    "find_token": (
        lambda db: [
            (token.id, token.user_email)
            for each in (1, 2)
            if (token := token_store.find_token(reader(db), each))
        ],
        [(1, "ann@a.example"), (2, "eve@a.example")],
    ),
    "count_tokens_of_user": (
        lambda db: [
            token_store.count_tokens_of_user(reader(db), each, NOW) for each in (ANN, EVE, ZOE)
        ],
        [2, 2, 0],
    ),
    "look_up_kept_answer": (
        lambda db: [
            kept and kept.request_digest
            for each in (1, 4, 9)
            for kept in (token_store.find_kept_answer(reader(db), each, "key", 0),)
        ],
        ["11", "22", None],
    ),
    "find_second_factor": (
        lambda db: [
            factor and factor.secret
            for each in (ANN, EVE, ZOE)
            for factor in (factors.find_second_factor(reader(db), each),)
        ],
        ["secret 1", "secret 2", None],
    ),
    "count_recovery_codes": (
        lambda db: [factors.count_recovery_codes(reader(db), each) for each in (ANN, ZOE)],
        [2, 0],
    ),
    "find_invitation": (
        lambda db: [
            (each.id, each.workspace_name, each.workspace_plan, each.inviter_name)
            for digest in ("11", "12", "21", "22")
            if (each := invitation_store.find_invitation(reader(db), digest, NOW))
        ],
        [
            (1, "Anns", "small", "ann"),
            (2, "Anns", "small", "eve"),
            (3, "Eves", "large", "ann"),
            (4, "Eves", "large", "eve"),
        ],
    ),
    "find_invitation_by_id": (
        lambda db: [
            each and each.id
            for place, number in ((ANNS, 1), (ANNS, 2), (EVES, 2), (EVES, 4))
            for each in (invitation_store.find_invitation_by_id(reader(db), place, number),)
        ],
        [1, 2, None, 4],
    ),
}


@pytest.mark.parametrize(("look", "expected"), LOOKS.values(), ids=LOOKS)
async def test_a_look_finds_its_owners_rows_and_no_others(
    settled: Database, look: Callable[[Database], object], expected: object
) -> None:
    assert look(settled) == expected


def demote_ann(tx: Transaction) -> Transaction:
    store.update_role(tx, ANNS, ANN, "admin")
    return tx


def send_eve_home(tx: Transaction) -> Transaction:
    store.delete_member(tx, ANNS, EVE)
    return tx


READS: Final[dict[str, tuple[Callable[[Transaction], object], object]]] = {
    "count_owned_workspaces": (
        lambda tx: [store.count_owned_workspaces(tx, each) for each in (ANN, EVE, ZOE)],
        [1, 1, 0],
    ),
    "find_oldest_workspace": (lambda tx: name_user(store.find_oldest_workspace(tx)), "Anns"),
    "find_oldest_workspace with an owner": (
        lambda tx: name_user(store.find_oldest_workspace(demote_ann(tx))),
        "Eves",
    ),
    "find_first_workspace_of": (
        lambda tx: [name_user(store.find_first_workspace_of(tx, each)) for each in (ANN, EVE, ZOE)],
        ["Anns", "Eves", None],
    ),
    "find_own_workspace": (
        lambda tx: [name_user(store.find_own_workspace(tx, each)) for each in (ANN, EVE, ZOE)],
        ["Anns", "Eves", None],
    ),
    "find_first_owner": (
        lambda tx: [name_user(store.find_first_owner(tx, each)) for each in (ANNS, EVES, 9)],
        ["ann", "eve", None],
    ),
    "has_owner": (
        lambda tx: [store.has_owner(demote_ann(tx), each) for each in (ANNS, EVES)],
        [False, True],
    ),
    "has_member_with_email": (
        lambda tx: [
            store.has_member_with_email(send_eve_home(tx), place, f"{name}@a.example")
            for place in (ANNS, EVES)
            for name in ("ann", "eve", "zoe")
        ],
        [True, False, False, True, True, False],
    ),
    "count_invitations": (
        lambda tx: [invitation_store.count_invitations(tx, each, NOW) for each in (ANNS, 9)],
        [2, 0],
    ),
    "find_invitation of one who has left": (
        lambda tx: invitation_store.find_invitation(send_eve_home(tx), "12", NOW),
        None,
    ),
}


@pytest.mark.parametrize(("read", "expected"), READS.values(), ids=READS)
async def test_a_read_within_a_write_finds_its_owners_rows_and_no_others(
    settled: Database, read: Callable[[Transaction], object], expected: object
) -> None:
    assert await settled.write(read) == expected


async def list_members(db: Database) -> object:
    return [
        [(each.user_id, each.name, each.role) for each in await store.list_members(db, place, 0, 9)]
        for place in (ANNS, EVES)
    ]


async def list_workspaces(db: Database) -> object:
    await db.write(send_eve_home)
    return [
        [each.name for each in await store.list_workspaces_of(db, person)]
        for person in (ANN, EVE, ZOE)
    ]


async def list_sessions(db: Database) -> object:
    return [
        [each.id for each in await session_store.list_sessions(db, person, NOW)]
        for person in (ANN, EVE)
    ]


async def list_tokens(db: Database) -> object:
    return [
        [(each.id, each.user_email) for each in await token_store.list_tokens(db, place, 0, 9)]
        for place in (ANNS, EVES)
    ]


async def list_all_tokens(db: Database) -> object:
    return [(each.id, each.user_email) for each in await token_store.list_all_tokens(db)]


async def list_invitations(db: Database) -> object:
    return [
        [each.id for each in await invitation_store.list_invitations(db, place, NOW)]
        for place in (ANNS, EVES)
    ]


LISTS: Final[dict[Callable[[Database], Awaitable[object]], object]] = {
    list_members: [
        [(ANN, "ann", "owner"), (EVE, "eve", "admin")],
        [(ANN, "ann", "admin"), (EVE, "eve", "owner")],
    ],
    list_workspaces: [["Anns", "Eves"], ["Eves"], []],
    list_sessions: [[2, 1], [5, 4]],
    list_tokens: [
        [(1, "ann@a.example"), (2, "eve@a.example")],
        [(3, "ann@a.example"), (4, "eve@a.example")],
    ],
    list_all_tokens: [
        *((1, "ann@a.example"), (2, "eve@a.example")),
        *((3, "ann@a.example"), (4, "eve@a.example")),
    ],
    list_invitations: [[1, 2], [3, 4]],
}


@pytest.mark.parametrize(("list_rows", "expected"), LISTS.items())
async def test_a_list_has_its_owners_rows_and_no_others(
    settled: Database, list_rows: Callable[[Database], Awaitable[object]], expected: object
) -> None:
    assert await list_rows(settled) == expected
