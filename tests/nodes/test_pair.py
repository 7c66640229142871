"""Tests that nobody can tell which of two nodes answers: what one did, the other goes by."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from shorty.accounts.model import NewToken
from shorty.accounts.service import set_password
from shorty.accounts.tokens import create_token_for, find_actor
from shorty.config import Config
from shorty.passwords import hash_password
from shorty.storage.database import Transaction
from shorty.web.cookies import SESSION
from tests.nodes.pair import HOST, Pair, Person, read_until, wait_for, watch
from tests.support import join_workspace
from tests.web.browser import read_text

pytestmark = pytest.mark.postgres_only
PASSWORD = "correct horse"
LONG = 5000
TABLE = "url,slug\n" + "".join(f"https://example.com/{n},from-file-{n}\n" for n in range(300))
LONG_TABLE = "url,slug\n" + "".join(f"https://example.com/{n},long-{n}\n" for n in range(LONG))
CSV = {"source": "csv", "on_conflict": "skip"}
AT_HOME = {"X-Forwarded-For": "192.0.2.77"}


def at_once(*calls: Any) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as threads:
        return [each.result() for each in [threads.submit(call) for call in calls]]


def test_a_token_that_was_revoked_is_refused_at_once(pair: Pair) -> None:
    here, there = pair.add_people()
    made = here.call("POST", "/tokens", {"name": "other", "scope": "read"}).json()["token"]
    other = pair.open(1, token=made["token"])
    assert other.call("GET", "/links").status_code == 200
    assert here.call("DELETE", f"/tokens/{made['id']}").status_code == 204
    assert other.call("GET", "/links").status_code == 401
    assert there.call("GET", "/links").status_code == 200


def test_a_session_that_was_ended_is_over_at_once(pair: Pair) -> None:
    here, there = pair.add_people()
    assert there.visit("/app/tags").status_code == 200
    assert here.send("/app/sign-out", {}).status_code == 303
    there.client.cookies.set(SESSION, there.session)
    assert there.visit("/app/tags").status_code == 303


def test_a_member_who_was_removed_is_out_at_once(pair: Pair) -> None:
    home, token, _ = pair.add_home()

    def join(tx: Transaction, now: int) -> tuple[int, str]:
        owner = find_actor(tx, token, Config().plans, now)
        user = join_workspace(tx, owner, "editor", "removed@b.example")
        new = NewToken(scope="write")
        return user.id, create_token_for(tx, home.workspace.id, user.id, new, now).text

    user_id, text = pair.write(join)
    owner, member = pair.open(0, token=token), pair.open(1, token=text)
    assert member.call("GET", "/links").status_code == 200
    assert owner.call("DELETE", f"/members/{user_id}").status_code == 204
    assert member.call("GET", "/links").status_code == 401


def test_a_domain_answers_everywhere_and_changes_and_goes_everywhere(pair: Pair) -> None:
    here, there = pair.add_people()
    host = "own.example"

    def is_root(person: Person, status: int, location: str = "") -> bool:
        answer = person.visit("/", Host=host)
        return (answer.status_code, answer.headers.get("location", "")) == (status, location)

    assert not is_root(there, 200)
    added = here.call("POST", "/domains", {"host": host, "scheme": "http"}).json()["domain"]
    pair.write(
        lambda tx, now: tx.execute(
            "update domains set verified_at = $2 where id = $1", int(added["id"]), now
        )
    )
    wait_for(lambda: is_root(here, 200) and is_root(there, 200))
    change = {"rootRedirect": "https://example.com/root"}
    assert here.call("PATCH", f"/domains/{added['id']}", change).status_code == 200
    wait_for(lambda: is_root(there, 302, "https://example.com/root"))
    assert there.call("DELETE", f"/domains/{added['id']}").status_code == 204
    wait_for(lambda: not is_root(here, 302, "https://example.com/root"))


def test_a_plan_is_full_everywhere(pair: Pair) -> None:
    here, there = pair.add_people("small")
    body = {"url": "https://example.com/", "domain": HOST}
    answers = at_once(
        *[lambda who=who: who.call("POST", "/links", body) for who in (here, there) * 3]
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 3
    links = there.call("GET", "/links").json()["links"]
    assert here.call("DELETE", f"/links/{links[0]['id']}").status_code == 204
    assert [who.call("POST", "/links", body).status_code for who in (there, here)] == [201, 429]


def test_a_request_that_is_sent_again_to_the_other_node_is_answered_the_same(pair: Pair) -> None:
    here, there = pair.add_people()
    body = {"url": "https://example.com/", "domain": HOST}
    first, second = (
        who.call("POST", "/links", body, **{"Idempotency-Key": "one"}) for who in (here, there)
    )
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"


def test_a_request_that_is_sent_to_both_nodes_at_once_is_done_once(pair: Pair) -> None:
    here, there = pair.add_people()
    body = {"url": "https://example.com/", "domain": HOST}

    def send(who: Person, key: str) -> httpx.Response:
        return who.call("POST", "/links", body, **{"Idempotency-Key": key})

    for key in ("one", "two", "three"):
        answers = at_once(*[partial(send, who, key) for who in (here, there) * 2])
        assert [answer.status_code for answer in answers] == [201] * 4
        assert len({answer.json()["link"]["id"] for answer in answers}) == 1


def test_a_limit_is_exact_over_both_nodes_and_so_is_its_change(pair: Pair) -> None:
    here, there = pair.add_people()
    link = here.make_link(customSlug="limited", maxClicks=6)

    def visit(times: int) -> list[int]:
        visits = [lambda who=who: who.visit("/limited").status_code for who in (here, there)]
        return sorted(at_once(*visits * times))

    assert visit(2) == [302] * 4
    assert visit(2) == [302] * 2 + [410] * 2
    assert there.call("PATCH", f"/links/{link['id']}", {"maxClicks": 9}).status_code == 200
    assert visit(3) == [302] * 3 + [410] * 3
    assert here.call("PATCH", f"/links/{link['id']}", {"maxClicks": None}).status_code == 200
    assert here.visit("/limited").status_code == 302
    wait_for(lambda: there.visit("/limited").status_code == 302)


def test_wrong_passwords_of_a_link_are_counted_together(pair: Pair) -> None:
    here, there = pair.add_people()
    here.make_link(customSlug="secret", password="open sesame")

    def guess(who: Person, password: str) -> int:
        sent = {"password": password}
        return who.client.post("/secret", data=sent, headers=AT_HOME).status_code

    assert {guess(who, "wrong") for who in (here, there) * 5} == {401}
    assert [guess(who, "open sesame") for who in (here, there)] == [429, 429]


def test_wrong_passwords_of_an_account_are_counted_together(pair: Pair) -> None:
    home, _, _ = pair.add_home()
    kept = asyncio.run(hash_password(PASSWORD))
    pair.write(lambda tx, now: set_password(tx, home.user.email, kept, now))
    here, there = pair.open(0), pair.open(1)

    def sign_in(who: Person, password: str) -> int:
        fields = {"email": home.user.email, "password": password}
        return who.send("/app/sign-in", fields).status_code

    assert {sign_in(who, "wrong") for who in (here, there) * 5} == {401}
    assert [sign_in(who, PASSWORD) for who in (here, there)] == [429, 429]


def test_a_click_at_one_node_is_seen_live_at_the_other(pair: Pair) -> None:
    here, there = pair.add_people()
    link = here.make_link(customSlug="watched")
    with watch(there, f"/app/links/{link['id']}/live") as stream:
        read_until(stream, "retry: 3000")
        assert here.visit("/watched", Referer="https://news.example/").status_code == 302
        assert "news.example" in read_until(stream, "</li>")


def test_an_import_is_shown_begun_and_forgotten_at_the_other_node(pair: Pair) -> None:
    here, there = pair.add_people()
    file = {"file": ("links.csv", TABLE.encode())}
    sent = here.send("/app/import", CSV, file)
    assert sent.status_code == 303, sent.text
    place = sent.headers["location"]

    def shows(who: Person, text: str) -> bool:
        page = who.visit(place)
        assert page.status_code == 200
        return text in read_text(page.text)

    wait_for(lambda: shows(there, "Links 300 would be imported"))
    assert there.send(f"{place}/begin", {}).status_code == 303
    wait_for(lambda: shows(here, "Import finished.") and shows(there, "Import finished."))
    assert here.call("GET", "/links").json()["total"] == 300
    assert there.visit("/from-file-7").status_code == 302
    assert "result,place" in there.visit(f"{place}/report").text
    assert here.send(f"{place}/drop", {}).status_code == 303
    assert there.visit(place).status_code == 404


def test_an_import_is_cancelled_at_the_other_node(pair: Pair) -> None:
    here, there = pair.add_people()
    file = {"file": ("links.csv", LONG_TABLE.encode())}
    place = here.send("/app/import", CSV, file).headers["location"]
    wait_for(lambda: f"{place}/begin" in there.visit(place).text)
    assert there.send(f"{place}/begin", {}).status_code == 303
    assert here.send(f"{place}/cancel", {}).status_code == 303
    wait_for(lambda: "Cancelled." in read_text(there.visit(place).text))
    assert here.call("GET", "/links").json()["total"] < LONG


def test_a_form_that_came_too_late_is_kept_for_whoever_signs_in_at_the_other_node(
    pair: Pair,
) -> None:
    home, _, session = pair.add_home()
    kept = asyncio.run(hash_password(PASSWORD))
    here, there = (pair.open(number, session=session) for number in (0, 1))
    token = here.find_form_token()
    pair.write(lambda tx, now: set_password(tx, home.user.email, kept, now))
    late = here.client.post("/app/tags", data={"form_token": token, "name": "Leaves"})
    way, _, after = late.headers["location"].partition("?next=")
    assert way == "/app/sign-in"
    there.client.cookies.update(here.client.cookies)
    there.session = ""
    fields = {"email": home.user.email, "password": PASSWORD, "next": unquote(after)}
    answer = there.send("/app/sign-in", fields)
    while answer.status_code == 303:
        answer = there.visit(answer.headers["location"])
    assert "Leaves" in answer.text


def test_the_setup_link_of_either_node_works_at_the_other(own_pair: Pair) -> None:
    own_pair.nodes[0].stdout.wait_for("Create your account at")
    printed = own_pair.nodes[1].stdout.wait_for("Create your account at")
    visitor = own_pair.open(0)
    key = printed.partition("key=")[2]
    fields = {"key": key, "name": "Ann", "email": "ann@a.example", "password": PASSWORD}
    assert visitor.send("/app/welcome", fields).headers["location"] == "/app"
    assert visitor.visit("/app/tags").status_code == 200
