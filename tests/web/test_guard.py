"""Who gets in, and which forms are accepted."""

import re

import pytest
from msgspec.structs import replace

from shorty.accounts.service import list_users, list_workspaces
from shorty.accounts.sessions import end_other_sessions, end_session
from shorty.accounts.tokens import list_all_tokens
from shorty.app import App
from shorty.config import Config, DashboardConfig
from shorty.web.cookies import FORMS, SESSION
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.web.browser import Browser
from tests.web.conftest import SignIn

DAY = 86_400_000


async def test_whoever_is_not_signed_in_is_sent_there_and_back(house: House) -> None:
    async with make_client(house.app) as client:
        answer = await client.get("/app/tags?page=2")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/app/sign-in?next=/app/tags%3Fpage%3D2"
        assert (await client.post("/app/tags", data={"name": "x"})).status_code == 303


@pytest.mark.parametrize("cookie", ["", "wrong", "x" * 5000, "é"])
async def test_a_cookie_that_is_none_signs_nobody_in(house: House, cookie: str) -> None:
    async with make_client(house.app) as client:
        headers = [(b"cookie", f"{SESSION}={cookie}".encode("latin-1"))]
        assert (await client.get("/app/tags", headers=headers)).status_code == 303


async def test_an_ended_session_stops_at_once(house: House, owner: Browser) -> None:
    user_id = house.home.user.id
    await house.app.db.write(lambda tx: end_session(tx, user_id, 1, house.now))
    assert (await owner.open("/app/tags")).status_code == 303


async def test_a_session_ends_by_itself(house: House, owner: Browser) -> None:
    await house.settle()
    house.clock[0] += 31 * DAY
    assert (await owner.open("/app/tags")).status_code == 303


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
async def test_a_form_without_its_token_changes_nothing(owner: Browser, token: str) -> None:
    answer = await owner.send("/app/tags", {"name": "Mine"}, token=token)
    assert answer.status_code == 403
    assert "No tags yet" in (await owner.open("/app/tags")).text


async def test_a_token_serves_its_own_session_and_browser_alone(
    house: House, owner: Browser, sign_in: SignIn
) -> None:
    other = await sign_in(house.home)
    assert (await owner.send("/app/tags", {"name": "a"}, token=other.token)).status_code == 403
    del owner.client.cookies[FORMS]
    assert (await owner.send("/app/tags", {"name": "a"})).status_code == 403


async def test_a_page_names_its_own_scripts_and_styles_alone(owner: Browser) -> None:
    answer = await owner.open("/app/tags")
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
    assert nonce
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    marked = re.findall(r"<(?:script|link rel=\"stylesheet\")[^>]*nonce=\"([\w-]+)\"", answer.text)
    assert set(marked) == {nonce[1]}
    assert " style=" not in answer.text
    assert (await owner.open("/app/tags")).headers["content-security-policy"] != policy


async def test_cookies_are_kept_from_scripts_and_from_other_sites(house: House) -> None:
    async with make_client(house.app) as client:
        answer = await client.get("/app/nowhere", headers={"x-forwarded-proto": "https"})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-shorty_forms=")
        assert "Path=/; " in cookie
        assert cookie.endswith("HttpOnly; SameSite=Lax; Secure")
        assert "Domain" not in cookie


async def test_other_origins_are_not_let_in(owner: Browser) -> None:
    answer = await owner.open("/app/tags", origin="https://evil.example")
    assert "access-control-allow-origin" not in answer.headers


async def test_what_is_not_there_says_so(owner: Browser) -> None:
    answer = await owner.open("/app/nowhere")
    assert answer.status_code == 404
    assert "Page not found" in answer.text


@pytest.mark.parametrize(
    ("place", "above"),
    [
        ("/app/account/password", "/app/account"),
        ("/app/tokens/7/revoke", "/app/tokens/7"),
        ("/app/tokens/7", "/app/tokens"),
        ("/app/tokens/%0d%0aA:%20b/revoke", "/app/tokens/%0D%0AA%3A%20b"),
    ],
)
async def test_where_a_form_was_sent_to_leads_to_the_page_above(
    owner: Browser, place: str, above: str
) -> None:
    answer = await owner.open(place)
    assert (answer.status_code, answer.headers["location"]) == (303, above)


@pytest.mark.parametrize("place", ["/app/tokens", "/app/account/name", "/app/workspaces"])
@pytest.mark.parametrize("files", [{}, {"file": ("a.txt", b"a")}], ids=["form", "parts"])
async def test_a_form_that_arrives_after_its_session_has_ended_does_nothing(
    house: House, owner: Browser, place: str, files: dict[str, tuple[str, bytes]]
) -> None:
    """A form with files may take ten minutes; what it creates would outlast the session."""
    db = house.app.db
    late = make_client(
        house.app,
        meanwhile=lambda: db.write(lambda tx: end_other_sessions(tx, 1, 0, house.now)),
    )
    async with late:
        late.cookies.update(owner.client.cookies)
        answer = await late.post(
            place, data={"form_token": owner.token, "name": "Eve"}, files=files or None
        )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/app/sign-in?next=/app/drafts/")
    assert await list_all_tokens(db) == []
    assert [user.name for user in await list_users(db)] == ["ann"]
    assert len(await list_workspaces(db, 1)) == 1


async def test_files_are_kept_for_good_and_packed(house: House, owner: Browser) -> None:
    address = re.search(r'href="(/static/[^"]+)"', (await owner.open("/app/tags")).text)
    assert address
    async with make_client(house.app) as client:
        answer = await client.get(address[1], headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        assert "--accent" in answer.text
        plain = await client.get(address[1], headers={"accept-encoding": "identity"})
        assert plain.content == answer.content
        assert (await client.get("/static/0/style.css")).status_code == 404


async def test_the_first_domain_shows_a_small_page_that_leads_to_signing_in(house: House) -> None:
    client = await house.make_client()
    made = await client.post("/api/v1/domains", json={"host": "anns.example"})
    assert made.status_code == 201
    await house.app.db.write(lambda tx: tx.execute("update domains set verified_at = 1"))
    await house.app.services.domains.reload()
    for host, has_way in (("localhost:8000", True), ("go.example", True), ("anns.example", False)):
        answer = await client.get("/", headers={"host": host})
        assert answer.status_code == 200
        assert "This domain hosts short links." in answer.text
        assert ('<a href="/app" rel="nofollow">Sign in</a>' in answer.text) == has_way


async def test_the_first_domain_leads_to_the_dashboard_where_that_is_wanted(
    house: House, config: Config
) -> None:
    wanted = replace(config, dashboard=DashboardConfig(at_root=True))
    await house.app.stop()
    app = App(wanted, lambda: house.now * 1_000_000)
    await app.start()
    async with make_client(app) as client:
        assert (await client.get("/")).headers["location"] == "/app"
        other = await client.get("/", headers={"host": "go.example"})
        assert other.status_code == 200
    await app.stop()
