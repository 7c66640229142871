from shorty.storage.statements import Statement, cut_and_fill, fill_up, number_places


def test_parameters_are_numbered_as_they_are_written() -> None:
    statement = Statement()
    assert [statement.bind("a"), statement.bind("b")] == ["$1", "$2"]
    assert statement.values == ["a", "b"]


def test_places_are_numbered_from_the_first() -> None:
    assert number_places(3) == "$1, $2, $3"
    assert number_places(2, 4) == "$4, $5"


def test_the_last_id_fills_a_list_up() -> None:
    assert fill_up([1, 2], 4) == [1, 2, 2, 2]
    assert fill_up([1, 2], 2) == [1, 2]


def test_a_long_list_is_cut_into_pieces_of_one_length() -> None:
    assert list(cut_and_fill([1, 2, 3], 2)) == [[1, 2], [3, 3]]
    assert list(cut_and_fill([], 2)) == []
