from shorty.accounts.secret_texts import SetupKey


def test_the_key_of_the_first_run_is_right_until_another_is_made_or_it_is_forgotten() -> None:
    key = SetupKey()
    first = key.make()
    assert key.is_right(first)
    assert not key.is_right(f"{first}x")
    second = key.make()
    assert not key.is_right(first)
    assert key.is_right(second)
    key.forget()
    assert not key.is_right(second)


def test_before_a_key_is_made_none_is_right() -> None:
    assert not SetupKey().is_right("")
