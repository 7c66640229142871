"""Lists of the command line: they fit a terminal and are whole in a pipe."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from shorty.cli import tables
from shorty.cli.tables import Kind, clean, count, fit_cell, fit_widths, print_table, write_table

ROW = ["7", "https://go.example/sale", "https://example.com/" + "a" * 90, "秋の大セール🍂" * 5]
HEADINGS = ["ID", "SHORT LINK", "URL", "TITLE"]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_each_row_fits_the_terminal(width: int) -> None:
    lines = write_table([HEADINGS, ROW], width)
    assert max(map(cell_len, lines)) <= width
    assert "…" in lines[1]
    assert lines[1].startswith("7 ")


def test_columns_start_under_their_headings_whatever_is_in_them() -> None:
    table = [["A", "B"], ["日本語", "x"], ["e\u0301a", "y"], ["🍂", "z"]]
    lines = write_table(table, 80)
    starts = {
        cell_len(line[: line.index(last)]) for line, (_, last) in zip(lines, table, strict=True)
    }
    assert len(starts) == 1


def test_only_the_widest_columns_shrink_and_long_texts_first() -> None:
    some: list[Kind] = ["plain", "plain", "long", "long"]
    assert fit_widths([2, 10, 50, 60], 72, some) == [2, 10, 30, 30]
    assert fit_widths([2, 10, 50, 60], 73, some) == [2, 10, 31, 30]
    assert fit_widths([2, 30, 50, 60], 52, some) == [2, 30, 10, 10]
    assert fit_widths([2, 30, 50, 60], 42, some) == [2, 20, 10, 10]
    assert fit_widths([2, 3], 80, ["plain", "plain"]) == [2, 3]
    assert fit_widths([9, 9], 4, ["plain", "long"]) == [4, 4]


def test_times_shrink_to_their_days_before_short_links_say_nothing() -> None:
    kinds: list[Kind] = ["plain", "long", "time"]
    assert fit_widths([30, 40, 20], 60, kinds) == [30, 10, 20]
    assert fit_widths([30, 40, 20], 50, kinds) == [20, 10, 20]
    assert fit_widths([30, 40, 20], 45, kinds) == [20, 10, 15]
    assert fit_widths([30, 40, 20], 35, kinds) == [20, 4, 11]
    assert fit_widths([30, 40, 20], 30, kinds) == [15, 4, 11]
    made = ["2026-11-30 12:00 UTC", "-"]
    headings = ["SHORT LINK", "URL", "CREATED"]
    table = [headings, *([ROW[1], ROW[2], each] for each in made)]
    assert write_table(table, 64)[1].endswith("  2026-11-30 12:00 UTC")
    assert write_table(table, 50)[1].endswith("  2026-11-30…")


def test_a_url_loses_its_scheme_before_what_tells_it_from_others() -> None:
    assert fit_cell("https://go.example/sale", 23) == "https://go.example/sale"
    assert fit_cell("https://go.example/sale", 20) == "go.example/sale     "
    assert fit_cell("https://go.example/sale", 12) == "go.example/…"


def test_short_links_and_times_stay_whole_where_there_is_room() -> None:
    (_, line) = write_table([HEADINGS, ROW], 60)
    assert "https://go.example/sale  " in line


@given(st.text(max_size=30), st.integers(4, 20))
def test_a_cell_takes_its_width_and_no_more(text: str, width: int) -> None:
    assert cell_len(fit_cell(clean(text), width)) == width


def test_in_a_pipe_values_are_whole_with_tabs_between() -> None:
    assert write_table([HEADINGS, ROW], None)[1].split("\t") == ROW


def test_what_a_terminal_would_carry_out_is_blanked(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["A", "B"], [("x\x1b[31m\ty\nz", "\u202eabc\u2069"), (None, True)])
    assert capsys.readouterr().out == "A\tB\nx [31m y z\t abc \n-\tyes\n"


def test_an_empty_list_says_so_beside_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["A"], [], empty="No links.")
    assert capsys.readouterr() == ("", "No links.\n")


def test_a_terminal_is_asked_for_its_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert tables.find_width() == 30
    print_table(HEADINGS, [ROW])
    assert all(cell_len(line) <= 30 for line in capsys.readouterr().out.splitlines())


def test_numbers_have_their_plurals() -> None:
    assert [count(number, "link") for number in (0, 1, 2, 1200)] == [
        "0 links",
        "1 link",
        "2 links",
        "1,200 links",
    ]
