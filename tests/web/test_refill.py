"""What was typed is put back into the form of a finished page, and nothing else is changed."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from shorty.web.refill import insert_into_main, refill

PAGE = """<main id="main">
<form method="get" action="/a"><input name="text" value="get"></form>
<form method="post" action="/a" class="x">
<input type="hidden" name="kind" value="link">
<details><summary>More</summary><input name="text" value="old"></details>
</form>
<form method="post" action="/a" id="second">
<input type="hidden" name="kind" value="header">
<input name="text" value="old" required>
<input type="checkbox" name="is_on" value="1" checked>
<input type="checkbox" name="ids" value="1"><input type="checkbox" name="ids" value="2">
<input type="radio" name="way" value="a" checked><input type="radio" name="way" value="b">
<select name="choice"><option value="x">X</option><option selected>The Y</option></select>
<textarea name="words">old &amp; kept</textarea>
<input type="password" name="password"><input type="file" name="image">
<button name="action" value="fill" formaction="/b">Fill</button>
</form>
<select name="outside" form="second"><option>1</option><option>2</option></select>
</main>"""
WHOLE = {
    "kind": ("header",),
    "text": ("new",),
    "choice": ("x",),
    "words": ("a\r\nb",),
    "outside": ("2",),
    "way": ("b",),
    "ids": ("2",),
    "action": ("fill",),
}


def test_every_kind_of_field_is_filled_in() -> None:
    filled = refill(PAGE, "/a", WHOLE)
    assert filled.form == "second"
    assert filled.rest == {}
    for text in (
        '<input name="text" value="new" required>',
        '<input type="checkbox" name="is_on" value="1">',
        '<input type="checkbox" name="ids" value="2" checked>',
        '<input type="radio" name="way" value="b" checked>',
        '<option value="x" selected>X</option><option>The Y</option>',
        '<textarea name="words">\na\r\nb</textarea>',
        "<option>1</option><option selected>2</option>",
        '<input type="password" name="password"><input type="file" name="image">',
    ):
        assert text in filled.page
    assert filled.page.count('value="old"') == 1


def test_hidden_fields_tell_forms_of_one_address_apart() -> None:
    filled = refill(PAGE, "/a", {"kind": ("link",), "text": ("new",)})
    assert filled.form == "restored"
    assert '<details open><summary>More</summary><input name="text" value="new">' in filled.page
    assert '<form method="post" action="/a" class="x" id="restored">' in filled.page
    assert 'name="text" value="old" required' in filled.page


def test_a_button_that_leads_elsewhere_names_its_form() -> None:
    assert refill(PAGE, "/b", WHOLE).form == "second"


def test_boxes_stay_where_the_form_was_not_sent_whole() -> None:
    """The short form of a page must not switch off what only the long one shows."""
    filled = refill(PAGE, "/a", {"kind": ("header",), "text": ("new",)})
    assert '<input type="checkbox" name="is_on" value="1" checked>' in filled.page


def test_what_finds_no_field_is_the_rest() -> None:
    typed = {**WHOLE, "text": ("new", "second"), "choice": ("gone",), "lost": ("a", "")}
    filled = refill(PAGE, "/a", typed)
    assert filled.rest == {"text": ("second",), "choice": ("gone",), "lost": ("a",)}
    assert "<option selected>The Y</option>" in filled.page


def test_a_page_without_the_form_is_unchanged() -> None:
    filled = refill(PAGE, "/c", WHOLE)
    assert (filled.page, filled.form, filled.rest) == (PAGE, "", WHOLE)


def test_a_password_is_never_put_back() -> None:
    filled = refill(PAGE, "/a", {**WHOLE, "password": ("open sesame",), "image": ("a.png",)})
    assert "open sesame" not in filled.page


class Values(HTMLParser):
    """The value of the field `text` and the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.value: str | None = ""
        self.tags: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if dict(attrs).get("name") == "text":
            self.value = dict(attrs)["value"]


@given(st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"])))
def test_no_text_breaks_out_of_its_field(text: str) -> None:
    page = '<main><form method="post" action="/a"><input name="text" value=""></form></main>'
    read = Values(insert_into_main(refill(page, "/a", {"text": (text,)}).page, "<p>"))
    assert read.value == text
    assert read.tags == ["main", "p", "form", "input"]


@given(st.text())
def test_any_page_can_be_read(page: str) -> None:
    assert refill(page, "/a", {}).page == page or "<form" in page
