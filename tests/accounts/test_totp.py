from base64 import b32encode

import pytest

from shorty.accounts.totp import (
    STEP_MS,
    build_setup_address,
    compute_code,
    find_step,
    make_secret,
)

SECRET = b32encode(b"12345678901234567890").decode()
NOW = 1_111_111_109_000


@pytest.mark.parametrize(
    ("seconds", "code"),
    # RFC 6238, appendix B: the last six of its eight digits.
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_the_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    assert compute_code(SECRET, seconds * 1000 // STEP_MS) == code


def test_a_code_is_right_one_step_before_and_after_its_own() -> None:
    step = NOW // STEP_MS
    found = [find_step(SECRET, compute_code(SECRET, step + off), 0, NOW) for off in range(-2, 3)]
    assert found == [None, step - 1, step, step + 1, None]


def test_neither_a_used_code_nor_an_older_one_is_right() -> None:
    step = NOW // STEP_MS
    assert find_step(SECRET, compute_code(SECRET, step), step, NOW) is None
    assert find_step(SECRET, compute_code(SECRET, step - 1), step, NOW) is None
    assert find_step(SECRET, compute_code(SECRET, step + 1), step, NOW) == step + 1


@pytest.mark.parametrize(
    "code", ["", "81804", "0081804", "081804 ", "\uff10\uff18\uff11\uff18\uff10\uff14", "\ud800"]
)
def test_invalid_text_is_a_wrong_code(code: str) -> None:
    assert find_step(SECRET, code, 0, NOW) is None


def test_a_secret_has_160_random_bits_without_padding() -> None:
    secrets = {make_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {32}


def test_the_setup_address_names_the_installation_and_the_account() -> None:
    address = build_setup_address("ABC", "ann+x@a.example", "go.example:8000 & co")
    assert address == (
        "otpauth://totp/go.example:8000%20%26%20co:ann%2Bx@a.example"
        "?secret=ABC&issuer=go.example%3A8000%20%26%20co"
    )
