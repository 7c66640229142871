"""`shorty import` and `shorty export`."""

import csv
from pathlib import Path

import msgspec
import pytest

from tests.cli.shell import Shell

TABLE = "url,slug,title,clicks\nhttps://example.com/a,a,=1+1,7\nhttps://example.com/b,b,B,\n"


def write_table(folder: Path, text: str = TABLE) -> Path:
    path = folder / "links.csv"
    path.write_text(text)
    return path


def test_a_table_is_imported_once(shell: Shell, tmp_path: Path) -> None:
    write_table(tmp_path)
    dry = shell("import", "links.csv", "--from", "csv", "--dry-run")
    assert (dry.code, dry.out) == (
        0,
        "2 links would be imported, 0 existed already, 0 skipped, 0 failed.\n",
    )
    assert shell("link", "list", "--json").out == "[]\n"
    first = shell("import", "links.csv", "--from", "csv")
    assert (first.code, first.out) == (
        0,
        "2 links imported, 0 existed already, 0 skipped, 0 failed.\n",
    )
    again = shell("import", "links.csv", "--from", "csv")
    assert again.out == "0 links imported, 2 existed already, 0 skipped, 0 failed.\n"
    links = msgspec.json.decode(shell("link", "list", "--json").out)
    assert {link["shortCode"]: link["clickCount"] for link in links} == {"a": 7, "b": 0}


def test_what_failed_is_told_and_ends_with_1(shell: Shell, tmp_path: Path) -> None:
    rows = "".join(f"nonsense {number},\n" for number in range(30))
    write_table(tmp_path, f"url,slug\n{rows}")
    told = shell("import", "links.csv", "--from", "csv", "--report", "report.csv")
    assert told.code == 1
    assert "line 2: nonsense 0: destination: " in told.err
    assert "… and 10 more: report.csv has them all." in told.err
    lines = (tmp_path / "report.csv").read_text().splitlines()
    assert lines[0] == "result,place,link,message,about"
    assert len(lines) == 31


MESSY = (
    "url,slug,status,tags\n"
    "https://example.com/a,a,banned,\n"
    "https://example.com/b,b,paused,\n"
    f"https://example.com/c,c,banned,x|{'y' * 60}\n"
    "https://example.com/d,d,active,x\n"
)


def test_the_tally_says_what_was_switched_off_and_why(shell: Shell, tmp_path: Path) -> None:
    write_table(tmp_path, MESSY)
    for words, would in ((("--dry-run",), "would be "), ((), "")):
        told = shell("import", "links.csv", "--from", "csv", "--report", "report.csv", *words)
        assert told.code == 1
        assert told.out == (
            f"4 links {would}imported, 0 existed already, 0 skipped, 0 failed.\n"
            f"Links {would}switched off: banned 2, paused 1.\n"
            "Remarks: switched off 3, tags 1.\n"
        )
        rows = [
            (row["place"], row["link"], row["about"]) for row in read_rows(tmp_path / "report.csv")
        ]
        assert rows == [
            ("line 2", "a", "switched off"),
            ("line 3", "b", "switched off"),
            ("line 4", "c", "switched off"),
            ("line 4", "c", "tags"),
        ]
    again = shell("import", "links.csv", "--from", "csv")
    assert (again.code, again.out) == (
        0,
        "0 links imported, 4 existed already, 0 skipped, 0 failed.\n",
    )


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("https://example.com/a,a,\n", 0),
        ("https://example.com/a,a,\nhttps://example.com/b,a,\n", 1),
        ("https://example.com/a,a,\nnonsense,b,\n", 1),
        ("https://example.com/a,a,$2y$10$abcdefgh\n", 1),
    ],
)
def test_0_means_that_every_row_came_in_as_it_was_meant(
    shell: Shell, tmp_path: Path, rows: str, code: int
) -> None:
    write_table(tmp_path, f"url,slug,password\n{rows}")
    told = shell("import", "links.csv", "--from", "csv", "--report", "report.csv")
    assert told.code == code
    assert len(read_rows(tmp_path / "report.csv")) == code


def test_a_file_that_is_none_is_one_sentence(shell: Shell, tmp_path: Path) -> None:
    told = shell("import", "none.csv", "--from", "csv")
    assert told.code == 1
    assert "none.csv can't be read: No such file" in told.err
    write_table(tmp_path)
    told = shell("import", "links.csv", "--from", "shorty")
    assert told.code == 1
    assert "`shorty export` did not write this file" in told.err
    told = shell("import", "links.csv", "--from", "csv", "--domain", "none.example")
    assert told.code == 1
    assert "'none.example' is not a domain of this workspace" in told.err
    assert shell("import", "links.csv").code == 2


def test_an_export_moves_all_links_to_another_folder(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(tmp_path)
    shell("import", "links.csv", "--from", "csv")
    exported = shell("export", "links.ndjson", "--clicks")
    assert (exported.code, exported.out) == (0, "")
    assert "Exported 2 links." in exported.err
    path = tmp_path / "links.ndjson"
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", str(tmp_path / "other" / "shorty.db"))
    told = shell("import", "links.ndjson", "--from", "shorty")
    assert told.out.startswith("2 links imported")
    links = msgspec.json.decode(shell("link", "list", "--json").out)
    assert {link["title"]: link["clickCount"] for link in links} == {"=1+1": 7, "B": 0}


def test_a_table_is_exported_without_formulas(shell: Shell, tmp_path: Path) -> None:
    write_table(tmp_path)
    shell("import", "links.csv", "--from", "csv")
    assert shell("export", "out.csv").code == 0
    assert "'=1+1" in (tmp_path / "out.csv").read_text()
    assert shell("export", "out.csv", "--clicks").code == 2


def test_an_export_replaces_nothing_by_accident(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("precious")
    told = shell("export", "out.csv")
    assert told.code == 1
    assert "out.csv already exists" in told.err
    assert (tmp_path / "out.csv").read_text() == "precious"
    assert shell("export", "out.csv", "--force").code == 0
    assert (tmp_path / "out.csv").read_text().startswith("url,domain,slug")
    assert {path.name for path in tmp_path.glob("out*")} == {"out.csv"}


def read_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_files_are_of_and_for_the_person_named(shell: Shell, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        shell("user", "add", f"{name}@a.example", stdin="correct horse\n")
    write_table(tmp_path)
    shell("link", "add", "https://example.com/anns", "--slug", "anns")
    bob = ("--user", "bob@a.example")
    assert shell("import", "links.csv", "--from", "csv", *bob).out.startswith("2 links imported")
    for words, slugs in (((), ["anns"]), (bob, ["a", "b"])):
        assert shell("export", "out.csv", "--force", *words).code == 0
        assert [row["slug"] for row in read_rows(tmp_path / "out.csv")] == slugs


def test_the_format_is_that_of_the_name_or_the_one_asked_for(shell: Shell, tmp_path: Path) -> None:
    for name, words, is_table in (
        ("a.CSV", (), True),
        ("a.txt", (), True),
        ("a.json", (), False),
        ("b.csv", ("--format", "ndjson", "--clicks"), False),
        ("b.json", ("--format", "csv"), True),
    ):
        assert shell("export", name, *words).code == 0
        assert (tmp_path / name).read_text().startswith("url,domain" if is_table else "{")


def test_a_report_that_is_there_is_replaced_and_names_every_line(
    shell: Shell, tmp_path: Path
) -> None:
    for slug, shown in (("=x", "'=x"), ("y", "y")):
        write_table(tmp_path, f"url,slug\nnonsense,{slug}\n")
        told = shell("import", "links.csv", "--from", "csv", "--report", "report.csv")
        assert "more" not in told.err
        (row,) = read_rows(tmp_path / "report.csv")
        assert [row[name] for name in ("result", "place", "link")] == ["failed", "line 2", shown]


def test_a_table_without_slugs_needs_a_word_of_its_person(shell: Shell, tmp_path: Path) -> None:
    write_table(tmp_path, "url,ref,hat\nhttps://example.com/a,a,red\n")
    told = shell("import", "links.csv", "--from", "csv")
    assert told.code == 1
    assert "Its columns are: url, ref, hat." in told.err
    assert shell("link", "list", "--json").out == "[]\n"
    named = ("--column", "slug=Ref", "--column", "title=hat")
    told = shell("import", "links.csv", "--from", "csv", *named)
    assert (told.code, told.out[:15]) == (0, "1 link imported")
    (link,) = msgspec.json.decode(shell("link", "list", "--json").out)
    assert (link["shortCode"], link["title"]) == ("a", "red")
    write_table(tmp_path, "url,ref\nhttps://example.com/b,b\n")
    told = shell("import", "links.csv", "--from", "csv", "--new-slugs")
    assert told.out.startswith("1 link imported")


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        (("--column", "slug"), "must be FIELD=NAME"),
        (("--column", "hat=ref"), "FIELD is one of destination, slug, short url"),
        (("--encoding", "utf-9"), "is not a known encoding"),
    ],
)
def test_what_names_nothing_is_a_fault_of_usage(
    shell: Shell, tmp_path: Path, option: tuple[str, str], complaint: str
) -> None:
    write_table(tmp_path)
    told = shell("import", "links.csv", "--from", "csv", *option)
    assert told.code == 2
    assert complaint in " ".join(told.err.replace("│", " ").split())


def test_a_table_in_another_encoding_is_read(shell: Shell, tmp_path: Path) -> None:
    table = "url,slug\nhttps://example.com/a,größe\n"
    (tmp_path / "links.csv").write_bytes(table.encode("cp1252"))
    told = shell("import", "links.csv", "--from", "csv")
    assert (told.code, "--encoding cp1252" in told.err) == (1, True)
    told = shell("import", "links.csv", "--from", "csv", "--encoding", "windows-1252")
    assert told.out.startswith("1 link imported")
    (tmp_path / "links.csv").write_bytes(table.encode("utf-16"))
    told = shell("import", "links.csv", "--from", "csv")
    assert "1 existed already" in told.out
