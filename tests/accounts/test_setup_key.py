from shorty.accounts.secret_texts import SetupKey


def test_the_setup_key_is_valid_until_it_is_replaced_or_forgotten() -> None:
    key = SetupKey()
    first = key.make()
    assert key.is_right(first)
    assert not key.is_right(f"{first}x")
    second = key.make()
    assert not key.is_right(first)
    assert key.is_right(second)
    key.forget()
    assert not key.is_right(second)


def test_before_a_key_is_created_none_is_valid() -> None:
    assert not SetupKey().is_right("")
