"""What the columns of tables mean, by their names, their cells and their person."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shorty.links.imported_history import Counts
from shorty.transfer.columns import read_field
from shorty.transfer.csv_file import read_csv
from shorty.transfer.files import Fault, Hints, InvalidFileError, OpenFile
from shorty.transfer.model import ImportedLink, Item, Remark, SourceName
from shorty.transfer.sources import READERS
from shorty.transfer.times import write_time
from tests.transfer.products import PRODUCTS, URL, Product

Read = Callable[..., list[Item]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: str, *columns: str, **hints: Any) -> list[Item]:
        path = tmp_path / "links.csv"
        path.write_text(content, newline="")
        named = tuple(map(read_field, columns))
        file = OpenFile(path, hints=Hints(columns=named, **hints))
        try:
            return list(read_csv(file))
        finally:
            file.close()

    return read


def only_links(items: list[Item]) -> list[ImportedLink]:
    assert all(isinstance(item, ImportedLink | Remark) for item in items)
    return [item for item in items if isinstance(item, ImportedLink)]


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_the_tables_of_products_are_understood(read: Read, product: Product) -> None:
    items = read(f"{product.heading}\n{product.row}\n")
    (link,) = items  # and no column is unknown
    assert isinstance(link, ImportedLink)
    change = link.change
    assert (change.url, change.slug, change.domain) == (URL, product.slug, product.domain)
    assert link.past.counts == (Counts(clicks=product.clicks) if product.clicks else None)
    assert tuple(each.reason for each in link.closed) == product.closed
    assert {name: getattr(change, name) for name in product.expected} == product.expected
    assert link.remarks == ()


def test_enough_products_are_known() -> None:
    assert len({product.name.partition(",")[0] for product in PRODUCTS}) >= 25


@pytest.mark.parametrize(
    "heading", ["url,short_identifier,note", "url", "url,id", "long_url,name", "url,code,key"]
)
def test_a_table_without_slugs_stops_before_the_first_link(read: Read, heading: str) -> None:
    names = heading.split(",")
    cells = {"code": "302", "key": "true"}
    row = ",".join(URL if "url" in name else cells.get(name, "My page") for name in names)
    with pytest.raises(InvalidFileError) as raised:
        read(f"{heading}\n{row}\n")
    message = str(raised.value)
    assert f"Its columns are: {', '.join(names)}." in message
    assert "--column slug=NAME" in message
    assert "--new-slugs" in message
    (link,) = only_links(read(f"{heading}\n{row}\n", new_slugs=True))
    assert link.change.slug is None


def test_a_short_link_without_a_slug_is_told(read: Read) -> None:
    text = f"url,short link\n{URL},https://go.example/?id=12\n{URL},go.example/a\n"
    fault, link = read(text)
    assert isinstance(fault, Fault)
    assert isinstance(link, ImportedLink)
    assert "has no slug" in fault.message
    assert fault.place == "line 2"
    assert [each.change.slug for each in only_links(read(text, new_slugs=True))] == [None, "a"]


@pytest.mark.parametrize(
    ("heading", "cells", "field", "value"),
    [
        ("url,slug,code", ["301", "308"], "status", [301, 308]),
        ("url,slug,status", ["301", "302"], "status", [301, 302]),
        ("url,slug,type", ["307", "301"], "status", [307, 301]),
        ("url,slug,redirect", ["307", "permanent"], "status", [307, 301]),
        ("url,x,code", ["a", "301"], "slug", ["a", "301"]),
        ("url,x,key", ["a", "b"], "slug", ["a", "b"]),
        ("url,x,path", ["/a", "/b/c"], "slug", ["a", "b/c"]),
        ("url,x,name", ["/a", "/b"], "slug", ["a", "b"]),
        ("url,x,name", ["go.example/a", "https://go.example/b"], "slug", ["a", "b"]),
        ("url,slug,name", ["My page", "/b"], "title", ["My page", "/b"]),
        ("url,x,link", ["https://go.example/a", "go.example/b"], "slug", ["a", "b"]),
        ("url,x,key", ["go.example/a", "go.example/b"], "domain", ["go.example"] * 2),
        ("target,x,source", ["a", "/b"], "slug", ["a", "b"]),
        ("slug,x,link", [URL, "example.com"], "url", [URL, "example.com"]),
        ("slug,x,address", [URL, URL], "url", [URL, URL]),
        ("slug,x,redirect", [URL, URL], "url", [URL, URL]),
        ("slug,x,source", [URL, URL], "url", [URL, URL]),
        ("long_url,x,url", ["go.example/a", "go.example/b"], "slug", ["a", "b"]),
    ],
)
def test_a_name_with_two_meanings_is_decided_by_all_cells(
    read: Read, heading: str, cells: list[str], field: str, value: list[object]
) -> None:
    others = {"url": URL, "target": URL, "long_url": URL, "x": ""}
    names = heading.split(",")
    rows = [
        ",".join([others.get(name, str(number)) for name in names[:-1]] + [cell])
        for number, cell in enumerate(cells)
    ]
    links = only_links(read("\n".join([heading, *rows])))
    assert [getattr(link.change, field) for link in links] == value
    assert not any(link.closed for link in links)


def test_a_status_that_is_no_redirect_closes_the_link(read: Read) -> None:
    text = f"source,target,code\n/a,{URL},301\n/b,{URL},410\n"
    kept, gone = only_links(read(text))
    assert (kept.change.slug, kept.change.status, kept.closed) == ("a", 301, ())
    assert [each.reason for each in gone.closed] == ["deleted"]


def test_a_redirect_that_shorty_does_not_have_is_a_remark(read: Read) -> None:
    (link,) = only_links(read(f"url,slug,redirect_type\n{URL},a,metarefresh\n"))
    assert link.change.status == 302
    assert [(each.kind, "'metarefresh'" in each.message) for each in link.remarks] == [
        ("status", True)
    ]


@pytest.mark.parametrize(
    ("heading", "row", "columns", "slug"),
    [
        ("url,ref", f"{URL},a", ["slug=ref"], "a"),
        ("ziel,kürzel", f"{URL},a", ["Destination=Ziel", "slug=KÜRZEL"], "a"),
        ("url,\u77ed", f"{URL},a", ["slug=\u77ed"], "a"),
        ("url,#", f"{URL},a", ["slug=#"], "a"),
        ("url,a=b", f"{URL},a", ["slug=a=b"], "a"),
        ("url,page", f"{URL},https://go.example/a", ["short_url=page"], "a"),
        ("url,slug,other", f"{URL},b,a", ["slug=other"], "a"),
        ("url,slug,other", f"{URL},,a", ["slug=slug", "slug=other"], "a"),
        ("url,code,id", f"{URL},301,a", ["slug=id"], "a"),
        ("url,slug,link", f"{URL},a,go.example/b", ["ignore=slug"], "b"),
    ],
)
def test_a_person_can_name_columns(
    read: Read, heading: str, row: str, columns: list[str], slug: str
) -> None:
    (link,) = only_links(read(f"{heading}\n{row}\n", *columns))
    assert (link.change.url, link.change.slug) == (URL, slug)


def test_every_field_can_be_named(read: Read) -> None:
    names = ["domain", "title", "description", "tags", "created", "updated", "starts", "expires"]
    names += ["clicks", "max clicks", "redirect", "active", "password", "utmSource", "cloaked"]
    cells = ["go.example", "T", "D", "a|b", "5/6/2024", "25/6/2024", "5/6/2001", "26/6/2030"]
    cells += ["1.024", "5,0", "308", "no", "open sesame", "mail", "yes"]
    heading = ",".join(f"c{number}" for number in range(len(names)))
    row = ",".join(f'"{cell}"' for cell in cells)
    columns = [f"{name}=c{number}" for number, name in enumerate(names)]
    text = f"url,slug,{heading}\n{URL},a,{row}\n{URL},b,,,,,25/5/2024,,25/6/2001,,,,,,,,\n"
    link, _ = only_links(read(text, *columns))
    new, past = link.change, link.past
    assert (new.domain, new.title, new.description) == ("go.example", "T", "D")
    assert (new.tag_names, new.status, new.password) == (("a", "b"), 308, "open sesame")
    assert (write_time(past.created_at)[:10], write_time(past.updated_at)[:10]) == (
        "2024-06-05",
        "2024-06-25",
    )
    assert (write_time(new.valid_since or None)[:10], write_time(new.expires_at or None)[:10]) == (
        "2001-06-05",
        "2030-06-26",
    )
    assert (past.counts, new.max_clicks) == (Counts(clicks=1024), 5)
    assert (new.utm_source, new.cloaked) == ("mail", True)
    assert [each.reason for each in link.closed] == ["disabled"]


def test_a_column_that_is_not_there_is_told(read: Read) -> None:
    with pytest.raises(InvalidFileError, match=r"no column 'ref'\. Its columns are: url, slug\."):
        read(f"url,slug\n{URL},a\n", "slug=ref")


@pytest.mark.parametrize(
    ("source", "text"),
    [("kutt", "[]"), ("yourls", "INSERT INTO yourls_url VALUES ('a','b');"), ("shorty", "")],
)
def test_columns_of_what_is_no_table_are_told(
    tmp_path: Path, source: SourceName, text: str
) -> None:
    path = tmp_path / "links.json"
    path.write_text(text)
    file = OpenFile(path, hints=Hints(columns=(("slug", "ref"),)))
    try:
        with pytest.raises(InvalidFileError, match="not a table and has no columns to name"):
            list(READERS[source](file))
    finally:
        file.close()


@pytest.mark.parametrize("text", ["slug", "slug=", "=ref", "hat=ref", ""])
def test_what_names_no_field_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be FIELD=NAME, where FIELD is one of destination"):
        read_field(text)


def test_a_second_column_of_a_name_means_nothing_by_itself(read: Read) -> None:
    remark, link = read(f"url,slug,Slug\n{URL},a,b\n")
    assert isinstance(remark, Remark)
    assert isinstance(link, ImportedLink)
    assert (remark.message, link.change.slug) == ("Unknown columns: Slug.", "a")


SIGNS = ["NULL", "\\N", "None", "nil", "-", "(null)"]


@pytest.mark.parametrize("sign", [*SIGNS, "0000-00-00", "0000-00-00 00:00:00", "never", "0", "-1"])
def test_a_sign_for_nothing_is_no_time(read: Read, sign: str) -> None:
    text = f"url,slug,created,updated,starts_at,expires_at\n{URL},a,{sign},{sign},{sign},{sign}\n"
    (link,) = only_links(read(text))
    assert (link.past.created_at, link.past.updated_at) == (None, None)
    assert (link.change.valid_since, link.change.expires_at) == (None, None)
    assert (link.closed, link.remarks) == ((), ())


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_for_nothing_is_nothing_in_other_columns(read: Read, sign: str) -> None:
    names = "domain,tags,clicks,max_clicks,redirect_type,password,is_disabled,has_secret,status"
    cells = ",".join([sign] * len(names.split(",")))
    (link,) = only_links(read(f"url,slug,{names}\n{URL},a,{cells}\n"))
    new = link.change
    assert (new.domain, new.tag_names, new.max_clicks, new.password) == ("", (), None, None)
    assert (link.past.counts, new.status, link.closed, link.remarks) == (None, 302, (), ())


@pytest.mark.parametrize("sign", SIGNS)
def test_a_text_that_one_row_alone_has_can_be_meant(read: Read, sign: str) -> None:
    is_null = sign in {"NULL", "\\N", "(null)"}
    once = f"url,slug,title\n{URL},{sign},{sign}\n{URL},b,b\n"
    (link, _) = only_links(read(once))
    assert link.change.slug == (None if sign == "\\N" else sign)
    assert link.change.title == (None if sign in {"NULL", "\\N"} else sign) or is_null
    (link, _, _) = only_links(read(f"{once}{URL},{sign},{sign}\n"))
    assert (link.change.slug, link.change.title) == (None, None)


def test_the_whole_column_says_what_comes_first_in_its_times(read: Read) -> None:
    rows = [f"{URL},a,05/06/2024,05/06/2030", f"{URL},b,25/06/2024,06/25/2030"]
    first, _ = only_links(read("\n".join(["url,slug,created,expires", *rows])))
    assert write_time(first.past.created_at)[:10] == "2024-06-05"
    assert write_time(first.change.expires_at or None)[:10] == "2030-05-06"


def test_times_in_which_day_and_month_can_be_swapped_are_told(read: Read) -> None:
    (link,) = only_links(read(f"url,slug,created,expires\n{URL},a,05/06/2024,05/06/2030\n"))
    assert (link.past.created_at, link.change.expires_at) == (None, None)
    assert [each.kind for each in link.remarks] == ["dates"]
    assert [each.reason for each in link.closed] == ["end"]
    assert "day and month could be swapped" in link.remarks[0].message


@pytest.mark.parametrize(
    ("cells", "counts"),
    [
        (["1.234", "12"], [1234, 12]),
        (["1.234", "12,0"], [1234, 12]),
        (["1,234", "12.0"], [1234, 12]),
        (["7.000", "12.50"], [7, None]),
        (["1 234", "1'234"], [1234, 1234]),
        (["1.234,0", "7"], [1234, 7]),
        (["many", "7"], [None, 7]),
    ],
)
def test_the_whole_column_says_what_separates_thousands(
    read: Read, cells: list[str], counts: list[int | None]
) -> None:
    rows = [f'{URL},{number},"{cell}","{cell}"' for number, cell in enumerate(cells)]
    links = only_links(read("\n".join(["url,slug,clicks,max clicks", *rows])))
    found = [link.past.counts.clicks if link.past.counts else None for link in links]
    assert found == counts
    assert [link.change.max_clicks for link in links] == counts
    assert [bool(link.closed and link.remarks) for link in links] == [
        count is None for count in counts
    ]


def test_what_is_archived_at_dub_goes_on_redirecting_and_elsewhere_not(read: Read) -> None:
    (link,) = only_links(read(f"url,slug,archived\n{URL},a,true\n"))
    assert [each.reason for each in link.closed] == ["archived"]
