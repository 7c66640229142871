"""Builds scenarios for tests: a real database, people in workspaces, their tokens."""

import asyncio
import atexit
import shutil
import tempfile
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import certifi
from msgspec import structs

from shorty.accounts.invitations import (
    accept_as_new_person,
    accept_invitation,
    create_invitation,
)
from shorty.accounts.model import Actor, NewToken, ProvedUser, Role, Scope, User
from shorty.accounts.service import Home, add_user, get_home
from shorty.accounts.store import find_browsers_generation, find_user
from shorty.accounts.tokens import create_token_for, find_actor
from shorty.config import Config, Plan, StorageConfig
from shorty.databases import open_database
from shorty.pools import WorkerThreads
from shorty.sqlite.migrations import prepare_database
from shorty.storage.database import Database, Reader, Transaction
from tests.copies import find_databases
from tests.reading import reader

# 2026-11-22 12:00 UTC: the middle of a month, so that quotas have a before and an after.
NOW = 1_795_348_800_000
MINUTE = 60_000
DAY = 86_400_000


def write_one_authority() -> Path:
    """A file with the first of the certificates that browsers trust."""
    end = "-----END CERTIFICATE-----\n"
    path = make_folder() / "authority.pem"
    path.write_text(certifi.contents().partition(end)[0] + end)
    return path


def make_folder() -> Path:
    """A folder that all tests of this process share."""
    folder = Path(tempfile.mkdtemp(prefix="shorty-tests-"))
    atexit.register(shutil.rmtree, folder)
    return folder


@cache
def find_template() -> Path:
    """An empty, migrated database, created once per process: copying is faster than migrating."""
    path = make_folder() / "template.db"
    prepare_database(path, now=0)
    return path


def prepare_copy(folder: Path) -> Path:
    path = folder / "shorty.db"
    shutil.copyfile(find_template(), path)
    return path


def make_storage(folder: Path) -> StorageConfig:
    """An empty, migrated database of the engine that is tested, for a server of this folder."""
    if (databases := find_databases()) is None:
        return StorageConfig(database=str(prepare_copy(folder)))
    return StorageConfig(database=databases.create_for(folder), folder=str(folder))


def find_storage(folder: Path) -> StorageConfig:
    """The one that was made for the folder before."""
    if (databases := find_databases()) is None:
        return StorageConfig(database=str(folder / "shorty.db"))
    return StorageConfig(database=databases.find_for(folder), folder=str(folder))


async def open_new(folder: Path) -> Database:
    """An empty database, opened."""
    return await open_database(make_storage(folder))


async def break_table(db: Database, table: str) -> None:
    """Afterwards a statement that touches the table fails as if the database were not there."""
    on_sqlite = f"alter table {table} rename to gone"
    on_postgres = f"revoke all on {table} from current_user"
    await db.write(lambda tx: tx.execute(on_sqlite if db.here else on_postgres))


async def mend_table(db: Database, table: str) -> None:
    """Undoes `break_table`."""
    on_sqlite = f"alter table gone rename to {table}"
    on_postgres = f"grant all on {table} to current_user"
    await db.write(lambda tx: tx.execute(on_sqlite if db.here else on_postgres))


async def make_home(
    db: Database, config: Config | None = None, email: str = "ann@a.example"
) -> Home:
    """A person with their own workspace."""
    settings = config or Config()
    return await db.write(lambda tx: add_user(tx, settings, email, NOW))


def prove(rows: Reader, user: User) -> ProvedUser:
    """As `check_password` returns them after the right password."""
    generation = find_browsers_generation(rows, user.id)
    return ProvedUser(**structs.asdict(user), browsers_generation=generation)


async def make_token(
    db: Database,
    home: Home,
    *,
    scope: Scope = "admin",
    name: str = "",
    expires_at: int | None = None,
) -> str:
    """The text of a new token for the person of `home` in its workspace."""
    new = NewToken(name=name, scope=scope, expires_at=expires_at)
    made = await db.write(
        lambda tx: create_token_for(tx, home.workspace.id, home.user.id, new, NOW)
    )
    return made.text


def build_actor(*, role: Role = "owner", scope: Scope = "admin", workspace_id: int = 1) -> Actor:
    """An actor who need not exist in the database."""
    return Actor(
        user_id=1,
        user_name="Ann",
        user_email="ann@a.example",
        workspace_id=workspace_id,
        role=role,
        scope=scope,
        plan=Plan(),
    )


async def make_actor(
    db: Database, home: Home, *, scope: Scope = "admin", config: Config | None = None
) -> Actor:
    plans = (config or Config()).plans
    return find_actor(reader(db), await make_token(db, home, scope=scope), plans, NOW)


async def make_colleague(
    db: Database, actor: Actor, role: Role, email: str = "bob@a.example"
) -> Home:
    """A person who joins the actor's workspace by a mailed invitation."""

    def work(tx: Transaction) -> Home:
        join_workspace(tx, actor, role, email)
        return get_home(tx, email)

    return await db.write(work)


@asynccontextmanager
async def flood(pool: WorkerThreads) -> AsyncGenerator[None]:
    """Keeps the pool's threads busy and its queue full, with each job from another network."""
    go_on = threading.Event()
    tasks: list[asyncio.Task[bool]] = []
    while pool.slots.waiting < pool.slots.most_waiting:
        owner = f"flooding network {len(tasks)}"
        tasks.append(asyncio.create_task(pool.run(owner, lambda: go_on.wait(10))))
        await asyncio.sleep(0)
    try:
        yield
    finally:
        go_on.set()
        await asyncio.gather(*tasks)


def join_workspace(tx: Transaction, actor: Actor, role: Role, email: str) -> User:
    """With the email's account, or a new one."""
    made = create_invitation(tx, actor, email, role, NOW, is_mailed=True)
    plans = {actor.plan.name: actor.plan, **Config().plans}
    if (user := find_user(tx, email)) is None:
        return accept_as_new_person(tx, plans, made.text, "", "$hash", NOW)
    accept_invitation(tx, plans, made.text, user.id, NOW)
    return user
