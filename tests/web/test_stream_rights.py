"""A stream of clicks ends when its reader would no longer be let in."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from shorty.accounts.members import remove_member
from shorty.accounts.model import Actor, MadeSession
from shorty.accounts.service import Home, change_password, set_password
from shorty.accounts.sessions import end_other_sessions, end_session, start_session
from shorty.links.service import delete_link
from shorty.storage.database import Transaction
from shorty.web import link_page
from shorty.web.cookies import SESSION
from tests.api.house import House
from tests.api.visits import visit
from tests.rsgi_client import make_client
from tests.service import PATIENCE_S
from tests.support import DAY, NOW, make_colleague

if TYPE_CHECKING:
    import httpx

BOB: Final = "bob@a.example"
STREAM: Final = "/app/links/1/live"


class Scene(NamedTuple):
    house: House
    owner: Actor
    bob: Home
    here: MadeSession
    there: MadeSession

    async def write(self, work: Callable[[Transaction], object]) -> None:
        await self.house.app.db.write(work)


@pytest.fixture
async def scene(house: House) -> Scene:
    """Bob may see Ann's link, and is signed in twice."""
    await house.make_link(slug="sale")
    owner, db = await house.make_actor(), house.app.db
    bob = await make_colleague(db, owner, "viewer", BOB)
    here, there = [
        await db.write(
            lambda tx: start_session(tx, bob.user.id, owner.workspace_id, "Firefox", NOW)
        )
        for _ in range(2)
    ]
    return Scene(house, owner, bob, here, there)


@asynccontextmanager
async def watch(scene: Scene) -> "AsyncGenerator[asyncio.Task[httpx.Response]]":
    """The whole answer, once the stream has ended; Bob's first browser is watching by then."""
    async with make_client(scene.house.app) as client, asyncio.timeout(PATIENCE_S):
        client.cookies.set(SESSION, scene.here.text)
        stream = asyncio.create_task(client.get(STREAM))
        live = scene.house.app.services.recorder.live
        while not live.is_watched:  # noqa: ASYNC110 - it follows within this loop's next turns
            await asyncio.sleep(0)
        yield stream
        stream.cancel()


async def sign_out(scene: Scene) -> None:
    await scene.write(lambda tx: end_session(tx, scene.bob.user.id, scene.here.session.id, NOW))


async def sign_out_from_elsewhere(scene: Scene) -> None:
    user_id, session_id = scene.bob.user.id, scene.there.session.id
    await scene.write(lambda tx: end_other_sessions(tx, user_id, session_id, NOW))


async def change_the_password_elsewhere(scene: Scene) -> None:
    user_id, session_id = scene.bob.user.id, scene.there.session.id
    await scene.write(lambda tx: change_password(tx, user_id, session_id, "$hash", NOW))


async def have_the_operator_set_a_password(scene: Scene) -> None:
    await scene.write(lambda tx: set_password(tx, BOB, "$hash", NOW))


async def be_removed(scene: Scene) -> None:
    await scene.write(lambda tx: remove_member(tx, scene.owner, scene.bob.user.id, NOW))


async def let_the_session_expire(scene: Scene) -> None:
    scene.house.clock[0] += 30 * DAY


async def delete_the_link(scene: Scene) -> None:
    await delete_link(scene.house.app.services.links, scene.owner, 1, NOW)


async def move_the_link(scene: Scene) -> None:
    """No page can do this, only a person with access to the database."""
    await scene.write(lambda tx: tx.execute("insert into workspaces values (9, 'x', 'free', 0)"))
    await scene.write(lambda tx: tx.execute("update links set workspace_id = 9 where id = 1"))


ENDS: Final = (
    sign_out,
    sign_out_from_elsewhere,
    change_the_password_elsewhere,
    have_the_operator_set_a_password,
    be_removed,
    let_the_session_expire,
    delete_the_link,
    move_the_link,
)


@pytest.mark.parametrize("end", ENDS, ids=[end.__name__ for end in ENDS])
async def test_a_stream_ends_with_its_readers_right_to_it(
    scene: Scene, end: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_page, "BEAT_S", 0.01)
    async with watch(scene) as stream:
        await end(scene)
        answer = await stream
    assert answer.status_code == 200
    assert "<li" not in answer.text


async def test_a_click_after_that_is_not_shown(scene: Scene) -> None:
    """Before the next heartbeat, which is 3 s away."""
    async with watch(scene) as stream:
        await be_removed(scene)
        await visit(scene.house, {"link_id": 1})
        answer = await stream
    assert answer.text == link_page.RETRY.decode()


async def test_a_browser_that_is_signed_out_stops_asking_for_the_stream(scene: Scene) -> None:
    async with make_client(scene.house.app) as client:
        answer = await client.get(STREAM, headers={"accept": "text/event-stream"})
    assert answer.status_code == 204
