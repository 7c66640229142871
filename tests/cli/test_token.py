"""`shorty token`, on real databases."""

import json
import re
from datetime import datetime, timedelta

from shorty.accounts.service import NOBODYS_EMAIL
from tests.cli.shell import Shell
from tests.copies import find_databases

TOKEN = re.compile(r"shorty_[\w-]{43}\n")


def test_create_prints_the_token_alone(shell: Shell) -> None:
    made = shell("token", "create")
    assert made.code == 0
    assert TOKEN.fullmatch(made.out)
    assert made.err.startswith("" if find_databases() else "Created the database ")


def test_the_first_token_makes_one_workspace_and_its_owner(shell: Shell) -> None:
    shell("token", "create")
    again = shell("token", "create", "--name", "ci")
    assert again.err == ""
    first, second = json.loads(shell("token", "list", "--json").out)
    assert first["user"] == second["user"] == NOBODYS_EMAIL
    assert first["workspaceId"] == second["workspaceId"]
    assert (first["name"], second["name"]) == ("", "ci")


def test_a_token_may_name_the_first_owner(shell: Shell) -> None:
    shell("token", "create", "--user", "Ann@A.example")
    (token,) = json.loads(shell("token", "list", "--json").out)
    assert (token["user"], token["scope"], token["expiresAt"]) == ("ann@a.example", "admin", None)


def test_a_token_has_the_scope_and_life_asked_for(shell: Shell) -> None:
    shell("token", "create", "--scope", "read", "--expires-in", "2")
    (token,) = json.loads(shell("token", "list", "--json").out)
    assert token["scope"] == "read"
    made_at, ends_at = [datetime.fromisoformat(token[each]) for each in ("createdAt", "expiresAt")]
    assert ends_at - made_at == timedelta(days=2)


def test_a_token_for_a_stranger_is_refused(shell: Shell) -> None:
    shell("token", "create")
    refused = shell("token", "create", "--user", "bob@a.example")
    assert refused == (1, "", "User bob@a.example not found.\n")


def test_the_list_shows_hints_and_no_secrets(shell: Shell) -> None:
    secret = shell("token", "create", "--name", "ci").out.strip()
    heading, row = shell("token", "list").out.splitlines()
    assert heading.split()[:3] == ["ID", "TOKEN", "USER"]
    assert secret[:11] in row
    assert secret[:20] not in row


def test_a_revoked_token_leaves_the_list(shell: Shell) -> None:
    shell("token", "create")
    assert shell("token", "revoke", "1") == (0, "", "Token 1 was revoked.\n")
    assert json.loads(shell("token", "list", "--json").out) == []
    assert shell("token", "revoke", "1") == (1, "", "Token 1 not found.\n")


def test_a_wrong_scope_is_misuse(shell: Shell) -> None:
    misuse = shell("token", "create", "--scope", "all")
    assert (misuse.code, misuse.out) == (2, "")
    assert "'all' is not one of" in misuse.err
