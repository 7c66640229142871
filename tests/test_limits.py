"""Counts requests against limits: exact numbers, bounded memory, whole IPv6 networks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.durations import HOUR_MS, MINUTE_MS
from shorty.errors import RateLimitedError
from shorty.limits import (
    RateLimit,
    RateLimits,
    RefillingLimit,
    divide_limit,
    name_address,
    name_network,
)

NOW = 1_795_000_000_123


def test_a_limit_lets_exactly_that_many_through() -> None:
    limit = RateLimit(window_ms=MINUTE_MS)
    answers = [limit.take("a", 3, NOW + tick) for tick in range(5)]
    assert [answer.is_allowed for answer in answers] == [True, True, True, False, False]
    assert [answer.remaining for answer in answers] == [2, 1, 0, 0, 0]
    assert {answer.reset_at for answer in answers} == {NOW + MINUTE_MS}


def test_the_window_ends_when_it_said() -> None:
    limit = RateLimit(window_ms=MINUTE_MS)
    first = limit.take("a", 1, NOW)
    assert not limit.take("a", 1, first.reset_at - 1).is_allowed
    again = limit.take("a", 1, first.reset_at)
    assert again.is_allowed
    assert again.reset_at == first.reset_at + MINUTE_MS


def test_refused_requests_do_not_prolong_the_wait() -> None:
    limit = RateLimit(window_ms=1000)
    limit.take("a", 1, NOW)
    for tick in range(1, 1000):
        assert not limit.take("a", 1, NOW + tick).is_allowed
    assert limit.take("a", 1, NOW + 1000).is_allowed


def test_the_reported_wait_is_in_whole_seconds() -> None:
    limit = RateLimit(window_ms=MINUTE_MS)
    answer = limit.take("a", 100, NOW)
    assert (answer.limit, answer.remaining, answer.reset_unix_s) == (100, 99, 1795000061)
    # A caller that waits until that second, or for that many seconds, is let through.
    assert answer.reset_unix_s * 1000 >= answer.reset_at
    assert NOW + answer.retry_after_s(NOW) * 1000 >= answer.reset_at
    assert answer.retry_after_s(NOW - HOUR_MS) == 3660
    assert answer.retry_after_s(answer.reset_at - 1) == 1
    assert answer.retry_after_s(answer.reset_at) == 1


def test_a_reached_limit_raises_with_the_time_to_wait() -> None:
    limit = RateLimit(window_ms=MINUTE_MS)
    limit.take("a", 1, NOW).require(NOW)
    refused = limit.take("a", 1, NOW + 500)
    with pytest.raises(RateLimitedError) as caught:
        refused.require(NOW + 500)
    assert caught.value.retry_after_s == 60
    assert caught.value.message == RateLimitedError(60, "Too many requests").message
    with pytest.raises(RateLimitedError, match=r"^Too many tries"):
        refused.require(NOW + 500, "Too many tries")


async def test_callers_and_purposes_are_counted_apart() -> None:
    limits = RateLimits()
    assert limits.api_requests.take(1, 1, NOW).is_allowed
    assert limits.api_requests.take(2, 1, NOW).is_allowed
    assert (await limits.public_links.take("1", 1, NOW)).is_allowed
    assert (await limits.link_passwords.take("1", 1, NOW)).is_allowed
    assert not limits.api_requests.take(1, 1, NOW).is_allowed
    assert (await limits.public_links.take("2", 1, NOW)).reset_at == NOW + HOUR_MS


@pytest.mark.parametrize(
    ("limit", "nodes", "part"), [(60, 1, 60), (60, 2, 30), (3, 2, 2), (1, 9, 1)]
)
def test_each_node_has_its_part_of_a_limit_rounded_up(limit: int, nodes: int, part: int) -> None:
    assert divide_limit(limit, nodes) == part


def test_a_forgotten_caller_starts_again() -> None:
    limit = RateLimit(window_ms=MINUTE_MS)
    limit.take("a", 1, NOW)
    limit.forget("a")
    limit.forget("never seen")
    assert limit.take("a", 1, NOW).is_allowed


def test_looking_at_a_limit_neither_counts_nor_remembers() -> None:
    limit = RateLimit(window_ms=MINUTE_MS)
    unseen = limit.look("a", 2, NOW)
    assert (unseen.limit, unseen.remaining, unseen.is_allowed) == (2, 2, True)
    assert unseen.reset_at == NOW + MINUTE_MS
    assert len(limit) == 0
    for _ in range(2):
        limit.take("a", 2, NOW)
    used = limit.look("a", 2, NOW + 1000)
    assert (used.limit, used.remaining, used.is_allowed) == (2, 0, False)
    assert used.reset_at == NOW + MINUTE_MS
    assert limit.look("a", 1, NOW).remaining == 0
    assert limit.look("a", 3, NOW).is_allowed
    assert limit.look("a", 2, NOW + MINUTE_MS).is_allowed


def test_what_is_given_back_to_a_limit_can_be_taken_again() -> None:
    limit = RateLimit(window_ms=MINUTE_MS)
    limit.give_back("never seen", NOW)
    for _ in range(4):
        limit.take("a", 4, NOW)
    limit.give_back("a", NOW)
    assert limit.look("a", 4, NOW).remaining == 1
    for _ in range(9):
        limit.give_back("a", NOW)
    assert limit.look("a", 4, NOW).remaining == 4


def test_another_limit_holds_at_once() -> None:
    limit = RateLimit(window_ms=MINUTE_MS)
    for _ in range(5):
        limit.take("a", 10, NOW)
    lowered = limit.take("a", 3, NOW)
    assert (lowered.is_allowed, lowered.remaining) == (False, 0)
    raised = limit.take("a", 100, NOW)
    assert (raised.is_allowed, raised.remaining) == (True, 94)


def test_a_limit_of_zero_lets_no_request_through() -> None:
    assert not RateLimit(window_ms=MINUTE_MS).take("a", 0, NOW).is_allowed


def test_a_clock_set_back_locks_no_caller_out() -> None:
    limit = RateLimit(window_ms=MINUTE_MS)
    limit.take("a", 1, NOW)
    answer = limit.take("a", 1, NOW - HOUR_MS)
    assert answer.is_allowed
    assert answer.reset_at == NOW - HOUR_MS + MINUTE_MS


def test_memory_is_bounded_and_the_busy_are_kept() -> None:
    limit = RateLimit(window_ms=MINUTE_MS, capacity=100)
    limit.take("busy", 2, NOW)
    limit.take("busy", 2, NOW)
    for number in range(10_000):
        limit.take(f"scanner {number}", 2, NOW)
        if number % 50 == 0:
            assert not limit.take("busy", 2, NOW).is_allowed
        assert len(limit) <= 100


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 400)), max_size=80), st.integers(0, 5))
def test_no_window_ever_lets_more_through(steps: list[tuple[int, int]], most: int) -> None:
    limit = RateLimit(window_ms=1000, capacity=3)
    now = NOW
    passed: dict[tuple[int, int], int] = {}
    for who, pause in steps:
        now += pause
        answer = limit.take(who, most, now)
        assert now < answer.reset_at <= now + 1000
        if answer.is_allowed:
            window = (who, answer.reset_at)
            passed[window] = passed.get(window, 0) + 1
            assert answer.remaining == most - passed[window]
    assert all(count <= most for count in passed.values())


def test_a_bucket_lets_its_burst_through_and_then_one_after_each_pause() -> None:
    limit = RefillingLimit()
    answers = [limit.take("a", 3, 5000, NOW) for _ in range(4)]
    assert [answer.is_allowed for answer in answers] == [True, True, True, False]
    assert [answer.remaining for answer in answers] == [2, 1, 0, 0]
    assert [answer.reset_at - NOW for answer in answers] == [0, 0, 5000, 5000]
    assert {answer.limit for answer in answers} == {3}
    assert limit.look("a", 3, 5000, NOW + 9999).remaining == 1
    for pause in (1, 2, 3):
        due = NOW + pause * 5000
        assert not limit.take("a", 3, 5000, due - 1).is_allowed
        assert limit.take("a", 3, 5000, due).is_allowed
        assert not limit.take("a", 3, 5000, due).is_allowed


def test_a_bucket_says_to_the_second_when_one_more_passes() -> None:
    limit = RefillingLimit()
    limit.take("a", 1, 3000, NOW)
    assert [limit.look("a", 1, 3000, NOW + ms).retry_after_s(NOW + ms) for ms in (0, 1, 2001)] == [
        3,
        3,
        1,
    ]
    with pytest.raises(RateLimitedError) as caught:
        limit.take("a", 1, 3000, NOW + 500).require(NOW + 500)
    assert caught.value.retry_after_s == 3
    assert limit.take("a", 1, 3000, NOW + 500 + 3000).is_allowed


def test_a_bucket_is_full_again_after_a_long_pause_and_never_fuller() -> None:
    limit = RefillingLimit()
    for _ in range(3):
        limit.take("a", 3, 1000, NOW)
    later = NOW + HOUR_MS
    assert [limit.take("a", 3, 1000, later).is_allowed for _ in range(4)] == [True] * 3 + [False]


def test_requests_that_a_bucket_refuses_do_not_prolong_the_wait() -> None:
    limit = RefillingLimit()
    limit.take("a", 1, 1000, NOW)
    for tick in range(1, 1000):
        assert not limit.take("a", 1, 1000, NOW + tick).is_allowed
    assert limit.take("a", 1, 1000, NOW + 1000).is_allowed


def test_looking_into_a_bucket_neither_takes_nor_remembers() -> None:
    limit = RefillingLimit()
    assert limit.look("a", 1, 1000, NOW).is_allowed
    assert len(limit) == 0
    limit.take("a", 1, 1000, NOW)
    assert not limit.look("a", 1, 1000, NOW).is_allowed
    assert limit.look("a", 1, 1000, NOW + 1000).is_allowed
    assert limit.take("a", 1, 1000, NOW + 1000).is_allowed


def test_what_is_given_back_to_a_bucket_can_be_taken_again() -> None:
    limit = RefillingLimit()
    limit.give_back("never seen", NOW)
    limit.take("a", 2, 1000, NOW)
    limit.take("a", 2, 1000, NOW)
    limit.give_back("a", NOW)
    limit.give_back("a", NOW)
    assert len(limit) == 0
    limit.take("a", 2, 1000, NOW)
    assert [limit.take("a", 2, 1000, NOW).is_allowed for _ in range(2)] == [True, False]
    for _ in range(9):
        limit.give_back("a", NOW)
    assert len(limit) == 0
    assert [limit.take("a", 2, 1000, NOW).is_allowed for _ in range(3)] == [True, True, False]


def test_a_bucket_that_gets_one_request_back_is_not_full() -> None:
    limit = RefillingLimit()
    for _ in range(3):
        limit.take("a", 3, 1000, NOW)
    limit.give_back("a", NOW)
    assert [limit.take("a", 3, 1000, NOW).is_allowed for _ in range(2)] == [True, False]


def test_buckets_are_apart_and_a_forgotten_one_is_full() -> None:
    limit = RefillingLimit()
    limit.take("a", 1, 1000, NOW)
    assert limit.take("b", 1, 1000, NOW).is_allowed
    assert not limit.take("a", 1, 1000, NOW).is_allowed
    limit.forget("a")
    limit.forget("never seen")
    assert limit.take("a", 1, 1000, NOW).is_allowed


def test_a_bucket_of_size_zero_lets_no_request_through() -> None:
    limit = RefillingLimit()
    assert not limit.take("a", 0, 1000, NOW).is_allowed
    assert len(limit) == 0


def test_a_clock_set_back_costs_a_bucket_one_pause_at_most() -> None:
    limit = RefillingLimit()
    for _ in range(3):
        limit.take("a", 3, 1000, NOW)
    earlier = NOW - HOUR_MS
    assert limit.take("a", 3, 1000, earlier).reset_at == earlier + 1000
    assert not limit.take("a", 3, 1000, earlier + 999).is_allowed
    assert limit.take("a", 3, 1000, earlier + 1000).is_allowed


def test_memory_of_buckets_is_bounded_and_the_busy_are_kept() -> None:
    limit = RefillingLimit(capacity=100)
    limit.take("busy", 1, HOUR_MS, NOW)
    for number in range(10_000):
        limit.take(f"scanner {number}", 1, HOUR_MS, NOW)
        if number % 50 == 0:
            assert not limit.take("busy", 1, HOUR_MS, NOW).is_allowed
        assert len(limit) <= 100


@given(st.lists(st.integers(0, 400), max_size=80), st.integers(1, 5), st.integers(1, 300))
def test_a_bucket_is_exact_for_any_pauses(pauses: list[int], burst: int, refill_ms: int) -> None:
    limit = RefillingLimit()
    now = NOW
    passed: list[int] = []
    for pause in pauses:
        now += pause
        answer = limit.take("a", burst, refill_ms, now)
        if answer.is_allowed:
            passed.append(now)
            continue
        assert now < answer.reset_at <= now + refill_ms
        assert not limit.look("a", burst, refill_ms, answer.reset_at - 1).is_allowed
        assert limit.look("a", burst, refill_ms, answer.reset_at).is_allowed
    for first, start in enumerate(passed):
        for last, end in enumerate(passed[first:], first):
            assert last - first + 1 <= burst + (end - start) // refill_ms


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("unix", "unix"),
    ],
)
def test_an_address_is_counted_with_its_own_network(address: str, name: str) -> None:
    assert name_address(address) == name


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:DB8:1:ffff::", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::1", "::/48"),
        ("unix", "unix"),
    ],
)
def test_a_wider_network_has_a_name(address: str, name: str) -> None:
    assert name_network(address) == name
