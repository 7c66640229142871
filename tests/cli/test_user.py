"""`shorty user`, on real databases."""

import json
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.serve.running import change


def list_emails(shell: Shell) -> list[str]:
    return [user["email"] for user in json.loads(shell("user", "list", "--json").out)]


def test_a_password_is_read_from_standard_input(shell: Shell) -> None:
    added = shell("user", "add", "Ann@A.example", stdin="correct horse\n")
    assert (added.code, added.out) == (0, "")
    assert "Added ann@a.example" in added.err
    assert list_emails(shell) == ["ann@a.example"]


def test_the_first_person_gets_the_workspace_that_the_token_made(shell: Shell) -> None:
    shell("token", "create")
    shell("user", "add", "ann@a.example", stdin="correct horse\n")
    (token,) = json.loads(shell("token", "list", "--json").out)
    assert token["user"] == "ann@a.example"
    assert list_emails(shell) == ["ann@a.example"]


def test_the_second_person_gets_a_workspace_of_their_own(shell: Shell) -> None:
    shell("user", "add", "ann@a.example", stdin="correct horse\n")
    shell("user", "add", "bob@a.example", "--name", "Bob", stdin="battery staple\n")
    shell("token", "create", "--user", "bob@a.example")
    shell("token", "create")
    bobs, anns = json.loads(shell("token", "list", "--json").out)
    assert (bobs["user"], anns["user"]) == ("bob@a.example", "ann@a.example")
    assert bobs["workspaceId"] != anns["workspaceId"]


def test_a_taken_address_is_refused(shell: Shell) -> None:
    shell("user", "add", "ann@a.example", stdin="correct horse\n")
    refused = shell("user", "add", "ANN@a.example", stdin="battery staple\n")
    assert refused == (1, "", "A user named 'ann@a.example' already exists.\n")


@pytest.mark.parametrize(
    ("email", "stdin", "complaint"),
    [
        ("ann@a.example", "", "password: must be at least 8 characters long.\n"),
        ("ann@a.example", "correct\n", "password: must be at least 8 characters long.\n"),
        ("ann@a.example", "x" * 300, "password: may be at most 256 bytes long.\n"),
        ("ann", "correct horse\n", "email: must be an email, such as ann@example.com.\n"),
    ],
)
def test_a_bad_account_is_refused(shell: Shell, email: str, stdin: str, complaint: str) -> None:
    refused = shell("user", "add", email, stdin=stdin)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.endswith(complaint)
    assert list_emails(shell) == []


def test_a_password_is_no_argument(shell: Shell) -> None:
    assert shell("user", "add", "ann@a.example", "secret").code == 2
    assert shell("user", "passwd", "ann@a.example", "--password", "secret").code == 2


def test_a_password_can_be_changed(shell: Shell) -> None:
    shell("user", "add", "ann@a.example", stdin="correct horse\n")
    changed = shell("user", "passwd", "ann@a.example", stdin="battery staple\n")
    assert changed == (
        0,
        "",
        "The password of ann@a.example was changed; all sessions were ended.\n",
    )


def test_an_email_is_changed_and_counts_as_verified(shell: Shell, tmp_path: Path) -> None:
    shell("user", "add", "ann@a.example", "--name", "Ann", stdin="correct horse\n")
    changed = shell("user", "email", "Ann@a.example", "ann@BÜCHER.example")
    assert changed == (0, "", "Ann now signs in with ann@xn--bcher-kva.example.\n")
    assert list_emails(shell) == ["ann@xn--bcher-kva.example"]
    forget_proofs(tmp_path)
    assert "\tno\tAnn\t" in shell("user", "list").out
    verified = shell("user", "email", "ann@bücher.example")
    assert (verified.code, verified.out) == (0, "")
    assert verified.err.startswith("Ann is verified as ann@xn--bcher-kva.example.\n")
    (ann,) = json.loads(shell("user", "list", "--json").out)
    assert ann["emailVerified"] is True


def test_an_email_that_is_taken_or_none_or_unknown_is_refused(shell: Shell) -> None:
    for email in ("ann@a.example", "bob@a.example"):
        shell("user", "add", email, stdin="correct horse\n")
    for arguments, complaint in (
        (("ann@a.example", "BOB@a.example"), "A user named 'bob@a.example' already exists.\n"),
        (("ann@a.example", "a@@x.com"), "email: must be an email, such as"),
        (("cy@a.example", "c@a.example"), "User cy@a.example not found.\n"),
    ):
        refused = shell("user", "email", *arguments)
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.startswith(complaint)
    assert list_emails(shell) == ["ann@a.example", "bob@a.example"]


def test_an_address_that_somebody_holds_without_proof_is_freed_by_the_operator(
    shell: Shell, tmp_path: Path
) -> None:
    shell("user", "add", "boss@a.example", stdin="correct horse\n")
    forget_proofs(tmp_path)
    refused = shell("user", "add", "boss@a.example", stdin="battery staple\n")
    assert refused.code == 1
    assert "`shorty user email boss@a.example`" in refused.err
    assert shell("user", "email", "boss@a.example", "unknown@shorty.invalid").code == 0
    assert shell("user", "add", "boss@a.example", stdin="battery staple\n").code == 0
    assert list_emails(shell) == ["unknown@shorty.invalid", "boss@a.example"]


def test_what_a_former_holder_still_has_is_listed_with_what_ends_it(
    shell: Shell, tmp_path: Path
) -> None:
    """An account under an email that nothing proves may have been set up by anybody."""
    shell("user", "add", "boss@a.example", stdin="correct horse\n")
    shell("token", "create", "--user", "boss@a.example")
    add_second_factor(tmp_path)
    forget_proofs(tmp_path)
    tokens = "  API tokens (1): shorty token list, shorty token revoke ID"
    factor = "  the second factor: shorty user reset-totp boss@a.example"
    password = "  the password and active sessions: shorty user passwd boss@a.example"
    told = shell("user", "passwd", "boss@a.example", stdin="battery staple\n").err
    heading = "If someone else set up this account earlier, remove their access:"
    assert told.splitlines()[-3:] == [heading, tokens, factor]
    shell("token", "revoke", "1")
    shell("user", "reset-totp", "boss@a.example")
    told = shell("user", "email", "boss@a.example").err
    assert told.splitlines()[1:] == [heading, password]
    told = shell("user", "passwd", "boss@a.example", stdin="battery staple\n").err
    assert heading not in told


def add_second_factor(folder: Path) -> None:
    change(
        folder / "data",
        "insert into second_factors (user_id, secret, confirmed_at, created_at)"
        " values (1, 'ABCD', 1, 1)",
    )


def forget_proofs(folder: Path) -> None:
    change(folder / "data", "update users set email_verified_at = null")


def test_the_password_of_a_stranger_cannot(shell: Shell) -> None:
    shell("user", "add", "ann@a.example", stdin="correct horse\n")
    refused = shell("user", "passwd", "bob@a.example", stdin="battery staple\n")
    assert refused == (1, "", "User bob@a.example not found.\n")


def test_a_lost_second_factor_is_switched_off(shell: Shell, tmp_path: Path) -> None:
    shell("user", "add", "ann@a.example", stdin="correct horse\n")
    refused = shell("user", "reset-totp", "ann@a.example")
    assert refused == (1, "", "Second factor not found.\n")
    add_second_factor(tmp_path)
    done = shell("user", "reset-totp", "ann@a.example")
    assert (done.code, done.out) == (0, "")
    assert "with only the password" in done.err
    assert shell("user", "reset-totp", "ann@a.example").code == 1
