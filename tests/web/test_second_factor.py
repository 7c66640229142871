"""The second factor's pages: a code to scan, recovery codes, disabling."""

import re
from base64 import b64decode
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from shorty.accounts.second_factor import count_recovery_codes, has_second_factor
from shorty.accounts.totp import STEP_MS, compute_code
from shorty.passwords import hash_password
from shorty.qr.drawing import render_png
from tests.api.house import House
from tests.qr.reading import read_code
from tests.reading import reader
from tests.web.browser import Browser, read_text

PASSWORD = "correct horse"
PLACE = "/app/account/second-factor"
WRONG = "000"


@pytest.fixture
async def ann(house: House, owner: Browser) -> Browser:
    """The owner, with a password."""
    kept = await hash_password(PASSWORD)
    user_id = house.home.user.id
    await house.app.db.write(
        lambda tx: tx.execute("update users set password_hash = $2 where id = $1", user_id, kept)
    )
    return owner


async def begin(ann: Browser) -> str:
    """The page that shows the secret."""
    answer = await ann.send(f"{PLACE}/begin", password=PASSWORD)
    assert answer.status_code == 200
    return answer.text


def read_secret(page: str) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found
    return found[1].replace(" ", "")


async def set_up(house: House, ann: Browser) -> tuple[str, list[str]]:
    secret = read_secret(await begin(ann))
    answer = await ann.send(PLACE, code=compute_code(secret, house.now // STEP_MS))
    codes = answer.text.partition("<pre>")[2].partition("</pre>")[0].split()
    house.clock[0] += 2 * STEP_MS
    return secret, codes


async def test_the_code_to_scan_holds_the_secret_and_says_whose(house: House, ann: Browser) -> None:
    page = await begin(ann)
    picture = re.search(r"data:image/svg\+xml;base64,([\w+/=]+)", page)
    assert picture
    address = read_code(render_png(b64decode(picture[1]).decode()))
    assert address
    assert address.startswith("otpauth://totp/shorty%20localhost:8000:ann@a.example?")
    assert parse_qs(urlsplit(address).query)["secret"] == [read_secret(page)]


async def test_a_right_code_switches_it_on_and_shows_recovery_codes_once(
    house: House, ann: Browser
) -> None:
    page = await begin(ann)
    wrong = await ann.send(PLACE, code=WRONG, secret=read_secret(page))
    assert wrong.status_code == 422
    assert "Is not the current code of the app" in read_text(wrong.text)
    assert read_secret(wrong.text) == read_secret(page)
    secret, codes = await set_up(house, ann)
    assert len(codes) == 10
    assert has_second_factor(reader(house.app.db), house.home.user.id)
    page = (await ann.open(PLACE)).text
    assert secret not in page
    assert codes[0] not in page
    assert "10 of 10 left" in read_text(page)


async def test_recovery_codes_are_downloaded_as_text(house: House, ann: Browser) -> None:
    secret = read_secret(await begin(ann))
    answer = await ann.send(PLACE, code=compute_code(secret, house.now // STEP_MS))
    file = re.search(r'href="data:text/plain;charset=utf-8,([^"]+)"', answer.text)
    assert file
    text = unquote(file[1])
    assert text.startswith("Recovery codes for ann@a.example.")
    assert len(re.findall(r"^\w{4}-\w{4}-\w{4}$", text, re.MULTILINE)) == 10
    assert answer.headers["cache-control"] == "no-store, no-transform"


async def test_new_recovery_codes_need_the_password(house: House, ann: Browser) -> None:
    _, old = await set_up(house, ann)
    wrong = await ann.send(f"{PLACE}/recovery-codes", password="x")
    assert "Is not your password." in read_text(wrong.text)
    answer = await ann.send(f"{PLACE}/recovery-codes", password=PASSWORD)
    assert old[0] not in answer.text
    assert "They are shown only once." in read_text(answer.text)


@pytest.mark.parametrize("password", ["", "x"])
async def test_it_is_begun_only_with_the_password(
    house: House, ann: Browser, password: str
) -> None:
    answer = await ann.send(f"{PLACE}/begin", password=password)
    assert answer.status_code == 422
    assert "Is not your password." in read_text(answer.text)
    assert not reader(house.app.db).find_all("select * from second_factors")


async def test_an_open_session_alone_neither_shows_the_secret_nor_binds_it(
    house: House, ann: Browser
) -> None:
    secret = read_secret(await begin(ann))
    for place in (PLACE, f"{PLACE}/begin"):
        assert secret not in (await ann.follow(await ann.open(place))).replace(" ", "")
    answer = await ann.send(PLACE, code=WRONG)
    assert answer.status_code == 409
    assert secret not in answer.text.replace(" ", "")
    assert not has_second_factor(reader(house.app.db), house.home.user.id)


async def test_it_is_switched_off_with_the_password(house: House, ann: Browser) -> None:
    user_id, db = house.home.user.id, house.app.db
    _, codes = await set_up(house, ann)
    for proof in ({"code": codes[0]}, {"password": "x"}, {}):
        answer = await ann.send(f"{PLACE}/remove", proof)
        assert answer.status_code == 422
        assert "Is not your password." in read_text(answer.text)
    assert has_second_factor(reader(db), user_id)
    page = await ann.follow(await ann.send(f"{PLACE}/remove", password=PASSWORD))
    assert "Second factor disabled" in page
    assert count_recovery_codes(reader(db), user_id) == 0


async def test_guessing_codes_is_stopped(ann: Browser) -> None:
    fields = {"secret": read_secret(await begin(ann)), "code": WRONG}
    statuses = [(await ann.send(PLACE, fields)).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


@pytest.mark.parametrize("action", ["begin", "recovery-codes", "remove"])
async def test_guessing_the_password_is_stopped(house: House, ann: Browser, action: str) -> None:
    if action != "begin":
        await set_up(house, ann)
    fields = {"password": "x"}
    statuses = [(await ann.send(f"{PLACE}/{action}", fields)).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


async def test_before_it_is_begun_its_page_leads_to_the_account(ann: Browser) -> None:
    assert (await ann.open(PLACE)).headers["location"] == "/app/account"


async def test_it_is_begun_once(ann: Browser, house: House) -> None:
    await set_up(house, ann)
    assert (await ann.send(f"{PLACE}/begin", password=PASSWORD)).status_code == 409
