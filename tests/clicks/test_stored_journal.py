from shorty.clicks.stored_journal import StoredSegments


def test_a_stored_segment_is_needed_for_as_long_as_it_is_kept() -> None:
    clock = [100.0]
    segments = StoredSegments(60.0, lambda: clock[0])
    assert segments.find_needed() == 0
    segments.note(2)
    clock[0] += 30
    segments.note(2)
    segments.note(4)
    assert segments.find_needed() == 0
    clock[0] += 30
    assert segments.find_needed() == 2
    clock[0] += 29.5
    assert segments.find_needed() == 2
    clock[0] += 0.5
    assert segments.find_needed() == 4


def test_without_a_time_to_keep_it_is_removed_once_it_is_stored() -> None:
    segments = StoredSegments(0.0, lambda: 7.0)
    segments.note(3)
    assert segments.find_needed() == 3
