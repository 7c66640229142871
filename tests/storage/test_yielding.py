from hypothesis import given
from hypothesis import strategies as st

from shorty.storage.yielding import take_turns


@given(things=st.lists(st.integers(), max_size=30), size=st.integers(1, 10))
def test_every_thing_has_its_turn_in_its_order(things: list[int], size: int) -> None:
    pieces = list(take_turns(things, size))
    assert [thing for piece in pieces for thing in piece] == things
    assert all(len(piece) == size for piece in pieces[:-1])
