import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shorty.clicks.journal import Journal, Owner, Position, Segment
from shorty.clicks.model import BIO, BOT, PERSON, QR, Visit, decode_visit, encode_visit
from shorty.clicks.records import (
    FIRST_OFFSET,
    FORMAT,
    FORMER_FORMAT,
    HEADER,
    HEADER_BYTES,
    LONGEST_PAYLOAD,
    SegmentReader,
    make_key,
)
from tests.clicks.making import Events, limit_file_size, watch_fsync
from tests.examples import count_examples

START = Position(0, 0)
FOLDER = "shorty.db.journal"

# A journal as it once was on a disk: no release may read or write it differently.
OWNER = b"0123456789abcdef0123456789abcdef 00000000000000000012\n"
SEGMENT_WITH_RULES = bytes.fromhex(
    "6a6f75726e616c3252000000de87ae3c9ccf000001a0c4506c7bce00011170cf40000000"
    "00000005a244450101b04d6f7a696c6c612f352e302028c3a929a4742e636f95a46e6577"
    "73c0a56dc3a4727aa0a162a54bc3b66c6e0392a434663261a16217000000c430e8579ccf"
    "000001a0c4506c7c0100a00000a0a0c0a0cd012cc0"
)
# Of the previous release: no rule in its visits.
SEGMENT_WITH_DOMAINS = bytes.fromhex(
    "6a6f75726e616c324a000000f48371fe9bcf000001a0c4506c7bce00011170cf"
    "4000000000000005a244450101b04d6f7a696c6c612f352e302028c3a929a474"
    "2e636f95a46e657773c0a56dc3a4727aa0a162a54bc3b66c6e0316000000af2e"
    "faa59bcf000001a0c4506c7c0100a00000a0a0c0a0cd012c"
)
# Of the one before: no domain in its visits.
THIRD_SEGMENT = bytes.fromhex(
    "6a6f75726e616c3249000000ce2ff2129acf000001a0c4506c7bce00011170cf40"
    "00000000000005a244450101b04d6f7a696c6c612f352e302028c3a929a4742e63"
    "6f95a46e657773c0a56dc3a4727aa0a162a54bc3b66c6e13000000a4174ffb9acf"
    "000001a0c4506c7c0100a00000a0a0c0a0"
)
# Of the one before: no key in its checksums, no city in its visits.
SECOND_SEGMENT = bytes.fromhex(
    "73686f727479310a270000005d4e576799cf000001a0c4506c010209a24e4f0202"
    "aa6375726c2f382e352e30a9612e6578616d706c65c0"
)
IN_THIRD = (
    Visit(
        at=1_790_000_000_123,
        link_id=70_000,
        visitor=2**62 + 5,
        country="DE",
        source=QR,
        kind=PERSON,
        user_agent="Mozilla/5.0 (é)",
        referrer="t.co",
        utm=("news", None, "märz", "", "b"),
        city="Köln",
    ),
    Visit(at=1_790_000_000_124, link_id=1, visitor=0),
)
WITH_DOMAINS = [
    msgspec.structs.replace(visit, domain_id=domain_id)
    for visit, domain_id in zip(IN_THIRD, (3, 300), strict=True)
]
WITH_RULES = [msgspec.structs.replace(WITH_DOMAINS[0], won=("4f2a", "b")), WITH_DOMAINS[1]]
IN_SECOND = Visit(
    at=1_790_000_000_001,
    link_id=2,
    visitor=9,
    country="NO",
    source=BIO,
    kind=BOT,
    user_agent="curl/8.5.0",
    referrer="a.example",
)

payloads = st.lists(st.binary(min_size=1, max_size=300), max_size=12)


def open_journal(folder: Path) -> Journal:
    """A journal as at a start: created if missing, with a new segment."""
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
    return tmp_path / FOLDER


@pytest.fixture
def lying(folder: Path) -> Path:
    folder.mkdir()
    (folder / "owner").write_bytes(OWNER)
    (folder / "0000000003.log").write_bytes(THIRD_SEGMENT)
    (folder / "0000000002.log").write_bytes(SECOND_SEGMENT)
    return folder


def test_a_journal_that_was_written_once_is_read(lying: Path) -> None:
    journal = Journal(lying)
    assert journal.find_owner() == Owner("0123456789abcdef0123456789abcdef", 12)
    records = list(journal.read_after(START))
    assert [decode_visit(record.payload) for record in records] == [IN_SECOND, *IN_THIRD]
    ends = [Position(2, 55), Position(3, 89), Position(3, 116)]
    assert [record.end for record in records] == ends
    assert [record.start for record in records] == [(2, 8), (3, 8), (3, 89)]
    assert [record.end for record in journal.read_after(ends[1])] == ends[2:]
    assert journal.skipped_bytes == 0


def test_a_journal_is_written_as_it_was_once(folder: Path) -> None:
    journal = Journal(folder)
    journal.create("0123456789abcdef0123456789abcdef")
    journal.continue_in(journal.create_segment(after=2))
    assert [journal.append(encode_visit(visit)) for visit in WITH_RULES] == [98, 129]
    journal.note_stored(Owner("0123456789abcdef0123456789abcdef", 12))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "owner": OWNER,
        "0000000003.log": SEGMENT_WITH_RULES,
    }
    assert [decode_visit(record.payload) for record in journal.read_after(START)] == WITH_RULES


def test_a_journal_of_the_release_before_rules_is_read(lying: Path) -> None:
    (lying / "0000000003.log").write_bytes(SEGMENT_WITH_DOMAINS)
    records = Journal(lying).read_after(Position(2, 55))
    assert [decode_visit(record.payload) for record in records] == WITH_DOMAINS


def test_appended_records_are_read_without_a_close(folder: Path) -> None:
    journal = open_journal(folder)
    journal.append(b"one")
    journal.append(b"two")
    assert read(folder) == [b"one", b"two"]


def test_only_its_owner_may_look_into_the_journal(folder: Path) -> None:
    journal = open_journal(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert find_file(journal).stat().st_mode & 0o777 == 0o600


@settings(deadline=None, max_examples=count_examples(40))
@given(payloads, st.data())
def test_a_cut_loses_only_what_is_past_it(written: list[bytes], data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        journal = open_journal(Path(directory) / "journal")
        ends = [FIRST_OFFSET, *(journal.append(payload) for payload in written)]
        cut = data.draw(st.integers(0, ends[-1]))
        os.truncate(find_file(journal), cut)
        whole = sum(end <= cut for end in ends[1:])
        assert read(journal.folder) == written[:whole]


@settings(deadline=None, max_examples=count_examples(40))
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


def list_kept(folder: Path) -> list[Path]:
    return sorted(folder.parent.glob(f"{folder.name}.damaged-*"))


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


@settings(deadline=None, max_examples=count_examples(300))
@given(
    st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=12),
    st.binary(min_size=1, max_size=60),
    st.data(),
)
def test_damage_costs_the_records_it_hits_and_no_other(
    written: list[bytes], damage: bytes, data: st.DataObject
) -> None:
    with TemporaryDirectory() as directory:
        journal = open_journal(Path(directory) / "journal")
        ends = [FIRST_OFFSET, *(journal.append(payload) for payload in written)]
        before = find_file(journal).read_bytes()
        start = data.draw(st.integers(0, ends[-1] - 1))
        damage = damage[: ends[-1] - start]
        overwrite(find_file(journal), start, damage)
        after = find_file(journal).read_bytes()
        # hypothesis finds these eight bytes in our code; random damage would not produce them.
        assume(not after.startswith(FORMER_FORMAT))
        untouched = [
            payload
            for payload, begin, end in zip(written, ends, ends[1:], strict=False)
            if before[begin:end] == after[begin:end]
        ]
        assert read(journal.folder) == untouched
        kept = [path.read_bytes() for path in list_kept(journal.folder)]
        is_last_alone = untouched == written[: len(untouched)]
        assert kept in ([], [after]) if is_last_alone else kept == [after]


def test_a_damaged_segment_outlives_its_journal(folder: Path, events: Events) -> None:
    journal = open_journal(folder)
    journal.append(b"one")
    end = journal.append(b"two")
    journal.append(b"three")
    overwrite(find_file(journal), end - 1, b"X")
    journal.continue_in(journal.create_segment())
    journal.append(b"four")
    for _ in range(2):
        reader = Journal(folder)
        assert [record.payload for record in reader.read_after(START)] == [
            b"one",
            b"three",
            b"four",
        ]
        assert reader.skipped_bytes == HEADER_BYTES + 3
    said = {
        "event": "journal_damaged",
        "log_level": "error",
        "file": str(folder / "0000000001.log"),
        "bytes": 11,
        "kept": str(folder.with_name(f"{FOLDER}.damaged-1")),
    }
    assert events == [said] * 2
    journal.remove()
    (kept,) = list_kept(folder)
    assert kept.name == "shorty.db.journal.damaged-1"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"three" in kept.read_bytes()


def test_damage_is_kept_before_later_records_are_returned(folder: Path) -> None:
    journal = open_journal(folder)
    end = journal.append(b"one")
    journal.append(b"two")
    overwrite(find_file(journal), end - 1, b"X")
    records = Journal(folder).read_after(START)
    assert next(records).payload == b"two"
    assert len(list_kept(folder)) == 1


def test_each_damaged_segment_is_kept_under_a_name_of_its_own(folder: Path) -> None:
    journal = open_journal(folder)
    for payload in (b"one", b"two"):
        overwrite(find_file(journal), journal.append(payload) - 1, b"X")
        journal.continue_in(journal.create_segment())
    assert read(folder) == []
    assert [path.name[-1] for path in list_kept(folder)] == ["1", "2"]


def test_damage_that_is_the_beginning_of_a_record_is_torn_and_not_kept(folder: Path) -> None:
    journal = open_journal(folder)
    journal.append(b"one")
    end = journal.append(b"two")
    os.truncate(find_file(journal), end - 1)
    assert read(folder) == [b"one"]
    assert list_kept(folder) == []


def test_a_damaged_head_costs_no_record(folder: Path) -> None:
    journal = open_journal(folder)
    journal.append(b"one")
    overwrite(find_file(journal), 0, b"?")
    assert read(folder) == [b"one"]
    assert len(list_kept(folder)) == 1


@pytest.mark.parametrize("key", [0, make_key("another-id", 1), make_key("an-id", 2)])
def test_a_record_that_a_visitor_writes_into_a_visit_is_never_read(folder: Path, key: int) -> None:
    journal = open_journal(folder)
    forged = HEADER.pack(5, crc32(b"false") ^ key) + b"false"
    journal.append(forged)
    journal.append(b"one")
    overwrite(find_file(journal), FIRST_OFFSET, b"\xff")
    assert read(folder) == [b"one"]


def test_a_segment_of_the_release_before_is_read_up_to_its_damage(folder: Path) -> None:
    journal = open_journal(folder)
    records = [HEADER.pack(3, crc32(each)) + each for each in (b"one", b"two", b"six")]
    find_file(journal).write_bytes(FORMER_FORMAT + b"".join(records))
    assert read(folder) == [b"one", b"two", b"six"]
    overwrite(find_file(journal), FIRST_OFFSET + 2 * (HEADER_BYTES + 3) - 1, b"X")
    assert read(folder) == [b"one"]
    assert len(list_kept(folder)) == 1


def pack(payload: bytes) -> bytes:
    """As the journal's first segment contains it."""
    return HEADER.pack(len(payload), crc32(payload) ^ make_key("an-id", 1)) + payload


ONE, TWO, LONGEST = pack(b"one"), pack(b"two"), pack(b"x" * LONGEST_PAYLOAD)


@pytest.mark.parametrize(
    ("content", "payloads", "skipped", "torn"),
    [
        (b"", [], 0, 0),
        (FORMAT[:5], [], 0, 5),
        (FORMAT, [], 0, 0),
        (FORMAT + ONE + LONGEST + TWO, [b"one", b"x" * LONGEST_PAYLOAD, b"two"], 0, 0),
        (b"?" * len(FORMAT) + ONE, [b"one"], len(FORMAT), 0),
        (FORMAT + b"\xff" + ONE + b"\xff\xff" + TWO, [b"one", b"two"], 3, 0),
        (FORMAT + ONE + TWO[:-1] + b"X", [b"one"], len(TWO), 0),
        (FORMAT + ONE + TWO[:-1], [b"one"], 0, len(TWO) - 1),
        (FORMAT + ONE + TWO[:5], [b"one"], 0, 5),
        (FORMAT + ONE + HEADER.pack(20, 1) + b"abcde" + bytes(99), [b"one"], 0, 112),
        (FORMAT + ONE + bytes(99), [b"one"], 0, 99),
        (FORMAT + ONE + HEADER.pack(LONGEST_PAYLOAD, 1), [b"one"], 0, 8),
        (FORMAT + ONE + HEADER.pack(LONGEST_PAYLOAD + 1, 2**31), [b"one"], 8, 0),
        (FORMAT + ONE + HEADER.pack(0, 2**31), [b"one"], 8, 0),
    ],
)
def test_what_is_read_skipped_and_torn_of_a_segment(
    content: bytes, payloads: list[bytes], skipped: int, torn: int
) -> None:
    reader = SegmentReader(content, 0, make_key("an-id", 1))
    assert [payload for payload, _ in reader] == payloads
    assert (reader.skipped, reader.torn) == (skipped, torn)


def test_a_search_among_bytes_that_all_look_like_records_gives_up(folder: Path) -> None:
    journal = open_journal(folder)
    journal.append(b"one")
    with find_file(journal).open("ab") as file:
        file.write(b"\xff\x00\x00" + b"\xff\xff\x00\x00" * 100_000)
    reader = SegmentReader(find_file(journal).read_bytes(), FIRST_OFFSET, make_key("an-id", 1))
    assert [payload for payload, _ in reader] == [b"one"]
    assert reader.checked_bytes < 70 * 400_000


@settings(deadline=None, max_examples=count_examples(40))
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


def test_what_is_left_of_a_journal_without_an_owner_is_removed(folder: Path) -> None:
    journal = open_journal(folder)
    (folder / "owner").unlink()
    journal.remove()
    assert not folder.exists()


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
def test_a_journal_without_a_readable_owner_has_none(folder: Path, damaged: bytes) -> None:
    journal = open_journal(folder)
    (folder / "owner").write_bytes(damaged)
    assert journal.find_owner() is None


def test_an_empty_journal_has_no_records(folder: Path) -> None:
    journal = open_journal(folder)
    assert not journal.holds_records()
    journal.append(b"one")
    assert journal.holds_records()


@settings(deadline=None, max_examples=count_examples(40))
@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=20), st.integers(8, 400))
def test_a_full_disk_costs_the_record_that_met_it_and_no_other(
    written: list[bytes], room: int
) -> None:
    with TemporaryDirectory() as directory:
        journal = open_journal(Path(directory) / "journal")
        kept: list[bytes] = []
        refused: list[int | None] = []
        with limit_file_size(room):
            for payload in written:
                try:
                    journal.append(payload)
                except OSError as error:
                    refused.append(error.errno)
                    continue
                kept.append(payload)
        journal.append(b"there is room again")
        assert read(journal.folder) == [*kept, b"there is room again"]
        assert len(kept) + len(refused) == len(written)
        assert set(refused) <= {errno.ENOSPC, errno.EFBIG}
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
    folder: Path, events: Events
) -> None:
    journal = open_journal(folder)
    journal.append(b"one")
    # A file opened for reading can be neither written nor truncated.
    file = os.open(find_file(journal), os.O_RDONLY)
    journal.continue_in(Segment(1, file, make_key("an-id", 1)))
    with pytest.raises(OSError, match="Bad file descriptor"):
        journal.append(b"two")
    assert journal.needs_segment
    said = {"event": "journal_segment_left", "log_level": "warning", "segment": 1}
    assert events == [said | {"reason": "[Errno 22] Invalid argument"}]
    journal.continue_in(journal.create_segment())
    journal.append(b"three")
    assert read(folder) == [b"one", b"three"]


def test_a_power_cut_takes_neither_a_new_journal_nor_a_new_segment(folder: Path) -> None:
    journal = Journal(folder)
    with watch_fsync() as synced:
        journal.create("an-id")
    assert synced == [("owner", len("an-id") + 22), (FOLDER, -1), (folder.parent.name, -1)]
    with watch_fsync() as synced:
        journal.continue_in(journal.create_segment())
    assert synced == [("0000000001.log", FIRST_OFFSET), (FOLDER, -1)]


def test_what_was_appended_is_out_of_a_power_cuts_reach_once_it_is_synchronised(
    folder: Path,
) -> None:
    journal = open_journal(folder)
    with watch_fsync() as synced:
        end = journal.append(b"one")
        assert synced == []
        journal.sync()
    assert synced == [("0000000001.log", end)]
    journal.close()
    with watch_fsync() as synced:
        journal.sync()
    assert synced == []


def refuse_link(*_: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("has_links", [True, False])
def test_a_damaged_segment_is_out_of_a_power_cuts_reach_before_its_records_are_given_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", refuse_link)
    journal = open_journal(folder)
    end = journal.append(b"one")
    length = journal.append(b"two")
    overwrite(find_file(journal), end - 1, b"X")
    with watch_fsync() as synced:
        assert next(Journal(folder).read_after(START)).payload == b"two"
    copied = [] if has_links else [(f"{FOLDER}.damaged-1", length)]
    assert synced == [*copied, (folder.parent.name, -1)]
    (kept,) = list_kept(folder)
    assert kept.read_bytes() == find_file(journal).read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    with watch_fsync() as synced:
        assert read(folder) == [b"two"]
    assert synced == []
    assert list_kept(folder) == [kept]
