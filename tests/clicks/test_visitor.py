import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shorty.clicks.visitor import VisitorNumbers, wants_privacy
from shorty.durations import DAY_MS
from tests.clicks.making import Events, watch_fsync

NOON = 20_000 * DAY_MS + DAY_MS // 2
MIDNIGHT = 20_001 * DAY_MS


def number(
    numbers: VisitorNumbers, now: int, address: str = "203.0.113.9", agent: str = "A"
) -> int:
    return numbers.number_visitor(address, agent, now)


def test_a_visitor_has_one_number_all_day_long(tmp_path: Path) -> None:
    numbers = VisitorNumbers(tmp_path / "key", NOON)
    first = number(numbers, NOON)
    assert 0 < first < 2**63
    assert number(numbers, MIDNIGHT - 1) == first


def test_visitors_differ_by_address_and_by_user_agent(tmp_path: Path) -> None:
    numbers = VisitorNumbers(tmp_path / "key", NOON)
    told_apart = {
        number(numbers, NOON),
        number(numbers, NOON, address="203.0.113.8"),
        number(numbers, NOON, agent="B"),
        number(numbers, NOON, address="203.0.113.9A", agent=""),
    }
    assert len(told_apart) == 4


def test_the_number_outlasts_a_restart_within_the_day(tmp_path: Path) -> None:
    before = number(VisitorNumbers(tmp_path / "key", NOON), NOON)
    assert number(VisitorNumbers(tmp_path / "key", NOON + 1), NOON + 1) == before


def test_at_midnight_the_key_is_replaced_and_the_old_one_destroyed(tmp_path: Path) -> None:
    numbers = VisitorNumbers(tmp_path / "key", NOON)
    before = number(numbers, MIDNIGHT - 1)
    old, inode = (tmp_path / "key").read_bytes(), (tmp_path / "key").stat().st_ino
    after = number(numbers, MIDNIGHT)
    new = (tmp_path / "key").read_bytes()
    assert after != before
    assert old.split()[1] not in new
    assert (tmp_path / "key").stat().st_ino == inode
    assert number(VisitorNumbers(tmp_path / "key", MIDNIGHT), MIDNIGHT) == after


def test_a_clock_set_back_over_midnight_keeps_the_new_key(tmp_path: Path) -> None:
    numbers = VisitorNumbers(tmp_path / "key", NOON)
    after = number(numbers, MIDNIGHT)
    assert number(numbers, MIDNIGHT - 5) == after
    assert number(numbers, MIDNIGHT - 2 * DAY_MS) != after


def test_a_key_that_was_written_once_gives_the_numbers_it_gave(tmp_path: Path) -> None:
    written = b"0020000 000102030405060708090a0b0c0d0e0f\n"
    (tmp_path / "key").write_bytes(written)
    numbers = VisitorNumbers(tmp_path / "key", NOON)
    # SipHash's own example hashes the bytes from 0 to 14 with this key.
    agent = "".join(map(chr, range(1, 15)))
    assert number(numbers, NOON, address="", agent=agent) == 0xA129CA6149BE45E5 >> 1
    assert (tmp_path / "key").read_bytes() == written
    number(numbers, MIDNIGHT)
    assert re.fullmatch(rb"0020001 [0-9a-f]{32}\n", (tmp_path / "key").read_bytes())


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"0020000",
        b"0020000 " + b"0" * 30 + b"\n",
        b"0020000 " + b"x" * 32 + b"\n",
        b"soon " + b"0" * 32 + b"\n",
        b"0019999 " + b"0" * 32 + b"\n",
        b"0020001 " + b"0" * 32 + b"\n",
        b"0020000 " + b"0" * 32 + b"\nand more than there was room for",
        b"\xff" * 40,
    ],
)
def test_a_key_that_is_not_todays_is_replaced(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "key").write_bytes(damaged)
    VisitorNumbers(tmp_path / "key", NOON)
    after = (tmp_path / "key").read_bytes()
    assert re.fullmatch(rb"0020000 [0-9a-f]{32}\n", after)
    assert after.split()[1] != b"0" * 32


def test_yesterdays_key_is_off_the_disk_before_a_visitor_has_todays_number(tmp_path: Path) -> None:
    with watch_fsync() as synced:
        numbers = VisitorNumbers(tmp_path / "key", NOON)
        number(numbers, NOON)
        assert synced == [("key", 41)]
        number(numbers, MIDNIGHT)
        number(numbers, MIDNIGHT + 1)
    assert synced == [("key", 41)] * 2


def test_another_server_gives_other_numbers(tmp_path: Path) -> None:
    one, other = (VisitorNumbers(tmp_path / name, NOON) for name in ("one", "other"))
    assert number(one, NOON) != number(other, NOON)


def test_only_the_servers_user_may_read_the_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("damaged")
    (tmp_path / "key").chmod(0o644)
    VisitorNumbers(tmp_path / "key", NOON)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_cannot_be_written_does_not_stop_visits(tmp_path: Path, events: Events) -> None:
    (tmp_path / "data").mkdir()
    numbers = VisitorNumbers(tmp_path / "data" / "key", NOON)
    before = number(numbers, NOON)
    (tmp_path / "data").rename(tmp_path / "gone")
    after = number(numbers, MIDNIGHT)
    assert after != before
    assert number(numbers, MIDNIGHT + 1) == after
    path = tmp_path / "data" / "key"
    said = {"event": "visitor_key_not_replaced", "log_level": "warning", "file": str(path)}
    assert events == [said | {"reason": f"[Errno 2] No such file or directory: '{path}'"}]


def test_a_user_agent_of_any_characters_has_a_number(tmp_path: Path) -> None:
    numbers = VisitorNumbers(tmp_path / "key", NOON)
    assert number(numbers, NOON, agent="\udc80\0é") > 0


def test_privacy_is_asked_for_with_either_header() -> None:
    assert wants_privacy("1", "")
    assert wants_privacy("", "1")
    assert not wants_privacy("0", "0")
    assert not wants_privacy("", "")


def test_a_shared_key_needs_no_file_and_the_next_days_is_brought_before(tmp_path: Path) -> None:
    one, other = (VisitorNumbers(tmp_path / name, NOON, shared=b"1" * 16) for name in ("a", "b"))
    assert number(one, NOON) == number(other, NOON)
    for each in (one, other):
        each.bring_key(MIDNIGHT // DAY_MS, b"2" * 16)
    before = number(one, MIDNIGHT - 1)
    assert number(one, MIDNIGHT) == number(other, MIDNIGHT) != before
    assert list(tmp_path.iterdir()) == []


def test_without_the_next_days_shared_key_a_process_makes_its_own(tmp_path: Path) -> None:
    numbers = VisitorNumbers(tmp_path / "a", NOON, shared=b"1" * 16)
    before = number(numbers, NOON)
    with capture_logs() as logged:
        assert number(numbers, MIDNIGHT) != before
    assert [entry["event"] for entry in logged] == ["visitor_key_not_shared"]
    assert list(tmp_path.iterdir()) == []
