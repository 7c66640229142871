import pytest

from shorty.errors import FetchError
from shorty.fetch import Answer
from shorty.webhooks.model import Health, Outcome
from shorty.webhooks.rules import (
    FIRST_PAUSE_MS,
    LONGEST_HOLD_MS,
    LONGEST_PAUSE_MS,
    judge_health,
    plan_next_try,
    read_outcome,
    read_retry_after,
)

AT = 1_000_000
SCHEDULE = (5, 30)


def make_outcome(status: int | None = 500, at: int = AT, ms: int = 100, held: int = 0) -> Outcome:
    error = None if status else "It hangs."
    return Outcome(at=at, duration_ms=ms, status=status, error=error, held_ms=held)


def fail(health: Health, times: int, at: int = AT) -> Health:
    for _ in range(times):
        health = judge_health(health, make_outcome(at=max(at, health.held_until or 0)))
    return health


class TestTheNextTry:
    def test_waits_as_the_schedule_says(self) -> None:
        outcome = make_outcome(ms=100)
        assert plan_next_try(outcome, 1, SCHEDULE, chance=0) == AT + 100 + 5_000
        assert plan_next_try(outcome, 2, SCHEDULE, chance=0) == AT + 100 + 30_000

    def test_is_spread_by_chance(self) -> None:
        assert plan_next_try(make_outcome(ms=0), 1, SCHEDULE, chance=0.5) == AT + 5_500
        assert plan_next_try(make_outcome(ms=0), 1, SCHEDULE, chance=1) == AT + 6_000

    def test_is_not_planned_after_the_last(self) -> None:
        assert plan_next_try(make_outcome(), 3, SCHEDULE, chance=0) is None
        assert plan_next_try(make_outcome(), 1, (), chance=0) is None

    def test_is_not_before_the_receiver_wants_it(self) -> None:
        outcome = make_outcome(429, ms=0, held=20_000)
        assert plan_next_try(outcome, 1, SCHEDULE, chance=0) == AT + 20_000
        assert plan_next_try(outcome, 2, SCHEDULE, chance=0) == AT + 30_000


class TestHealth:
    def test_a_success_forgets_the_failures(self) -> None:
        assert judge_health(fail(Health(), 3), make_outcome(204)) == Health(is_quick=True)

    def test_only_a_fast_success_is_quick(self) -> None:
        assert not judge_health(Health(), make_outcome(200, ms=2_500)).is_quick
        assert not judge_health(Health(is_quick=True), make_outcome(500, ms=1)).is_quick

    def test_it_is_paused_after_repeated_failure(self) -> None:
        health = fail(Health(), 4)
        assert (health.status, health.held_until) == ("active", None)
        health = fail(health, 1)
        assert (health.status, health.paused_at) == ("paused", AT + 100)
        assert health.held_until == AT + 100 + FIRST_PAUSE_MS

    def test_each_probe_that_fails_doubles_the_pause_up_to_an_hour(self) -> None:
        health = fail(Health(), 5)
        first, paused_at = health.held_until or 0, health.paused_at
        health = fail(health, 1)
        assert health.held_until == first + 100 + 2 * FIRST_PAUSE_MS
        health = fail(health, 100)
        before = health.held_until or 0
        assert fail(health, 1).held_until == before + 100 + LONGEST_PAUSE_MS
        assert fail(health, 1).paused_at == paused_at

    def test_a_probe_that_succeeds_ends_the_pause(self) -> None:
        paused = fail(Health(), 7)
        later = make_outcome(200, at=paused.held_until or 0)
        assert judge_health(paused, later) == Health(is_quick=True)

    def test_an_attempt_from_before_the_pause_changes_nothing(self) -> None:
        paused = fail(Health(), 5)
        assert judge_health(paused, make_outcome(500, at=AT)) == paused
        assert judge_health(paused, make_outcome(200, at=AT)) == paused

    def test_gone_stops_it_until_something_later_succeeds(self) -> None:
        stopped = judge_health(Health(is_quick=True), make_outcome(410))
        assert (stopped.status, stopped.stopped_at) == ("stopped", AT + 100)
        assert judge_health(stopped, make_outcome(200, at=AT)).status == "stopped"
        assert judge_health(stopped, make_outcome(500, at=AT + 500)).status == "stopped"
        assert judge_health(stopped, make_outcome(200, at=AT + 500)).status == "active"

    def test_who_wants_to_be_left_alone_is_held_but_not_paused(self) -> None:
        health = judge_health(Health(), make_outcome(429, held=60_000))
        assert (health.status, health.held_until) == ("active", AT + 100 + 60_000)
        # Neither a shorter request to wait nor an earlier attempt shortens it.
        assert judge_health(health, make_outcome(429, held=10)).held_until == health.held_until
        assert judge_health(health, make_outcome(200)).held_until == health.held_until


@pytest.mark.parametrize(
    ("header", "wait_ms"),
    [
        ("120", 120_000),
        (" 0 ", 0),
        ("99999999999999999999", LONGEST_HOLD_MS),
        ("Thu, 01 Jan 1970 00:20:00 GMT", 1_200_000 - AT),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_HOLD_MS),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("٣", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, wait_ms: int) -> None:
    assert read_retry_after(header, AT) == wait_ms


def test_of_an_answer_the_start_is_kept_as_text() -> None:
    body = b"\x00one\x1b[31m\ntwo \xff" + b"x" * 4000
    outcome = read_outcome(Answer(status=500, retry_after="7", body=body), AT, 50)
    assert outcome.body.startswith("one [31m\ntwo \ufffdxxx")
    assert len(outcome.body) <= 1000
    assert (outcome.status, outcome.error, outcome.held_ms) == (500, None, 7_000)


@pytest.mark.parametrize("status", [300, 302, 399])
def test_a_redirect_is_explained(status: int) -> None:
    outcome = read_outcome(Answer(status=status, retry_after=None, body=b""), AT, 50)
    assert (outcome.status, outcome.error) == (
        status,
        "The endpoint redirects; redirects are not followed.",
    )
    assert not outcome.is_success


@pytest.mark.parametrize("status", [299, 400])
def test_only_redirects_are_explained(status: int) -> None:
    outcome = read_outcome(Answer(status=status, retry_after=None, body=b""), AT, 50)
    assert (outcome.status, outcome.error) == (status, None)


def test_without_an_answer_the_reason_is_kept() -> None:
    outcome = read_outcome(FetchError("The host cannot be reached."), AT, 50)
    assert (outcome.status, outcome.error) == (None, "The host cannot be reached.")
    assert not outcome.is_success


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_status_of_the_two_hundreds_is_a_success(status: int) -> None:
    assert make_outcome(status).is_success
