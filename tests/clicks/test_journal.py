import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shorty.clicks.journal import FIRST_OFFSET, HEADER_BYTES, Journal, Owner, Position, Segment
from tests.clicks.making import limit_file_size

START = Position(0, 0)

payloads = st.lists(st.binary(min_size=1, max_size=300), max_size=12)


def open_journal(folder: Path) -> Journal:
    """A journal as a start makes it: created where there is none, with a segment of its own."""
    journal = Journal(folder)
    if journal.find_owner() is None:
        journal.create("an-id")
    journal.continue_in(journal.create_segment())
    return journal


def read(folder: Path, after: Position = START) -> list[bytes]:
    return [record.payload for record in Journal(folder).read_after(after)]


def find_file(journal: Journal) -> Path:
    return journal.folder / f"{journal.segment:010d}.log"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "shorty.db.journal"


def test_what_is_appended_is_read_though_nobody_closed_it(folder: Path) -> None:
    journal = open_journal(folder)
    journal.append(b"one")
    journal.append(b"two")
    assert read(folder) == [b"one", b"two"]


def test_only_its_owner_may_look_into_the_journal(folder: Path) -> None:
    journal = open_journal(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert find_file(journal).stat().st_mode & 0o777 == 0o600


@settings(deadline=None, max_examples=40)
@given(payloads, st.data())
def test_a_cut_loses_what_lies_past_it_and_nothing_else(
    written: list[bytes], data: st.DataObject
) -> None:
    with TemporaryDirectory() as directory:
        journal = open_journal(Path(directory) / "journal")
        ends = [FIRST_OFFSET, *(journal.append(payload) for payload in written)]
        cut = data.draw(st.integers(0, ends[-1]))
        os.truncate(find_file(journal), cut)
        whole = sum(end <= cut for end in ends[1:])
        assert read(journal.folder) == written[:whole]


@settings(deadline=None, max_examples=40)
@given(payloads, st.binary(min_size=1, max_size=40))
def test_what_follows_the_last_record_is_never_taken_for_one(
    written: list[bytes], torn: bytes
) -> None:
    with TemporaryDirectory() as directory:
        journal = open_journal(Path(directory) / "journal")
        for payload in written:
            journal.append(payload)
        with find_file(journal).open("ab") as file:
            file.write(torn)
        assert read(journal.folder) == written


def test_zeros_that_a_power_cut_leaves_are_no_records(folder: Path) -> None:
    journal = open_journal(folder)
    end = journal.append(b"one")
    os.truncate(find_file(journal), end + 4096)
    assert read(folder) == [b"one"]


def test_a_damaged_record_ends_its_segment_but_not_the_next(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal(folder)
    journal.append(b"one")
    journal.append(b"two")
    with find_file(journal).open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"X")
    journal.continue_in(journal.create_segment())
    journal.append(b"three")
    assert read(folder) == [b"one", b"three"]
    assert "The last 11 bytes" in caplog.text


@settings(deadline=None, max_examples=40)
@given(payloads, st.data())
def test_reading_starts_past_the_position_in_any_segment(
    written: list[bytes], data: st.DataObject
) -> None:
    with TemporaryDirectory() as directory:
        journal = open_journal(Path(directory) / "journal")
        positions = [Position(journal.segment, FIRST_OFFSET)]
        for payload in written:
            if data.draw(st.booleans()):
                journal.continue_in(journal.create_segment())
            positions.append(Position(journal.segment, journal.append(payload)))
        stored = data.draw(st.integers(0, len(written)))
        records = list(Journal(journal.folder).read_after(positions[stored]))
        assert [record.payload for record in records] == written[stored:]
        assert [record.end for record in records] == positions[stored + 1 :]


def test_a_position_past_a_shortened_file_hides_no_later_click(folder: Path) -> None:
    journal = open_journal(folder)
    stored = Position(1, journal.append(b"stored, then lost to a power cut"))
    os.truncate(find_file(journal), FIRST_OFFSET)
    open_journal(folder).append(b"new")
    assert read(folder, stored) == [b"new"]


def test_no_segment_number_is_used_twice(folder: Path) -> None:
    numbers: list[int] = []
    for stored in (0, 0, 7, 7):
        journal = Journal(folder)
        if journal.find_owner() is None:
            journal.create("an-id")
        journal.continue_in(journal.create_segment(after=stored))
        numbers.append(journal.segment)
        journal.remove_before(journal.segment)
    assert numbers == [1, 2, 8, 9]


def test_a_full_segment_asks_for_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shorty.clicks.journal.SEGMENT_BYTES", 100)
    journal = open_journal(folder)
    journal.append(b"x" * 50)
    assert not journal.needs_segment
    journal.append(b"x" * 50)
    assert journal.needs_segment
    journal.continue_in(journal.create_segment())
    assert not journal.needs_segment


def test_segments_are_removed_up_to_a_number(folder: Path) -> None:
    journal = open_journal(folder)
    journal.continue_in(journal.create_segment())
    journal.continue_in(journal.create_segment())
    journal.remove_before(3)
    assert journal.list_segments() == [3]


def test_without_a_segment_nothing_is_appended(folder: Path) -> None:
    journal = Journal(folder)
    with pytest.raises(OSError, match="Bad file descriptor"):
        journal.append(b"one")


def test_a_removed_journal_leaves_nothing(folder: Path) -> None:
    journal = open_journal(folder)
    journal.append(b"one")
    journal.remove()
    assert not folder.exists()
    assert journal.find_owner() is None


def test_a_journal_set_aside_keeps_its_records(folder: Path) -> None:
    aside: list[Path] = []
    for _ in range(2):
        journal = open_journal(folder)
        journal.append(b"one")
        aside.append(journal.set_aside())
    assert not folder.exists()
    assert [read(each) for each in aside] == [[b"one"], [b"one"]]


def test_a_journal_says_whose_it_is(folder: Path) -> None:
    journal = open_journal(folder)
    assert journal.find_owner() == Owner("an-id", 0)
    journal.note_stored(Owner("an-id", 12))
    assert journal.find_owner() == Owner("an-id", 12)


@pytest.mark.parametrize("damaged", [b"", b"an-id", b"an-id many", b"\xff\xff 1"])
def test_a_journal_that_cannot_say_whose_it_is_is_nobodys(folder: Path, damaged: bytes) -> None:
    journal = open_journal(folder)
    (folder / "owner").write_bytes(damaged)
    assert journal.find_owner() is None


def test_an_empty_journal_holds_no_records(folder: Path) -> None:
    journal = open_journal(folder)
    assert not journal.holds_records()
    journal.append(b"one")
    assert journal.holds_records()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=20), st.integers(8, 400))
def test_a_full_disk_costs_the_record_that_met_it_and_no_other(
    written: list[bytes], room: int
) -> None:
    with TemporaryDirectory() as directory:
        journal = open_journal(Path(directory) / "journal")
        kept: list[bytes] = []
        with limit_file_size(room):
            for payload in written:
                try:
                    journal.append(payload)
                except OSError:
                    continue
                kept.append(payload)
        journal.append(b"there is room again")
        assert read(journal.folder) == [*kept, b"there is room again"]
        sizes = [HEADER_BYTES + len(payload) for payload in kept]
        assert FIRST_OFFSET + sum(sizes) <= room


def test_a_full_disk_leaves_nothing_of_a_new_segment(folder: Path) -> None:
    journal = open_journal(folder)
    with limit_file_size(4), pytest.raises(OSError, match="No space left"):
        journal.create_segment()
    assert journal.list_segments() == [1]
    journal.append(b"the old one is still open")
    assert read(folder) == [b"the old one is still open"]


def test_where_a_torn_record_cannot_be_cut_off_its_segment_is_left(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal(folder)
    journal.append(b"one")
    # A file opened for reading can be neither written nor cut.
    journal.continue_in(Segment(1, os.open(find_file(journal), os.O_RDONLY)))
    with pytest.raises(OSError, match="Bad file descriptor"):
        journal.append(b"two")
    assert journal.needs_segment
    assert "leaves segment 1" in caplog.text
    journal.continue_in(journal.create_segment())
    journal.append(b"three")
    assert read(folder) == [b"one", b"three"]
