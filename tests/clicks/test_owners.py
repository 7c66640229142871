from shorty.clicks.owners import find_workspace, is_domain, number_domain, number_workspace


def test_owners_of_sums_are_told_apart() -> None:
    assert {number_workspace(5), number_domain(5, 1), number_domain(1, 5)} == {
        -5,
        -(2**31) - 5,
        -5 * 2**31 - 1,
    }
    most = 2**31 - 1
    for owner in (number_domain(most, 1), number_domain(1, 1), number_domain(most, most)):
        assert is_domain(owner)
        assert owner > -(2**62)
    assert [find_workspace(each) for each in (-7, number_domain(7, 3), -most)] == [7, 7, most]
    assert not is_domain(number_workspace(most))
