"""UTM templates move by their names; those that are here stay."""

from typing import Any

from shorty.links.utm_templates import MAX_TEMPLATES
from shorty.transfer.progress import Transfer
from tests.support import NOW
from tests.transfer.making import House, export_all, import_text, tell
from tests.transfer.page_making import add_template, read_templates, write_lines


async def import_templates(house: House, *lines: dict[str, Any]) -> Transfer:
    head = {"kind": "export", "format": 2, "exportedAt": NOW}
    lines = tuple({"kind": "template"} | line for line in lines)
    return await import_text(house, "shorty", write_lines(head, *lines))


async def test_a_full_set_of_templates_comes_once(house: House, empty_house: House) -> None:
    for number in range(MAX_TEMPLATES):
        await add_template(house, f"T{number}", utm_term="a\nb" * (number % 2))
    exported = await export_all(house)
    for _ in range(2):
        told = await import_text(empty_house, "shorty", exported)
        assert (told.state, told.problems) == ("done", ())
        assert await read_templates(empty_house) == await read_templates(house)


async def test_one_of_the_same_name_stays_and_the_other_is_told(house: House) -> None:
    await add_template(house, "Letter", utm_source="mail")
    told = await import_templates(
        house,
        {"name": "LETTER", "utmSource": "mail"},
        {"name": "letter", "utmSource": "post"},
        {"name": "Ads"},
        {"name": "ads", "utmId": "7"},
    )
    assert [tell(problem) for problem in told.problems] == [
        ("skipped", "line 3", "UTM template letter"),
        ("skipped", "line 5", "UTM template ads"),
    ]
    assert [(each.name, each.utm_source) for each in await read_templates(house)] == [
        ("Ads", None),
        ("Letter", "mail"),
    ]


async def test_a_bad_template_is_told_and_costs_nothing_else(house: House) -> None:
    told = await import_templates(
        house,
        {"name": " "},
        {"name": "x" * 101},
        {"name": "Long", "utmSource": "x" * 501},
        {"name": "Letter", "utmSource": "mail"},
    )
    assert [problem.place for problem in told.problems] == ["line 2", "line 3", "line 4"]
    assert told.failed == 3
    assert [each.name for each in await read_templates(house)] == ["Letter"]
