"""`shorty user`, on real databases."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.shell import Shell


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
    assert refused == (1, "", "There is already a user named 'ann@a.example'.\n")


@pytest.mark.parametrize(
    ("email", "stdin", "complaint"),
    [
        ("ann@a.example", "", "password: must be at least 8 characters long.\n"),
        ("ann@a.example", "correct\n", "password: must be at least 8 characters long.\n"),
        ("ann@a.example", "x" * 300, "password: may be at most 256 bytes long.\n"),
        ("ann", "correct horse\n", "email: must be an e-mail address, such as ann@example.com.\n"),
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
    assert changed == (0, "", "The password of ann@a.example is set; their sessions have ended.\n")


def test_the_password_of_a_stranger_cannot(shell: Shell) -> None:
    shell("user", "add", "ann@a.example", stdin="correct horse\n")
    refused = shell("user", "passwd", "bob@a.example", stdin="battery staple\n")
    assert refused == (1, "", "There is no user bob@a.example here.\n")


def test_a_lost_second_factor_is_switched_off(shell: Shell, tmp_path: Path) -> None:
    shell("user", "add", "ann@a.example", stdin="correct horse\n")
    refused = shell("user", "reset-totp", "ann@a.example")
    assert refused == (1, "", "There is no second factor here.\n")
    with sqlite3.connect(tmp_path / "data" / "shorty.db") as database:
        database.execute("insert into second_factors values (1, 'ABCD', 0, 1, 1)")
    database.close()
    done = shell("user", "reset-totp", "ann@a.example")
    assert (done.code, done.out) == (0, "")
    assert "with the password alone" in done.err
    assert shell("user", "reset-totp", "ann@a.example").code == 1
