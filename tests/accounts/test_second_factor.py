import re

import pytest

from shorty.accounts.login import (
    StartedSignIn,
    WrongCode,
    find_half_signed_in,
    finish_sign_in,
    start_sign_in,
)
from shorty.accounts.model import MadeSession
from shorty.accounts.second_factor import (
    begin_second_factor,
    clean_code,
    confirm_second_factor,
    count_recovery_codes,
    count_wrong_codes,
    give_back_browser_code,
    has_second_factor,
    is_pending_secret,
    remove_second_factor,
    renew_recovery_codes,
    take_browser_code,
    use_code,
)
from shorty.accounts.service import Home
from shorty.accounts.sessions import find_signed_in, list_sessions
from shorty.accounts.totp import STEP_MS, compute_code
from shorty.config import Config
from shorty.durations import DAY_MS
from shorty.errors import (
    ConflictError,
    InvalidFieldsError,
    NotFoundError,
    RateLimitedError,
    UnauthenticatedError,
)
from shorty.limits import RateLimits
from shorty.storage.database import Database
from tests.reading import reader
from tests.support import MINUTE, NOW, make_home, prove

CONFIG = Config()
LATER = NOW + 2 * STEP_MS


@pytest.fixture
async def home(db: Database) -> Home:
    return await make_home(db)


async def begin(db: Database, home: Home) -> str:
    return await db.write(lambda tx: begin_second_factor(tx, home.user.id, NOW))


async def confirm(db: Database, home: Home, code: str) -> list[str]:
    return await db.write(lambda tx: confirm_second_factor(tx, home.user.id, code, NOW))


async def set_up(db: Database, home: Home) -> tuple[str, list[str]]:
    """The secret and the recovery codes."""
    secret = await begin(db, home)
    return secret, await confirm(db, home, compute_code(secret, NOW // STEP_MS))


async def use(db: Database, home: Home, code: str, now: int = LATER) -> bool:
    return await db.write(lambda tx: use_code(tx, home.user.id, code, now))


async def start(db: Database, home: Home, now: int = NOW) -> StartedSignIn:
    return await db.write(
        lambda tx: start_sign_in(tx, CONFIG, prove(tx, home.user), "Firefox", now)
    )


async def finish(
    db: Database, text: str, code: str, now: int = LATER, *, is_known: bool = False
) -> MadeSession | WrongCode:
    return await db.write(lambda tx: finish_sign_in(tx, text, code, now, is_known=is_known))


async def guess(
    db: Database, home: Home, times: int, now: int = LATER, *, is_known: bool = False
) -> list[WrongCode]:
    """Wrong codes, each after the right password."""
    outcomes = [
        await finish(db, (await start(db, home, now)).text, "1", now, is_known=is_known)
        for _ in range(times)
    ]
    return [outcome for outcome in outcomes if isinstance(outcome, WrongCode)]


async def test_it_is_on_once_a_right_code_was_given(db: Database, home: Home) -> None:
    secret = await begin(db, home)
    with pytest.raises(InvalidFieldsError, match="the phone's clock"):
        await confirm(
            db, home, "000000" if compute_code(secret, NOW // STEP_MS) != "000000" else "1"
        )
    assert not has_second_factor(reader(db), home.user.id)
    await confirm(db, home, compute_code(secret, NOW // STEP_MS))
    assert has_second_factor(reader(db), home.user.id)


async def test_each_beginning_makes_a_new_secret_and_the_old_one_is_worth_nothing(
    db: Database, home: Home
) -> None:
    old = await begin(db, home)
    new = await begin(db, home)
    assert not is_pending_secret(reader(db), home.user.id, old, NOW)
    assert not is_pending_secret(reader(db), home.user.id, "é", NOW)
    assert is_pending_secret(reader(db), home.user.id, new, NOW)
    with pytest.raises(InvalidFieldsError):
        await confirm(db, home, compute_code(old, NOW // STEP_MS))
    await confirm(db, home, compute_code(new, NOW // STEP_MS))
    assert not is_pending_secret(reader(db), home.user.id, new, NOW)


async def test_a_secret_waits_an_hour_for_its_code(db: Database, home: Home) -> None:
    secret, end = await begin(db, home), NOW + 60 * MINUTE
    code = compute_code(secret, end // STEP_MS)
    with pytest.raises(ConflictError, match="start again"):
        await db.write(lambda tx: confirm_second_factor(tx, home.user.id, code, end))
    assert not is_pending_secret(reader(db), home.user.id, secret, end)
    assert is_pending_secret(reader(db), home.user.id, secret, end - 1)


async def test_the_secret_is_not_given_out_once_it_is_on(db: Database, home: Home) -> None:
    await set_up(db, home)
    with pytest.raises(ConflictError, match=r"^A second factor is already set up; remove it"):
        await begin(db, home)
    with pytest.raises(ConflictError, match="start again"):
        await confirm(db, home, "123456")


async def test_each_code_counts_once_that_which_confirmed_it_too(db: Database, home: Home) -> None:
    secret, _ = await set_up(db, home)
    assert not await use(db, home, compute_code(secret, NOW // STEP_MS), NOW)
    code = compute_code(secret, LATER // STEP_MS)
    assert await use(db, home, f" {code[:3]} {code[3:]} ")
    assert not await use(db, home, code)


async def test_each_recovery_code_counts_once_however_it_is_typed(db: Database, home: Home) -> None:
    _, codes = await set_up(db, home)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"\w{4}-\w{4}-\w{4}", code) for code in codes)
    assert await use(db, home, codes[0].upper().replace("-", " "))
    assert count_recovery_codes(reader(db), home.user.id) == 9
    assert not await use(db, home, codes[0])


def test_a_code_is_compared_in_lower_case_without_spaces_and_hyphens() -> None:
    assert clean_code(" AbCd-efGH 12-34 ") == "abcdefgh1234"


async def test_recovery_codes_are_stored_as_digests_alone(db: Database, home: Home) -> None:
    _, codes = await set_up(db, home)
    stored = str([tuple(row) for row in reader(db).find_all("select * from recovery_codes")])
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


async def test_new_recovery_codes_replace_the_old_ones(db: Database, home: Home) -> None:
    with pytest.raises(ConflictError, match=r"^Recovery codes replace a second factor;"):
        await db.write(lambda tx: renew_recovery_codes(tx, home.user.id))
    _, old = await set_up(db, home)
    new = await db.write(lambda tx: renew_recovery_codes(tx, home.user.id))
    assert not await use(db, home, old[0])
    assert await use(db, home, new[0])


async def test_another_persons_codes_are_wrong(db: Database, home: Home) -> None:
    eve = await make_home(db, email="eve@b.example")
    secret, codes = await set_up(db, eve)
    await set_up(db, home)
    for code in (codes[0], compute_code(secret, LATER // STEP_MS)):
        assert not await use(db, home, code)


async def test_it_can_be_disabled_and_set_up_again(db: Database, home: Home) -> None:
    secret, _ = await set_up(db, home)
    await db.write(lambda tx: remove_second_factor(tx, home.user.id))
    assert not has_second_factor(reader(db), home.user.id)
    assert count_recovery_codes(reader(db), home.user.id) == 0
    with pytest.raises(NotFoundError, match="Second factor not found"):
        await db.write(lambda tx: remove_second_factor(tx, home.user.id))
    with pytest.raises(ConflictError):
        await use(db, home, "123456")
    assert await begin(db, home) != secret


async def test_without_a_second_factor_the_password_signs_in(db: Database, home: Home) -> None:
    started = await start(db, home)
    assert not started.awaits_code
    assert find_signed_in(reader(db), started.text, CONFIG.plans, NOW)


async def test_with_a_second_factor_the_password_alone_signs_nobody_in(
    db: Database, home: Home
) -> None:
    secret, _ = await set_up(db, home)
    started = await start(db, home)
    assert started.awaits_code
    assert find_signed_in(reader(db), started.text, CONFIG.plans, NOW) is None
    assert await list_sessions(db, home.user.id, NOW) == []
    code = compute_code(secret, LATER // STEP_MS)
    wrong = await finish(db, started.text, "123")
    assert wrong == WrongCode(voids_step=False, ends_day=False)
    made = await finish(db, started.text, code)
    assert isinstance(made, MadeSession)
    assert find_signed_in(reader(db), made.text, CONFIG.plans, LATER)
    assert made.session.user_agent == "Firefox"
    assert find_signed_in(reader(db), started.text, CONFIG.plans, LATER) is None
    assert find_half_signed_in(reader(db), started.text, LATER) is None


async def test_the_code_is_awaited_for_ten_minutes(db: Database, home: Home) -> None:
    secret, _ = await set_up(db, home)
    started = await start(db, home)
    half = find_half_signed_in(reader(db), started.text, NOW + 10 * MINUTE - 1)
    assert half is not None
    assert half.user_id == home.user.id
    end = NOW + 10 * MINUTE
    code = compute_code(secret, end // STEP_MS)
    with pytest.raises(UnauthenticatedError, match="sign in again"):
        await finish(db, started.text, code, end)


async def test_a_complete_session_is_not_an_unfinished_one(db: Database, home: Home) -> None:
    started = await start(db, home)
    assert find_half_signed_in(reader(db), started.text, NOW) is None


@pytest.mark.parametrize("is_known", [False, True])
async def test_the_tenth_wrong_code_ends_the_step_that_the_password_began(
    db: Database, home: Home, is_known: bool
) -> None:
    secret, _ = await set_up(db, home)
    other, started = await start(db, home), await start(db, home)
    outcomes = [await finish(db, started.text, "1", is_known=is_known) for _ in range(10)]
    going_on, void = (
        WrongCode(voids_step=False, ends_day=False),
        WrongCode(voids_step=True, ends_day=False),
    )
    assert outcomes == [going_on] * 9 + [void]
    code = compute_code(secret, LATER // STEP_MS)
    with pytest.raises(UnauthenticatedError):
        await finish(db, started.text, code, is_known=is_known)
    assert isinstance(await finish(db, other.text, code, is_known=is_known), MadeSession)


async def test_thirty_wrong_codes_a_day_and_not_even_the_right_one_is_accepted(
    db: Database, home: Home
) -> None:
    secret, codes = await set_up(db, home)
    outcomes = await guess(db, home, 30)
    assert [outcome.ends_day for outcome in outcomes] == [False] * 29 + [True]
    started = await start(db, home, LATER)
    for code in (compute_code(secret, LATER // STEP_MS), codes[0]):
        with pytest.raises(RateLimitedError, match="Too many wrong codes; try again in") as caught:
            await finish(db, started.text, code)
    midnight = (LATER // DAY_MS + 1) * DAY_MS
    assert LATER + caught.value.retry_after_s * 1000 - midnight in range(1000)
    assert count_recovery_codes(reader(db), home.user.id) == 10
    next_day = await start(db, home, midnight)
    code = compute_code(secret, midnight // STEP_MS)
    assert isinstance(await finish(db, next_day.text, code, midnight), MadeSession)
    assert count_wrong_codes(reader(db), home.user.id, midnight) == 0
    (first,) = await guess(db, home, 1, midnight)
    assert not first.ends_day


async def test_a_known_browser_gives_codes_when_strangers_may_no_more(
    db: Database, home: Home
) -> None:
    secret, _ = await set_up(db, home)
    await guess(db, home, 30)
    started = await start(db, home, LATER)
    code = compute_code(secret, LATER // STEP_MS)
    assert isinstance(await finish(db, started.text, code, is_known=True), MadeSession)


async def test_wrong_codes_of_known_browsers_and_of_other_people_do_not_fill_the_day(
    db: Database, home: Home
) -> None:
    eve = await make_home(db, email="eve@b.example")
    await set_up(db, eve)
    await set_up(db, home)
    await guess(db, home, 40, is_known=True)
    await guess(db, eve, 30)
    assert count_wrong_codes(reader(db), home.user.id, LATER) == 0
    (outcome,) = await guess(db, home, 1)
    assert outcome == WrongCode(voids_step=False, ends_day=False)
    assert count_wrong_codes(reader(db), home.user.id, LATER) == 1


async def test_a_right_code_gives_no_wrong_ones_back(db: Database, home: Home) -> None:
    secret, _ = await set_up(db, home)
    await guess(db, home, 29)
    started = await start(db, home, LATER)
    await finish(db, started.text, compute_code(secret, LATER // STEP_MS))
    (last,) = await guess(db, home, 1)
    assert last.ends_day


async def test_a_known_browser_may_give_thirty_wrong_codes_a_day() -> None:
    limits = RateLimits()
    for _ in range(30):
        await take_browser_code(limits, "abc 1", NOW)
    with pytest.raises(RateLimitedError, match="Too many wrong codes; try again in 24 hours"):
        await take_browser_code(limits, "abc 1", NOW)
    await take_browser_code(limits, "xyz 1", NOW)
    await give_back_browser_code(limits, "abc 1", NOW)
    await take_browser_code(limits, "abc 1", NOW)
