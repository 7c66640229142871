"""Changes of accounts, members, tokens and domains are logged: who did what, by ids alone."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from shorty.accounts.invitations import revoke_invitation
from tests.api.house import House
from tests.support import make_home

Events = list[MutableMapping[str, Any]]


@pytest.fixture
def events() -> Iterator[Events]:
    with capture_logs() as events:
        yield events


def read(events: Events) -> list[dict[str, Any]]:
    """Without the level, which is that of news."""
    assert all(each["log_level"] == "info" for each in events)
    found = [{key: each[key] for key in each if key != "log_level"} for each in events]
    events.clear()
    return found


async def call(client: httpx.AsyncClient, method: str, path: str, body: object = None) -> Any:
    answer = await client.request(method, f"/api/v1{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def test_tokens(house: House, events: Events) -> None:
    admin, actor = await house.make_client(), await house.make_actor()
    events.clear()
    made = await call(admin, "POST", "/tokens", {"name": "ci", "scope": "read"})
    token_id = int(made["token"]["id"])
    owned = {"token_id": token_id, "workspace_id": actor.workspace_id}
    by = {"by": actor.user_id}
    assert read(events) == [
        {"event": "token_created", **owned, "user_id": actor.user_id, "scope": "read"}
    ]
    await call(admin, "PATCH", f"/tokens/{token_id}", {"name": "cd"})
    await call(admin, "DELETE", f"/tokens/{token_id}")
    assert read(events) == [
        {"event": "token_changed", **owned, **by},
        {"event": "token_revoked", **owned, **by},
    ]
    assert made["token"]["token"] not in str(events)


async def test_domains(house: House, events: Events) -> None:
    admin, actor = await house.make_client(), await house.make_actor()
    events.clear()
    made = await call(admin, "POST", "/domains", {"host": "go.acme.example"})
    path = f"/domains/{made['domain']['id']}"
    await call(admin, "PATCH", path, {"rootRedirect": "https://example.com/"})
    await call(admin, "DELETE", path)
    of = {"host": "go.acme.example", "workspace_id": actor.workspace_id}
    assert read(events) == [
        {"event": event, **of} for event in ("domain_added", "domain_changed", "domain_removed")
    ]


async def test_members(house: House, events: Events) -> None:
    admin, actor = await house.make_client(), await house.make_actor()
    events.clear()
    made = await call(admin, "POST", "/members", {"email": "bob@a.example", "role": "editor"})
    invitation_id = int(made["invitation"]["id"])
    await house.app.db.write(lambda tx: revoke_invitation(tx, actor, invitation_id))
    of, by = {"workspace_id": actor.workspace_id}, {"by": actor.user_id}
    assert read(events) == [
        {"event": "member_invited", **of, "role": "editor", **by},
        {"event": "invitation_withdrawn", **of, **by},
    ]


async def test_what_is_refused_is_not_logged(house: House, events: Events) -> None:
    admin = await house.make_client()
    await make_home(house.app.db, house.app.config, email="eve@b.example")
    events.clear()
    for path, body in (("/tokens", {"scope": "all"}), ("/domains", {"host": "no host"})):
        assert (await admin.post(f"/api/v1{path}", json=body)).status_code == 422
    assert events == []
