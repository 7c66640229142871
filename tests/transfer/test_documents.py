"""JSON documents one after the other, however they are printed."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from shorty.transfer.files import Fault, OpenFile
from shorty.transfer.model import ImportedLink, SourceName
from shorty.transfer.sources import READERS
from tests.transfer import samples
from tests.transfer.making import House, export_all, import_text, list_all
from tests.transfer.test_closed import LINKS, OURS, URL

Print = Callable[[str], str]
ANSWERS: list[tuple[SourceName, str]] = [
    (source, text.replace("URL", URL)) for source, text in LINKS if text.startswith("{")
]


def print_pretty(text: str) -> str:
    return "\n".join(json.dumps(json.loads(line), indent=2) for line in text.splitlines())


def print_as_one(text: str) -> str:
    return " ".join(json.dumps(json.loads(line)) for line in text.splitlines())


FORMS: list[Print] = [str.strip, print_pretty, print_as_one]


@pytest.mark.parametrize(("source", "text"), ANSWERS)
def test_documents_are_read_one_after_the_other(
    tmp_path: Path, source: SourceName, text: str
) -> None:
    path = tmp_path / "links.json"
    for first, second, between in product(FORMS, FORMS, ("\n", "", "\r\n\n")):
        other = re.sub(r'\ba"', 'b"', text)
        path.write_text(first(text) + between + second(other))
        slugs = [item.change.slug for item in read_links(source, path)]
        assert slugs == ["a", "b"], (first, second, between)


def read_links(source: SourceName, path: Path) -> list[ImportedLink]:
    file = OpenFile(path)
    try:
        items = list(READERS[source](file))
    finally:
        file.close()
    assert not [item for item in items if isinstance(item, Fault)]
    return [item for item in items if isinstance(item, ImportedLink)]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("kutt", '{"address":"a","target":"URL"}\n{"address":"b","target":"URL","x":[{}]}'),
        ("shlink", '{\n"shortCode":"a","longUrl":"URL"}{"shortCode":"b","longUrl":"URL"}'),
        ("bitly", '{"link":"bit.ly/a","long_url":"URL"} {"link":"bit.ly/b","long_url":"URL"}'),
        ("yourls", '{"keyword":"a","url":"URL"}\n{"keyword":"b","url":"URL"}'),
    ],
)
async def test_links_may_stand_without_the_list_around_them(
    house: House, source: SourceName, text: str
) -> None:
    told = await import_text(house, source, text.replace("URL", URL))
    assert (told.state, told.created) == ("done", 2)


async def test_a_document_that_is_something_else_is_told_with_its_line(house: House) -> None:
    text = '{"data":[{"address":"a","target":"https://example.com/"}]}\n{"error":"slow down"}'
    told = await import_text(house, "kutt", text)
    assert (told.state, told.created) == ("failed", 1)
    assert told.error == (
        "This is not an answer from Kutt's API: it contains no list of links (line 2)."
    )


async def test_an_export_that_was_printed_over_many_lines_loses_nothing(
    house: House, empty_house: House
) -> None:
    await import_text(house, "shlink", samples.SHLINK)
    exported = (await export_all(house)).decode()
    told = await import_text(empty_house, "shorty", print_pretty(exported))
    assert (told.failed, told.created) == (0, len(await list_all(house)))
    again = (await export_all(empty_house)).decode()
    assert leave_ids_out(again) == leave_ids_out(exported)


def leave_ids_out(exported: str) -> list[str]:
    return [re.sub('"id":"[0-9]+"', "", line) for line in exported.splitlines()]


async def test_a_line_that_is_never_closed_costs_no_other(house: House) -> None:
    head, link = OURS.replace("URL", URL).splitlines()
    text = f'{head}\n{{"kind":"link",\n"id":\n{link}\n{{"kind":\n'
    told = await import_text(house, "shorty", text)
    assert [(each.sort, each.place) for each in told.problems] == [
        ("failed", "line 2"),
        ("failed", "line 5"),
    ]
    assert told.created == 1


async def test_a_message_has_no_names_of_our_code(house: House) -> None:
    head, link = OURS.replace("URL", URL).splitlines()
    bad = link.replace('"slug"', '"linkType":"PIGEON","slug"')
    told = await import_text(house, "shorty", f"{head}\n{bad}\n")
    assert [each.message for each in told.problems] == [
        "can't be read: link type: Invalid enum value 'PIGEON'"
    ]


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
async def test_what_jq_prints_twice_into_one_file_is_read(house: House) -> None:
    pages = [f'{{"data":[{{"address":"{slug}","target":"{URL}"}}]}}' for slug in "ab"]
    command = ["bash", "-c", "jq . <<<$0; jq . <<<$1", *pages]
    printed = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True)
    told = await import_text(house, "kutt", printed.stdout)
    assert (told.state, told.created) == ("done", 2)
