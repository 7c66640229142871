"""`shorty link stats` and `shorty analytics show`, on real databases."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from shorty.cli.numbers import choose_interval, draw_bar
from shorty.clicks.periods import read_period
from shorty.durations import DAY_MS
from tests.cli.shell import Shell
from tests.copies import find_databases
from tests.serve.running import change

NOON = 1_790_000_000_000 // DAY_MS * DAY_MS + DAY_MS // 2  # 2026-09-21
PERIOD = ("--from", "2026-09-21", "--to", "2026-09-22")
CLICK = """
insert into clicks (link_id, at, visitor, kind, source, country, referrer, browser, domain_id)
values ($1, $2, $3, $4, $5, $6, $7, 'Chrome', 1)
"""
CLICKS = [
    (1, NOON, 1, 1, 0, "DE", "t.co"),
    (1, NOON + DAY_MS, 1, 1, 1, "DE", None),
    (1, NOON + DAY_MS, 2, 1, 0, "US", None),
    (1, NOON, 3, 2, 0, "US", None),
    (2, NOON, 4, 1, 0, "FR", None),
    (1, NOON - DAY_MS, 5, 1, 0, "FR", None),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database's folder, once the first test has it: copying is faster than making it."""
    return tmp_path_factory.mktemp("clicked") / "data"


@pytest.fixture(autouse=True)
def clicked(shell: Shell, tmp_path: Path, made: Path) -> None:
    if made.exists():
        shutil.copytree(made, tmp_path / "data")
        return
    shell("link", "add", "https://example.com", "--slug", "sale", "--tag", "Spring")
    shell("link", "add", "https://example.com", "--slug", "other")
    change(tmp_path / "data", CLICK, CLICKS)
    assert shell("analytics", "rebuild").code == 0
    if find_databases() is None:
        shutil.copytree(tmp_path / "data", made)


def test_a_links_numbers_are_printed_whole_in_a_pipe(shell: Shell) -> None:
    done = shell("link", "stats", "sale", *PERIOD)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "link      http://localhost:8000/sale\n"
        "period    2026-09-21 to 2026-09-22 (UTC)\n"
        "clicks    3 (previous period: 1)\n"
        "visitors  3 (previous period: 1)\n"
        "scans     1\n"
        "bots      1 (not included)\n"
        "\nDAY\tCLICKS\n2026-09-21\t1\n2026-09-22\t2\n"
        "\nCOUNTRY\tCLICKS\tSHARE\nDE\t2\t67%\nUS\t1\t33%\n"
        "\nREFERRER\tCLICKS\tSHARE\nDirect\t2\t67%\nX\t1\t33%\n"
        "\nDEVICE\tCLICKS\tSHARE\nunknown\t3\t100%\n"
        "\nBROWSER\tCLICKS\tSHARE\nChrome\t3\t100%\n"
        "\nOS\tCLICKS\tSHARE\nunknown\t3\t100%\n"
    )


def test_json_has_the_apis_names(shell: Shell) -> None:
    found = json.loads(shell("link", "stats", "sale", *PERIOD, "--json", "--include-bots").out)
    expected = {
        "link": "http://localhost:8000/sale",
        "from": "2026-09-21T00:00:00Z",
        "to": "2026-09-23T00:00:00Z",
        "timezone": "UTC",
        "clicks": 4,
        "visitors": 3,
        "scans": 1,
        "bots": 1,
        "previous": {"clicks": 1, "visitors": 1},
        "interval": "day",
        "series": [
            {"start": "2026-09-21T00:00:00Z", "clicks": 2, "visitors": 1},
            {"start": "2026-09-22T00:00:00Z", "clicks": 2, "visitors": 2},
        ],
        "countries": [
            {"country": "DE", "clicks": 2, "visitors": 2},
            {"country": "US", "clicks": 2, "visitors": 1},
        ],
        "browsers": [{"browser": "Chrome", "clicks": 4}],
    }
    assert {name: found[name] for name in expected} == expected


def test_csv_has_the_days_of_the_time_zone(shell: Shell) -> None:
    done = shell("link", "stats", "sale", *PERIOD, "--csv", "--timezone", "Pacific/Auckland")
    assert list(csv.reader(done.out.splitlines())) == [
        ["start", "clicks", "visitors"],
        ["2026-09-21T00:00:00+12:00", "1", "1"],
        ["2026-09-22T00:00:00+12:00", "1", "1"],
    ]


def test_a_workspaces_numbers_by_domain_and_tag(shell: Shell) -> None:
    shell("domain", "add", "go.example.com")
    for options, clicks in (
        ((), 4),
        (("--tag", "spring"), 3),
        (("--domain", "localhost:8000"), 4),
        (("--domain", "go.example.com"), 0),
    ):
        done = shell("analytics", "show", *PERIOD, *options, "--json")
        assert json.loads(done.out)["clicks"] == clicks
    nothing = shell("analytics", "show", *PERIOD, "--domain", "go.example.com").out
    assert "DAY" not in nothing


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("link", "stats", "nothing"), "Link nothing not found."),
        (("analytics", "show", "--tag", "nothing"), "Tag nothing not found."),
        (("analytics", "show", "--domain", "not.example"), "Domain not.example not found."),
        (("analytics", "show", "--from", "x"), "--from: must be a date such as 2026-12-31"),
        (("analytics", "show", "--timezone", "x"), "--timezone: must be a zone"),
        (("analytics", "show", "--from", "2026-01-02", "--to", "2026-01-01"), "--to: must be"),
    ],
)
def test_what_is_not_there_is_said(shell: Shell, words: tuple[str, ...], told: str) -> None:
    done = shell(*words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(told)


def test_json_and_csv_exclude_each_other(shell: Shell) -> None:
    assert shell("analytics", "show", "--json", "--csv").code == 2


@pytest.mark.parametrize(
    ("value", "bar"), [(0, ""), (1, "▏"), (500, "██"), (1000, "████"), (531, "██▏")]
)
def test_a_bar_is_as_long_as_its_share(value: int, bar: str) -> None:
    assert draw_bar(value, 1000, 4) == bar


@pytest.mark.parametrize(
    ("start", "interval"), [("2026-09-01", "day"), ("2026-01-01", "week"), ("2023-01-01", "month")]
)
def test_long_periods_have_long_intervals(start: str, interval: str) -> None:
    assert choose_interval(read_period(start, "2026-09-30", "UTC", NOON)) == interval
