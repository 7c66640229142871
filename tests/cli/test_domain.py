"""`shorty domain`, on real databases."""

import json
from pathlib import Path
from typing import Any

from tests.cli.shell import Shell


def list_domains(shell: Shell) -> list[dict[str, Any]]:
    return json.loads(shell("domain", "list", "--json").out)


def test_a_new_database_has_the_built_in_domain(shell: Shell) -> None:
    (own,) = list_domains(shell)
    assert (own["host"], own["scheme"], own["source"]) == ("localhost:8000", "http", "builtin")
    assert own["workspaceId"] is None


def test_an_added_domain_stands_behind_the_configurations(shell: Shell) -> None:
    added = shell("domain", "add", "Go.Bücher.example", "--root-redirect", "https://example.com")
    assert added.code == 0
    assert added.out == ""
    assert added.err.endswith("https://go.xn--bcher-kva.example are now served.\n")
    own, new = list_domains(shell)
    assert own["source"] == "builtin"
    assert (new["host"], new["scheme"]) == ("go.xn--bcher-kva.example", "https")
    assert (new["rootRedirect"], new["notFoundRedirect"]) == ("https://example.com/", "")


def test_loopback_gets_http(shell: Shell) -> None:
    shell("domain", "add", "links.localhost:8000")
    shell("domain", "add", "secure.localhost", "--scheme", "https")
    schemes = {domain["host"]: domain["scheme"] for domain in list_domains(shell)}
    assert schemes["links.localhost:8000"] == "http"
    assert schemes["secure.localhost"] == "https"


def test_commands_leave_the_address_of_the_server_alone(shell: Shell, tmp_path: Path) -> None:
    list_domains(shell)
    (tmp_path / "shorty.toml").write_text("[server]\nport = 9000\n")
    assert [domain["host"] for domain in list_domains(shell)] == ["localhost:8000"]


def test_the_list_is_a_table(shell: Shell) -> None:
    heading, row = shell("domain", "list").out.splitlines()
    assert heading.split()[:3] == ["DOMAIN", "FROM", "WORKSPACE"]
    assert row.split()[:3] == ["http://localhost:8000", "builtin", "all"]


def test_a_removed_domain_leaves_the_list(shell: Shell) -> None:
    shell("domain", "add", "go.example.com")
    assert shell("link", "add", "https://example.com", "--domain", "go.example.com").code == 0
    removed = shell("domain", "remove", "GO.example.com")
    assert removed == (0, "", "Links on https://go.example.com are no longer served: 1.\n")
    assert [domain["host"] for domain in list_domains(shell)] == ["localhost:8000"]


def test_what_cannot_be_is_refused(shell: Shell) -> None:
    shell("domain", "add", "go.example.com")
    twice = shell("domain", "add", "go.example.com")
    assert twice == (1, "", "A domain named 'go.example.com' already exists.\n")
    bad = shell("domain", "add", "https://go.example.com/")
    assert (bad.code, bad.out) == (1, "")
    assert bad.err.startswith("host: must be only a host name")
    bad = shell("domain", "add", "b.example.com", "--root-redirect", "/home")
    assert bad.err.startswith("root-redirect: must be a full URL")
    unknown = shell("domain", "remove", "c.example.com")
    assert unknown == (1, "", "Domain c.example.com not found.\n")
    own = shell("domain", "remove", "localhost:8000")
    assert own.err == "The domain localhost:8000 is set in the configuration; remove it there.\n"


def test_what_phones_are_told_of_apps_comes_from_files(shell: Shell, tmp_path: Path) -> None:
    apple, android = tmp_path / "apple.json", tmp_path / "android.json"
    apple.write_text('\ufeff{"applinks": {}}\n', encoding="utf-8")
    android.write_text("[]")
    added = shell(
        *("domain", "add", "go.example.com", "--root-redirect", "https://example.com/"),
        *("--apple-app-site-association", str(apple), "--asset-links", str(android)),
    )
    assert added.code == 0
    own, new = list_domains(shell)
    assert (own["appleAppSiteAssociation"], own["assetLinks"]) == (None, None)
    assert (new["appleAppSiteAssociation"], new["assetLinks"]) == ({"applinks": {}}, [])
    apple.write_text("")
    changed = shell(
        "domain", "change", "GO.example.com", "--apple-app-site-association", str(apple)
    )
    assert changed == (0, "", "Changed https://go.example.com.\n")
    new = list_domains(shell)[1]
    assert (new["appleAppSiteAssociation"], new["assetLinks"]) == (None, [])
    assert new["rootRedirect"] == "https://example.com/"
    shell("domain", "change", "go.example.com", "--root-redirect", "")
    assert list_domains(shell)[1]["rootRedirect"] == ""


def test_a_domain_that_is_set_elsewhere_is_changed_there(shell: Shell) -> None:
    list_domains(shell)
    own = shell("domain", "change", "localhost:8000", "--root-redirect", "https://example.com/")
    assert own == (
        1,
        "",
        "The domain localhost:8000 is set in the configuration; change it there.\n",
    )
    unknown = shell("domain", "change", "c.example.com")
    assert unknown == (1, "", "Domain c.example.com not found.\n")


def test_a_file_that_cannot_be_served_is_refused(shell: Shell, tmp_path: Path) -> None:
    shell("domain", "add", "go.example.com")
    file = tmp_path / "apple.json"
    option = ("--apple-app-site-association", str(file))
    missing = shell("domain", "change", "go.example.com", *option)
    assert missing.code == 2
    assert "cannot be read: No such file or directory." in missing.err.replace("\n", " ")
    file.write_bytes(b"\xff\xfe")
    assert shell("domain", "change", "go.example.com", *option).code == 2
    file.write_text("[]")
    bad = shell("domain", "change", "go.example.com", *option)
    assert bad.err == "apple-app-site-association: must be a JSON object.\n"


def test_expired_links_of_a_domain_have_a_place(shell: Shell) -> None:
    options = ("--expired-redirect", "https://example.com/gone")
    assert shell("domain", "add", "go.example.com", *options).code == 0
    assert list_domains(shell)[1]["expiredRedirect"] == "https://example.com/gone"
    heading, _, row = shell("domain", "list").out.splitlines()
    assert dict(zip(heading.split("\t"), row.split("\t"), strict=True))["EXPIRED REDIRECT"] == (
        "https://example.com/gone"
    )
    shell("domain", "change", "go.example.com", "--root-redirect", "https://example.com/")
    assert list_domains(shell)[1]["expiredRedirect"] == "https://example.com/gone"
    shell("domain", "change", "go.example.com", "--expired-redirect", "")
    assert list_domains(shell)[1]["expiredRedirect"] == ""


def test_a_place_for_expired_links_is_checked_as_a_destination(shell: Shell) -> None:
    loop = ("--expired-redirect", "http://localhost:8000/sale")
    list_domains(shell)
    added = shell("domain", "add", "go.example.com", *loop)
    assert (added.code, added.err.partition(":")[0]) == (1, "expired-redirect")
    assert "would create a loop" in added.err
    shell("domain", "add", "go.example.com")
    changed = shell("domain", "change", "go.example.com", *loop)
    assert (changed.code, list_domains(shell)[1]["expiredRedirect"]) == (1, "")
