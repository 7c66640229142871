import pytest

from shorty.config import Config, DashboardConfig
from shorty.domains import store
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.domains.dns_server import Zone, make_system_ask, run_dns_server
from tests.web.browser import Browser, read_text

PLACE = "/app/domains"


async def add(browser: Browser, host: str = "go.a.invalid", root_redirect: str = "") -> str:
    """The path of the new domain's page."""
    answer = await browser.send(PLACE, host=host, root_redirect=root_redirect)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_a_new_domain_tells_the_records_to_copy(owner: Browser) -> None:
    path = await add(owner, "GO.a.Invalid.")
    page = (await owner.open(path)).text
    assert "go.a.invalid added" in read_text(page)
    assert 'data-copy="_shorty-verification.go.a.invalid"' in page
    assert 'data-copy="go.example"' in page
    assert "Not verified yet" in read_text((await owner.open(PLACE)).text)


async def test_a_check_says_in_words_what_was_found(
    owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await add(owner)
    async with run_dns_server({}) as server:
        make_system_ask(server, monkeypatch)
        answer = await owner.send(f"{path}/check")
    told = read_text(answer.text)
    assert answer.status_code == 200
    assert "has no TXT record" in told
    assert "has no IP address" in told
    assert "Check again" in told
    assert "Ownership: not verified yet Wanted TXT" in told
    assert "Routing: not pointing here yet Wanted CNAME go.example Found Nothing" in told


async def test_a_wrong_record_is_shown_beside_the_wanted_one(
    owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await add(owner)
    zone: Zone = {"_shorty-verification.go.a.invalid": {"TXT": ['"of-another"']}}
    async with run_dns_server(zone) as server:
        make_system_ask(server, monkeypatch)
        answer = await owner.send(f"{path}/check")
    assert "Found of-another" in read_text(answer.text)


async def test_an_internationalised_domain_is_shown_as_people_write_it(owner: Browser) -> None:
    path = await add(owner, host="bücher.invalid")
    page = await owner.open(path)
    assert "bücher.invalid In DNS: xn--bcher-kva.invalid" in read_text(page.text)
    assert 'data-copy="xn--bcher-kva.invalid"' in page.text
    assert "bücher.invalid" in read_text((await owner.open(PLACE)).text)
    path = await add(owner, host="büсher.invalid")  # noqa: RUF001 - with a Cyrillic letter
    assert "büсher" not in (await owner.open(path)).text  # noqa: RUF001


async def test_a_verified_domain_is_taken_for_everybody_else(
    house: House, owner: Browser, stranger: Browser
) -> None:
    await add(owner)
    path = await add(stranger)
    await house.app.db.write(lambda tx: store.mark_verified(tx, 3, house.now))
    await house.app.services.domains.reload()
    assert "Verified" in read_text((await owner.open(PLACE)).text)
    assert "Verified 22 Nov 2026" in read_text((await owner.open(f"{PLACE}/3")).text)
    assert "Check now" in (await stranger.open(path)).text
    answer = await stranger.send(PLACE, host="go.a.invalid")
    assert "A domain named" in read_text(answer.text)


async def test_where_a_domain_leads_is_changed(owner: Browser) -> None:
    path = await add(owner, root_redirect="https://a.example")
    saved = await owner.send(path, root_redirect="", not_found_redirect="https://a.example/lost")
    page = await owner.follow(saved)
    assert 'value="https://a.example/lost"' in page
    assert 'value="https://a.example/"' not in page


async def test_where_expired_links_lead_is_a_field_of_the_domain(owner: Browser) -> None:
    path = await add(owner)
    saved = await owner.send(path, expired_redirect="https://a.example/archive")
    assert 'value="https://a.example/archive"' in await owner.follow(saved)
    kept = await owner.follow(await owner.send(path, root_redirect="https://a.example"))
    assert 'value="https://a.example/archive"' in kept  # a form without the field
    wrong = await owner.send(path, expired_redirect="ftp://a.example")
    assert wrong.status_code == 422
    assert 'id="expired_redirect-fault"' in wrong.text
    assert 'value="ftp://a.example"' in wrong.text
    cleared = await owner.follow(await owner.send(path, expired_redirect=""))
    assert "https://a.example/archive" not in cleared


async def test_faults_stand_beside_their_fields_and_nothing_is_lost(owner: Browser) -> None:
    answer = await owner.send(PLACE, host="https://x/", root_redirect="ftp://x", scheme="http")
    told = read_text(answer.text)
    assert answer.status_code == 422
    assert "Must be only a host name" in told
    assert "Must start with https:// or http://" in told
    assert 'value="https://x/"' in answer.text
    assert 'value="ftp://x"' in answer.text
    assert 'value="http" selected' in answer.text
    assert "A domain named" in read_text((await owner.send(PLACE, host="go.example")).text)
    path = await add(owner)
    answer = await owner.send(path, root_redirect="https://go.a.invalid/", not_found_redirect="x")
    assert "Redirects back to itself" in read_text(answer.text)
    assert 'value="x"' in answer.text


async def test_a_removed_domain_is_gone(owner: Browser) -> None:
    path = await add(owner)
    page = await owner.follow(await owner.send(f"{path}/remove"))
    assert "go.a.invalid removed" in read_text(page)
    assert (await owner.open(path)).status_code == 404


async def test_the_operators_domains_are_shown_and_not_changed(owner: Browser) -> None:
    page = read_text((await owner.open(f"{PLACE}/1")).text)
    assert "Only the operator of this server can change this domain" in page
    for action in ("", "/check", "/remove"):
        assert (await owner.send(f"{PLACE}/1{action}")).status_code == 403


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        (Config(domains=DOMAINS), ["A short notice", "A short notice"]),
        (
            Config(domains=DOMAINS, dashboard=DashboardConfig(at_root=True)),
            ["The dashboard", "A short notice"],
        ),
    ],
)
async def test_what_the_root_of_an_operators_domain_shows_is_said(
    owner: Browser, config: Config, shown: list[str]
) -> None:
    assert config.domains == DOMAINS
    for number, text in enumerate(shown, 1):
        assert f"Root URL {text}" in read_text((await owner.open(f"{PLACE}/{number}")).text)


async def test_an_editor_looks_and_changes_nothing(owner: Browser, editor: Browser) -> None:
    path = await add(owner)
    assert "<form class" not in (await editor.open(PLACE)).text
    page = (await editor.open(path)).text
    assert "_shorty-verification" in page
    assert "Check now" not in page
    assert (await editor.send(PLACE, host="to.a.invalid")).status_code == 403
    for action in ("", "/check", "/remove"):
        assert (await editor.send(f"{path}{action}")).status_code == 403


async def test_another_workspaces_domain_is_not_there(owner: Browser, stranger: Browser) -> None:
    path = await add(owner)
    assert "go.a.invalid" not in (await stranger.open(PLACE)).text
    assert (await stranger.open(path)).status_code == 404
    for action in ("", "/check", "/remove"):
        assert (await stranger.send(f"{path}{action}")).status_code == 404


async def test_what_phones_are_told_of_apps_is_typed_as_json(owner: Browser) -> None:
    path = await add(owner)
    typed = {"apple_app_site_association": '{"applinks": {}}', "asset_links": "[]"}
    page = await owner.follow(await owner.send(path, typed))
    assert "{\n  &#34;applinks&#34;: {}\n}</textarea>" in page
    # A form of before has no such fields, and changes none.
    page = await owner.follow(await owner.send(path, root_redirect="https://a.example/"))
    assert "applinks" in page
    faulty = await owner.send(path, asset_links='[{"a": 1}', apple_app_site_association="[]")
    assert faulty.status_code == 422
    told = read_text(faulty.text)
    assert "Is not valid JSON" in told
    assert "Must be a JSON object" in told
    assert "[{&#34;a&#34;: 1}</textarea>" in faulty.text
    page = await owner.follow(await owner.send(path, asset_links="", apple_app_site_association=""))
    assert "applinks" not in page


async def test_a_stranger_sets_no_files_of_anothers_domain(
    owner: Browser, stranger: Browser
) -> None:
    path = await add(owner)
    assert (await stranger.send(path, asset_links="[]")).status_code == 404
    assert (await owner.send(f"{PLACE}/1", asset_links="[]")).status_code == 403
    assert "No app opens these links" in read_text((await owner.open(f"{PLACE}/1")).text)
