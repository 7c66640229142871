"""Rules and what belongs to them, from the shell."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Shell

RULES: list[dict[str, Any]] = [
    {
        "name": "German phones",
        "url": "https://example.de/app",
        "conditions": [
            {"type": "country", "values": ["DE", "AT"]},
            {"type": "device", "values": ["mobile"], "not": True},
        ],
    },
    {
        "isActive": False,
        "variants": [
            {"key": "a", "url": "https://example.com/a", "weight": 3},
            {"key": "b", "url": "https://example.com/b", "weight": 1},
        ],
        "sticky": True,
        "winner": "b",
        "conditions": [],
    },
]


def write(document: object, name: str = "rules.json") -> str:
    """In the folder where the shell is."""
    Path(name).write_text(json.dumps(document))
    return name


def show(shell: Shell) -> dict[str, Any]:
    return json.loads(shell("link", "show", "sale", "--json").out)


def unwrap(told: str) -> str:
    """Without the frame and the lines of a message about misuse."""
    return " ".join(told.replace("│", "").split())


def add(shell: Shell, *options: str, stdin: str = "") -> None:
    made = shell("link", "add", "https://example.com/", "--slug", "sale", *options, stdin=stdin)
    assert made.code == 0, made.err


def test_rules_are_read_from_a_file(shell: Shell) -> None:
    add(shell, "--rules", write(RULES))
    first, second = show(shell)["rules"]
    assert (first["name"], first["url"]) == ("German phones", "https://example.de/app")
    assert [each["key"] for each in second["variants"]] == ["a", "b"]


def test_rules_are_read_from_standard_input(shell: Shell) -> None:
    add(shell, "--rules", "-", stdin=json.dumps(RULES))
    assert len(show(shell)["rules"]) == 2


def test_a_shown_link_can_be_changed_and_put_back(shell: Shell) -> None:
    add(shell, "--rules", write(RULES))
    link = show(shell)
    link["rules"].reverse()
    link["rules"][0]["isActive"] = False
    edited = shell("link", "edit", "sale", "--rules", write(link, "link.json"))
    assert edited.code == 0, edited.err
    ids = [rule["id"] for rule in link["rules"]]
    assert [rule["id"] for rule in show(shell)["rules"]] == ids


@pytest.mark.parametrize("cleared", ["", "empty.json"])
def test_rules_can_be_cleared(shell: Shell, cleared: str) -> None:
    add(shell, "--rules", write(RULES))
    write([], "empty.json")
    assert shell("link", "edit", "sale", "--rules", cleared).code == 0
    assert show(shell)["rules"] == []


def test_an_edit_without_rules_leaves_them(shell: Shell) -> None:
    add(shell, "--rules", write(RULES))
    shell("link", "edit", "sale", "--title", "T")
    assert len(show(shell)["rules"]) == 2


def test_a_link_shows_its_rules_line_by_line(shell: Shell) -> None:
    add(shell, "--rules", write(RULES))
    lines = shell("link", "show", "sale").out.splitlines()
    shown = dict(line.split(None, 1) for line in lines if line.startswith("rule"))
    assert shown == {
        "rule-1": (
            "German phones: country DE or AT and device not mobile → https://example.de/app"
        ),
        "rule-2": (
            "everybody else → a 75% https://example.com/a, b 25% https://example.com/b, sticky, "
            "winner b (off)"
        ),
    }


def test_each_kind_of_condition_is_shown(shell: Shell) -> None:
    conditions: list[dict[str, Any]] = [
        {
            "type": "time",
            "days": [1, 5],
            "from": "09:00",
            "to": "17:00",
            "timezone": "Europe/Berlin",
        },
        {"type": "query", "key": "src"},
        {"type": "query", "key": "src", "values": ["mail", "ad"], "not": True},
        {"type": "after", "at": "2030-01-01T00:00:00Z"},
        {"type": "before", "at": "2031-01-01T00:00:00Z", "not": True},
    ]
    add(shell, "--rules", write([{"url": "https://example.com/x", "conditions": conditions}]))
    assert (
        "time Mon, Fri 09:00 to 17:00 Europe/Berlin and query has src and not query src = mail or "
        "ad and after 2030-01-01T00:00:00Z and not before 2031-01-01T00:00:00Z → "
        "https://example.com/x"
    ) in shell("link", "show", "sale").out


def test_a_mistake_is_reported_by_its_place(shell: Shell) -> None:
    conditions = [{"type": "country", "values": ["DE", "Germany"]}, {"type": "moon"}]
    rules = [RULES[0], {"url": "https://example.com/", "conditions": conditions}]
    told = shell("link", "add", "https://example.com/", "--rules", write(rules))
    assert (told.code, told.out) == (1, "")
    assert "rules[1].conditions[0].values[1]: " in told.err
    assert "rules[1].conditions[1].type: must be one of country," in told.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[{,}]", "rules.json is not JSON: Expecting property name"),
        (b"[\n\xff]", "rules.json is not text in UTF-8."),
        (b'{"a": 1}', 'rules.json must contain a list of rules, or {"rules": [\xe2\x80\xa6]}.'),
        (b'"x"', "rules.json must contain a list of rules"),
        (b"[" * 100_000, "rules.json is nested too deeply."),
    ],
)
def test_a_file_that_has_no_rules_is_misuse(shell: Shell, content: bytes, said: str) -> None:
    Path("rules.json").write_bytes(content)
    told = shell("link", "add", "https://example.com/", "--rules", "rules.json")
    assert (told.code, told.out) == (2, "")
    assert said.encode("latin-1").decode() in unwrap(told.err)


def test_a_file_that_is_not_there_is_misuse(shell: Shell) -> None:
    told = shell("link", "add", "https://example.com/", "--rules", "nowhere.json")
    assert told.code == 2
    assert "nowhere.json cannot be read: No such file or directory." in unwrap(told.err)


def test_two_options_cannot_share_standard_input(shell: Shell) -> None:
    words = ("link", "add", "https://example.com/", "--password", "--rules", "-")
    told = shell(*words, stdin="[]")
    assert told.code == 2
    assert "both read standard input" in told.err


def test_what_goes_with_rules_is_set_and_cleared(shell: Shell) -> None:
    add(
        shell,
        *("--expires-at", "2999-12-31", "--expired-url", "https://example.com/gone"),
        *("--hide-referrer", "--skip-social-crawler-tracking", "--gtm-container-id", "GTM-ABC123"),
    )
    names = ("expiredUrl", "hideReferrer", "skipSocialCrawlerTracking", "gtmContainerId")
    link = show(shell)
    assert [link[name] for name in names] == [
        *("https://example.com/gone", True, True, "GTM-ABC123"),
    ]
    shown = shell("link", "show", "sale").out
    for name in ("expired-url", "hide-referrer", "skip-social-crawler-tracking"):
        assert f"\n{name} " in shown
    edited = shell(
        *("link", "edit", "sale", "--expired-url", "", "--no-hide-referrer"),
        *("--no-skip-social-crawler-tracking", "--gtm-container-id", ""),
    )
    assert edited.code == 0, edited.err
    link = show(shell)
    assert [link[name] for name in names] == [None, False, False, None]
