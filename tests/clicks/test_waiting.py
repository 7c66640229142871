from hypothesis import given
from hypothesis import strategies as st

from shorty.clicks.journal import Position, Record
from shorty.clicks.model import BOT, PREFETCH, encode_visit
from shorty.clicks.records import FIRST_OFFSET, HEADER_BYTES
from shorty.clicks.waiting import IN_MEMORY, Batch, WaitingVisits, read_visits
from tests.clicks.making import Events, make_person, make_visit

PERSON_ON_1 = encode_visit(make_person())
LENGTH = HEADER_BYTES + 1


def take_all(waiting: WaitingVisits) -> list[tuple[Position | None, list[bytes]]]:
    waiting.seal()
    taken: list[tuple[Position | None, list[bytes]]] = []
    while batch := waiting.find_oldest():
        taken.append((batch.end, batch.payloads))
        waiting.remove_oldest()
    return taken


def test_a_batch_contains_neighbours_of_one_segment() -> None:
    waiting = WaitingVisits(batch_visits=2)
    for payload, segment, offset in (
        (b"a", 1, 10),
        (b"b", 1, 20),
        (b"c", 1, 30),
        (b"d", IN_MEMORY, 0),
        (b"e", 1, 40),
        (b"f", 2, 10),
    ):
        waiting.add(payload, segment, offset)
    assert waiting.count == 6
    assert take_all(waiting) == [
        (Position(1, 20), [b"a", b"b"]),
        (Position(1, 30), [b"c"]),
        (None, [b"d"]),
        (Position(1, 40), [b"e"]),
        (Position(2, 10), [b"f"]),
    ]
    assert waiting.count == 0


def test_what_joins_after_the_seal_waits_for_the_next() -> None:
    waiting = WaitingVisits(batch_visits=9)
    waiting.add(b"a", 1, 10)
    assert waiting.find_oldest() is None
    waiting.seal()
    waiting.add(b"b", 1, 20)
    oldest = waiting.find_oldest()
    assert oldest is not None
    assert oldest.payloads == [b"a"]
    waiting.remove_oldest()
    assert waiting.find_oldest() is None
    assert take_all(waiting) == [(Position(1, 20), [b"b"])]


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=2, max_size=30))
def test_halves_end_where_their_last_record_ends(payloads: list[bytes]) -> None:
    ends = [FIRST_OFFSET]
    for payload in payloads:
        ends.append(ends[-1] + HEADER_BYTES + len(payload))
    first, second = Batch(3, payloads, ends[-1]).split()
    assert first.payloads + second.payloads == payloads
    assert first.end == Position(3, ends[len(first.payloads)])
    assert second.end == Position(3, ends[-1])


def test_a_record_after_damage_starts_a_new_batch() -> None:
    waiting = WaitingVisits(batch_visits=9)
    length = HEADER_BYTES + 1
    for end in (100, 100 + length, 500, 500 + length):
        waiting.add_again(Record(b"a", Position(1, end)))
    assert [end for end, _ in take_all(waiting)] == [
        Position(1, 100 + length),
        Position(1, 500 + length),
    ]


def test_halves_of_a_batch_in_memory_have_no_position() -> None:
    assert [half.end for half in Batch(IN_MEMORY, [b"a", b"b"], 0).split()] == [None, None]


def test_a_divided_batch_keeps_its_place_in_the_line() -> None:
    waiting = WaitingVisits(batch_visits=3)
    for number, payload in enumerate((b"a", b"b", b"c", b"d"), start=1):
        waiting.add(payload, 1, FIRST_OFFSET + number * (HEADER_BYTES + 1))
    waiting.seal()
    waiting.divide_oldest()
    assert [payloads for _, payloads in take_all(waiting)] == [[b"a"], [b"b", b"c"], [b"d"]]
    assert waiting.count == 0


def test_what_is_added_before_the_others_comes_first_in_batches_of_its_own() -> None:
    waiting = WaitingVisits(batch_visits=2)
    waiting.add(b"d", 1, 10 + 4 * LENGTH)
    records = [
        Record(payload, Position(1, 10 + number * LENGTH))
        for number, payload in enumerate((b"a", b"b", b"c"), 1)
    ]
    assert waiting.add_before(records) == 3
    assert waiting.count == 4
    waiting.add(b"e", 1, 10 + 5 * LENGTH)
    waiting.seal()
    assert [payloads for _, payloads in take_all(waiting)] == [[b"a", b"b"], [b"c"], [b"d", b"e"]]
    assert waiting.count == 0


def test_an_emptied_batch_keeps_its_place_in_the_journal() -> None:
    waiting = WaitingVisits(batch_visits=3)
    waiting.add(b"a", 1, 17)
    waiting.seal()
    waiting.empty_oldest()
    assert waiting.count == 0
    assert take_all(waiting) == [(Position(1, 17), [])]


def test_persons_are_counted_in_the_batches_that_are_not_stored() -> None:
    waiting = WaitingVisits(batch_visits=2)
    for visit in (
        make_person(),
        make_visit(kind=BOT),
        make_visit(kind=PREFETCH),
        make_person(link_id=2),
        make_visit(user_agent="curl/8.5.0"),
        make_visit(),
    ):
        waiting.add(encode_visit(visit), 1, 0)
    assert waiting.count_persons(1, stored_batches=0) == 2
    assert waiting.count_persons(2, stored_batches=0) == 1
    waiting.seal()
    oldest = waiting.find_oldest()
    assert oldest is not None
    oldest.number = 5
    assert waiting.count_persons(1, stored_batches=4) == 2
    assert waiting.count_persons(1, stored_batches=5) == 1
    waiting.add(PERSON_ON_1, 1, 0)
    assert waiting.count_persons(1, stored_batches=5) == 2


def test_what_cannot_be_read_is_left_out_alone(events: Events) -> None:
    torn = [b"\xff", b"\x91\x01", b"\x94\x01\x02\x03\xa1\xff", b"\xc0"]
    assert list(read_visits([PERSON_ON_1, *torn, PERSON_ON_1])) == [make_person()] * 2
    said = {"event": "visit_not_read", "log_level": "warning"}
    assert len(events) == len(torn)
    assert events[-1] == said | {"reason": "Expected `array`, got `None`"}


def test_the_longest_wait_is_that_of_the_oldest_batch() -> None:
    clock = [10.0]
    waiting = WaitingVisits(batch_visits=2, read_monotonic=lambda: clock[0])
    assert waiting.find_longest_wait() == 0
    for offset in (1, 2, 3):
        waiting.add(b"a", 1, offset)
        clock[0] += 5
    waiting.seal()
    assert waiting.find_longest_wait() == 15
    waiting.divide_oldest()
    assert waiting.find_longest_wait() == 15
    waiting.remove_oldest()
    waiting.remove_oldest()
    assert waiting.find_longest_wait() == 5
