"""`shorty link`, on real databases."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Shell
from tests.serve.running import change

A_YEAR = "2999-12-31T18:00:00+01:00"


def show(shell: Shell, name: str) -> dict[str, Any]:
    return json.loads(shell("link", "show", name, "--json").out)


def list_slugs(shell: Shell, *options: str) -> list[str]:
    listed = json.loads(shell("link", "list", "--json", *options).out)
    return [link["shortCode"] for link in listed]


def test_add_prints_the_short_url_alone(shell: Shell) -> None:
    shell("token", "create")
    made = shell("link", "add", "https://example.com/long", "--slug", "sale")
    assert made == (0, "http://localhost:8000/sale\n", "")


def test_without_a_slug_one_is_chosen(shell: Shell) -> None:
    url = shell("link", "add", "https://example.com/long").out.strip()
    host, _, slug = url.removeprefix("http://").partition("/")
    assert (host, len(slug)) == ("localhost:8000", 6)
    assert show(shell, url)["shortCode"] == slug


def test_every_option_takes_effect(shell: Shell) -> None:
    shell("domain", "add", "go.example.com")
    made = shell(
        *("link", "add", "https://example.com/", "--slug", "all", "--domain", "go.example.com"),
        *("--title", "A title", "--description", "A description"),
        *("--image", "https://example.com/a.png", "--type", "url", "--redirect", "308"),
        *("--cloak", "--password", "--valid-since", "2030-01-01T00:00:00+01:00"),
        *("--expires-at", A_YEAR, "--max-clicks", "5"),
        *("--tag", "one", "--tag", "two", "--forward-parameters", "--block-bots", "--inactive"),
        *("--utm-source", "s", "--utm-medium", "m", "--utm-campaign", "c", "--utm-term", "t"),
        *("--utm-content", "n", "--utm-id", "i", "--meta-pixel", "1234567890123456"),
        *("--google-tag", "G-ABCDEF1234", "--webhook", "https://hooks.example.com/a"),
        *("--webhook", "https://hooks.example.com/b"),
        stdin="open sesame\n",
    )
    assert made.out == "https://go.example.com/all\n", made.err
    link = show(shell, "go.example.com/all")
    expected = {
        "shortUrl": "https://go.example.com/all",
        "originalUrl": "https://example.com/",
        "domain": "go.example.com",
        "title": "A title",
        "description": "A description",
        "image": "https://example.com/a.png",
        "linkType": "URL",
        "redirectType": "PERMANENT_308",
        "cloaked": True,
        "hasPassword": True,
        "password": None,
        "validSince": "2029-12-31T23:00:00.000Z",
        "expiresAt": "2999-12-31T17:00:00.000Z",
        "maxClicks": 5,
        "forwardParameters": True,
        "blockBots": True,
        "isActive": False,
        "utmSource": "s",
        "utmMedium": "m",
        "utmCampaign": "c",
        "utmTerm": "t",
        "utmContent": "n",
        "utmId": "i",
        "metaPixelId": "1234567890123456",
        "googleTagId": "G-ABCDEF1234",
        "webhookUrls": "https://hooks.example.com/a,https://hooks.example.com/b",
    }
    assert {key: link[key] for key in expected} == expected
    assert [item["tag"]["name"] for item in link["tags"]] == ["one", "two"]


def test_all_faults_are_told_by_their_options(shell: Shell) -> None:
    refused = shell(
        *("link", "add", "ftp://example.com", "--max-clicks", "0", "--meta-pixel", "x"),
        *("--webhook", "nowhere", "--domain", "other.example", "--expires-at", "2001-01-01"),
    )
    assert (refused.code, refused.out) == (1, "")
    named = [line.partition(": ")[0] for line in refused.err.splitlines() if ": " in line]
    assert sorted(named) == [
        *("--domain", "--expires-at", "--max-clicks", "--meta-pixel", "--webhook", "URL")
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["--expires-at", "tomorrow"],
        ["--max-clicks", "many"],
        ["--redirect", "303"],
        ["--type", "FTP"],
        ["--password=secret"],
    ],
)
def test_what_cannot_be_read_is_misuse(shell: Shell, words: list[str]) -> None:
    assert shell("link", "add", "https://example.com/", *words).code == 2


def test_a_taken_slug_is_refused(shell: Shell) -> None:
    shell("link", "add", "https://example.com/", "--slug", "sale")
    refused = shell("link", "add", "https://example.com/", "--slug", "sale")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("The slug 'sale' is already taken on localhost:8000")


@pytest.mark.parametrize(
    "name",
    ["1", "sale", "localhost:8000/sale", "http://localhost:8000/sale", "127.0.0.1:8000/s%61le/"],
)
def test_a_link_is_found_by_any_of_its_names(shell: Shell, name: str) -> None:
    shell("link", "add", "https://example.com/", "--slug", "sale")
    assert show(shell, name)["id"] == "1"


def test_a_link_is_found_by_a_slug_with_dots_and_slashes(shell: Shell) -> None:
    shell("domain", "add", "docs.example")
    for slug in ("docs/v1.2", "docs.example/a", "docs.example/b"):
        shell("link", "add", "https://example.com/", "--slug", slug)
    shell("link", "add", "https://example.com/", "--slug", "a", "--domain", "docs.example")
    for name in ("docs/v1.2", "localhost:8000/docs/v1.2", "http://localhost:8000/docs%2Fv1.2"):
        assert show(shell, name)["shortUrl"] == "http://localhost:8000/docs/v1.2"
    # A domain comes before a slug that begins with its name.
    assert show(shell, "docs.example/a")["shortUrl"] == "https://docs.example/a"
    assert show(shell, "docs.example/b")["shortUrl"] == "http://localhost:8000/docs.example/b"
    assert shell("link", "show", "https://docs.example/b").code == 1


@pytest.mark.parametrize("name", ["2", "9" * 30, "other", "go.example/sale", "http://"])
def test_an_unknown_link_is_not_found(shell: Shell, name: str) -> None:
    shell("link", "add", "https://example.com/", "--slug", "sale")
    assert shell("link", "show", name) == (1, "", f"Link {name} not found.\n")


def test_the_same_slug_on_two_domains_is_two_links(shell: Shell) -> None:
    shell("domain", "add", "go.example.com")
    for domain in ("localhost:8000", "go.example.com"):
        shell("link", "add", "https://example.com/", "--slug", "sale", "--domain", domain)
    assert [show(shell, name)["id"] for name in ("sale", "go.example.com/sale")] == ["1", "2"]
    shell("link", "delete", "go.example.com/sale")
    assert list_slugs(shell) == ["sale"]
    assert show(shell, "sale")["domain"] == "localhost:8000"


def test_show_prints_a_line_for_each_fact(shell: Shell) -> None:
    shell("link", "add", "https://example.com/", "--slug", "sale", "--tag", "b", "--tag", "a")
    lines = dict(line.split(None, 1) for line in shell("link", "show", "sale").out.splitlines())
    assert lines["short-link"] == "http://localhost:8000/sale"
    assert lines["tag"] == "b, a"
    assert lines["created-by"] == "owner@shorty.invalid"
    assert (lines["active"], lines["cloak"], lines["title"]) == ("yes", "no", "-")


def test_edit_changes_what_is_given_and_no_more(shell: Shell) -> None:
    shell("link", "add", "https://example.com/", "--slug", "sale", "--title", "A", "--tag", "a")
    edited = shell("link", "edit", "sale", "--url", "https://example.org/", "--slug", "sold")
    assert edited == (0, "http://localhost:8000/sold\n", "")
    link = show(shell, "sold")
    assert (link["url"], link["title"]) == ("https://example.org/", "A")
    assert [item["tag"]["name"] for item in link["tags"]] == ["a"]


def test_an_empty_text_clears(shell: Shell) -> None:
    shell(
        *("link", "add", "https://example.com/", "--slug", "sale", "--title", "A", "--tag", "a"),
        *(
            "--max-clicks",
            "5",
            "--valid-since",
            "2030-01-01",
            "--expires-at",
            A_YEAR,
            "--webhook",
            "https://a.example/",
        ),
    )
    cleared = [
        *("--title", "", "--tag", "", "--max-clicks", "", "--valid-since", ""),
        *("--expires-at", "", "--webhook", ""),
    ]
    assert shell("link", "edit", "sale", *cleared).code == 0
    link = show(shell, "sale")
    assert (link["title"], link["tags"], link["webhookUrls"]) == (None, [], None)
    assert (link["maxClicks"], link["validSince"], link["expiresAt"]) == (None, None, None)


def test_a_slug_cannot_be_cleared(shell: Shell) -> None:
    shell("link", "add", "https://example.com/", "--slug", "sale")
    refused = shell("link", "edit", "sale", "--slug", "")
    assert refused.code == 1
    assert refused.err.startswith("--slug: ")


def test_a_password_is_set_and_taken_away(shell: Shell) -> None:
    shell("link", "add", "https://example.com/", "--slug", "sale")
    shell("link", "edit", "sale", "--password", stdin="open sesame\n")
    assert show(shell, "sale")["hasPassword"] is True
    shell("link", "edit", "sale", "--no-password")
    assert show(shell, "sale")["hasPassword"] is False


def test_deleted_links_are_gone(shell: Shell) -> None:
    for slug in ("one", "two", "three"):
        shell("link", "add", "https://example.com/", "--slug", slug)
    assert shell("link", "delete", "one", "two") == (0, "", "Deleted one.\nDeleted two.\n")
    assert list_slugs(shell) == ["three"]
    assert shell("link", "delete", "one") == (1, "", "Link one not found.\n")


def test_links_are_listed_newest_first(shell: Shell) -> None:
    for slug in ("one", "two", "three"):
        shell("link", "add", f"https://example.com/{slug}", "--slug", slug)
    assert list_slugs(shell) == ["three", "two", "one"]
    heading, *rows = shell("link", "list").out.splitlines()
    assert heading.split("\t")[:3] == ["ID", "SHORT LINK", "URL"]
    assert [row.split()[1] for row in rows] == [
        f"http://localhost:8000/{slug}" for slug in ("three", "two", "one")
    ]


def test_a_list_can_be_narrowed(shell: Shell) -> None:
    shell("domain", "add", "go.example.com")
    shell("link", "add", "https://example.com/a", "--slug", "a", "--tag", "Shop")
    shell("link", "add", "https://example.com/b", "--slug", "b", "--inactive")
    shell("link", "add", "https://example.com/c", "--slug", "c", "--domain", "go.example.com")
    assert list_slugs(shell, "--tag", "shop") == ["a"]
    assert list_slugs(shell, "--inactive") == ["b"]
    assert list_slugs(shell, "--active") == ["c", "a"]
    assert list_slugs(shell, "--domain", "go.example.com") == ["c"]
    assert list_slugs(shell, "--search", "example.com/b") == ["b"]
    assert list_slugs(shell, "--sort", "createdAt") == ["a", "b", "c"]
    assert shell("link", "list", "--tag", "none").err == "Tag none not found.\n"


def test_a_long_list_is_cut_and_says_so(shell: Shell) -> None:
    for slug in ("one", "two", "three"):
        shell("link", "add", "https://example.com/", "--slug", slug)
    listed = shell("link", "list", "--limit", "2")
    assert listed.out.count("\n") == 3
    assert listed.err == "Showing 2 of 3; use --limit for more.\n"
    assert shell("link", "list", "--limit", "3").err == ""


def test_links_belong_to_the_person_named(shell: Shell) -> None:
    shell("user", "add", "ann@a.example", stdin="correct horse\n")
    shell("user", "add", "bob@a.example", stdin="correct horse\n")
    shell("link", "add", "https://example.com/", "--slug", "bobs", "--user", "bob@a.example")
    assert list_slugs(shell, "--user", "bob@a.example") == ["bobs"]
    assert list_slugs(shell) == []
    assert shell("link", "show", "bobs").err == "Link bobs not found.\n"
    for name in ("1", "bobs", "localhost:8000/bobs"):
        for words in (("show", name), ("edit", name, "--title", "x"), ("delete", name)):
            assert shell("link", *words).code == 1
    assert shell("link", "edit", "bobs", "--title", "x", "--user", "bob@a.example").code == 0
    (link,) = json.loads(shell("link", "list", "--user", "bob@a.example", "--json").out)
    assert (link["title"], link["createdBy"]["email"]) == ("x", "bob@a.example")


def test_an_empty_list_says_so_and_succeeds(shell: Shell) -> None:
    shell("domain", "list")
    assert shell("link", "list") == (0, "", "No links.\n")
    assert shell("link", "list", "--search", "x") == (0, "", "No links match.\n")
    assert shell("link", "list", "--deleted") == (0, "", "No deleted links.\n")
    assert shell("link", "list", "--json").out == "[]\n"


def test_links_are_listed_by_their_state_and_order(shell: Shell) -> None:
    shell("link", "add", "https://example.com/", "--slug", "a")
    shell("link", "add", "https://example.com/", "--slug", "b", "--inactive")
    assert list_slugs(shell, "--state", "disabled") == ["b"]
    assert list_slugs(shell, "--state", "active") == ["a"]
    for order in ("created", "createdAt"):
        assert list_slugs(shell, "--sort", order) == ["a", "b"]
    assert list_slugs(shell, "--sort=-created") == ["b", "a"]
    refused = shell("link", "list", "--sort", "age")
    assert refused.code == 2
    assert "-created" in refused.err
    refused = shell("link", "list", "--sort", "deleted")
    assert refused == (1, "", "--sort: by deletion works only with the state deleted.\n")
    assert shell("link", "list", "--deleted", "--state", "active").code == 2


def test_deleted_links_are_listed_and_restored(shell: Shell) -> None:
    for slug in ("one", "two"):
        shell("link", "add", "https://example.com/", "--slug", slug)
        shell("link", "delete", slug)
    assert list_slugs(shell, "--deleted") == ["two", "one"]
    heading, row, _ = shell("link", "list", "--deleted").out.splitlines()
    cells = dict(zip(heading.split("\t"), row.split("\t"), strict=True))
    assert cells["SHORT LINK"] == "http://localhost:8000/two"
    assert cells["DELETED"].endswith(" UTC")
    assert "@" in cells["BY"]
    assert cells["OBSTACLE"] == "-"
    both = shell("link", "restore", "two", "localhost:8000/one")
    assert both == (0, "http://localhost:8000/two\nhttp://localhost:8000/one\n", "")
    assert list_slugs(shell) == ["two", "one"]
    again = shell("link", "restore", "two")
    assert again == (1, "", "Deleted link two not found.\n")


def test_a_deleted_link_is_found_by_its_host_as_people_write_it(shell: Shell) -> None:
    shell("domain", "add", "bücher.example")
    shell("link", "add", "https://example.com/", "--domain", "bücher.example", "--slug", "a")
    shell("link", "delete", "bücher.example/a")
    restored = shell("link", "restore", "Bücher.example/a")
    assert restored == (0, "https://xn--bcher-kva.example/a\n", "")


def test_a_restored_link_says_which_aliases_are_lost(shell: Shell) -> None:
    words = ("--slug", "sale", "--alias", "a", "--alias", "b")
    shell("link", "add", "https://example.com/", *words)
    shell("link", "delete", "sale")
    (deleted,) = json.loads(shell("link", "list", "--deleted", "--json").out)
    assert [alias.rpartition("/")[2] for alias in deleted["aliases"]] == ["a", "b"]
    shell("link", "add", "https://example.com/", "--slug", "a")
    restored = shell("link", "restore", "sale")
    assert restored.out == "http://localhost:8000/sale\n"
    told = "The alias localhost:8000/a was not restored: its slug has been taken since.\n"
    assert (restored.code, restored.err) == (0, told)


def test_of_links_with_the_same_slug_the_last_deleted_comes_back(shell: Shell) -> None:
    for title in ("first", "second"):
        shell("link", "add", "https://example.com/", "--slug", "sale", "--title", title)
        shell("link", "delete", "sale")
    shell("link", "restore", "sale")
    assert show(shell, "sale")["title"] == "second"
    listed = shell("link", "list", "--deleted").out
    assert "slug taken" in listed
    refused = shell("link", "restore", "1")
    assert refused.code == 1
    assert "already taken" in refused.err


def test_facts_have_the_names_of_their_options(shell: Shell) -> None:
    shell("link", "add", "https://example.com/", "--slug", "a", "--expires-at", "2099-01-01")
    names = [line.split()[0] for line in shell("link", "show", "a").out.splitlines()]
    for name in ("slug", "expires-at", "redirect", "active", "utm-source", "max-clicks", "webhook"):
        assert name in names
    assert not [name for name in names if name != name.lower()]


def test_aliases_are_set_shown_and_removed(shell: Shell) -> None:
    shell("domain", "add", "go.example.com")
    words = ("--slug", "sale", "--alias", "Spring", "--alias", "go.example.com/sale")
    shell("link", "add", "https://example.com/", *words)
    host = show(shell, "sale")["domain"]
    both = [f"{host}/Spring", "go.example.com/sale"]
    assert show(shell, "Spring")["aliases"] == both
    assert show(shell, "go.example.com/sale")["aliases"] == both
    lines = dict(line.split(None, 1) for line in shell("link", "show", "sale").out.splitlines())
    assert lines["aliases"] == ", ".join(both)
    edited = shell("link", "edit", "sale", "--alias", "docs/v2", "--remove-alias", "Spring")
    assert (edited.code, edited.err) == (0, "")
    assert show(shell, "sale")["aliases"] == ["go.example.com/sale", f"{host}/docs/v2"]
    refused = shell("link", "edit", "sale", "--alias", "a b", "--remove-alias", "Spring")
    assert refused.code == 1
    assert "--alias: " in refused.err
    assert "--remove-alias: is not an alias of this link" in refused.err
    shell("link", "add", "https://example.com/", "--slug", "other")
    taken = shell("link", "edit", "other", "--alias", "go.example.com/sale")
    assert (taken.code, "already taken on go.example.com" in taken.err) == (1, True)


def test_a_renamed_link_in_use_keeps_its_slug_unless_told_not_to(shell: Shell) -> None:
    shell("link", "add", "https://example.com/", "--slug", "sale")
    assert shell("link", "edit", "sale", "--slug", "one").err == ""
    assert shell("link", "show", "sale").code == 1
    change(Path("data"), "update link_counters set total = 1")
    renamed = shell("link", "edit", "one", "--slug", "two")
    short = renamed.out.strip()
    assert renamed.err == f"{short.removesuffix('two')}one stays as an alias.\n"
    freed = shell("link", "edit", "one", "--slug", "three", "--free-old-slug")
    assert (freed.code, freed.err) == (0, "")
    assert [link.rpartition("/")[2] for link in show(shell, "three")["aliases"]] == ["one"]
