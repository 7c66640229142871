"""Puts what a person typed back into a form of a finished page.

The page is the one that its handler made; only the tags of the form's own fields are written
again, so that this works for every form, whatever shows it. Passwords and files are never put back.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from html.parser import HTMLParser
from typing import Final, NamedTuple

from markupsafe import escape

Attributes = dict[str, str | None]

WITHOUT_TEXT: Final = frozenset({"file", "password", "submit", "image", "button", "reset"})
BOXES: Final = frozenset({"checkbox", "radio"})
ANCHOR: Final = "restored"
"""The id of a form that is filled in again and has none of its own."""


class Edit(NamedTuple):
    start: int
    end: int
    text: str


class Tag(NamedTuple):
    """A start tag and where it stands; for a textarea or option, where its content ends."""

    name: str
    attributes: Attributes
    start: int
    end: int

    def read(self, name: str) -> str:
        return self.attributes.get(name) or ""

    def rewrite(self, changes: Mapping[str, str | bool]) -> Edit:
        """`True` is an attribute without a value; `False` takes it away."""
        attributes: dict[str, str | bool] = {
            name: True if value is None else value for name, value in self.attributes.items()
        }
        kept = {
            name: value for name, value in {**attributes, **changes}.items() if value is not False
        }
        written = "".join(
            f" {name}" if value is True else f' {name}="{escape(value)}"'
            for name, value in kept.items()
        )
        return Edit(self.start, self.end, f"<{self.name}{written}>")


class Field(NamedTuple):
    """`content_end` is where a textarea's text ends; `options` are a select's, with their values;
    `folds` are the details around it, from the outermost."""

    tag: Tag
    folds: tuple[Tag, ...]
    content: list[str]
    content_end: list[int]
    options: list[tuple[Tag, list[str]]]

    @property
    def name(self) -> str:
        return self.tag.read("name")

    @property
    def kind(self) -> str:
        return (
            (self.tag.read("type") or "text").lower() if self.tag.name == "input" else self.tag.name
        )


class FoundForm(NamedTuple):
    tag: Tag
    fields: list[Field]
    buttons: list[Tag]


class Refilled(NamedTuple):
    """`form` is the id of the form; empty if the page has it no more, and the page is unchanged.

    `rest` has the values that found no field.
    """

    page: str
    form: str
    rest: dict[str, tuple[str, ...]]


def refill(
    page: str,
    action: str,
    typed: Mapping[str, tuple[str, ...]],
    unkept: AbstractSet[str] = frozenset(),
) -> Refilled:
    """Fills in the form that is sent to `action`; the most similar one if there are several.

    `unkept` names the fields that are always missing in `typed`.
    """
    forms = [form for form in _read_forms(page) if _leads_to(form, action)]
    if not forms:
        return Refilled(page, "", dict(typed))
    form = max(forms, key=lambda each: _count_likeness(each, typed))
    edits, rest = _fill(form, typed, unkept)
    name = form.tag.read("id") or ANCHOR
    edits.append(form.tag.rewrite({"id": name}))
    return Refilled(_apply(page, edits), name, rest)


def insert_into_main(page: str, text: str) -> str:
    """Inserts HTML as the first thing of the page's content."""
    reader = _Reader(page)
    return page if reader.main is None else _apply(page, [Edit(reader.main, reader.main, text)])


def _read_forms(page: str) -> list[FoundForm]:
    return _Reader(page).list_forms()


def _leads_to(form: FoundForm, action: str) -> bool:
    if form.tag.read("method").lower() != "post":
        return False
    return action in {form.tag.read("action"), *(each.read("formaction") for each in form.buttons)}


def _count_likeness(form: FoundForm, typed: Mapping[str, tuple[str, ...]]) -> tuple[int, int]:
    """Hidden fields tell forms of one address apart; then the form with the most of the fields."""
    names = {field.name for field in form.fields}
    hidden = [field for field in form.fields if field.kind == "hidden" and field.name in typed]
    strange = sum(field.tag.read("value") not in typed[field.name] for field in hidden)
    return -strange - len(typed.keys() - names), len(names & typed.keys())


def _fill(
    form: FoundForm, typed: Mapping[str, tuple[str, ...]], unkept: AbstractSet[str]
) -> tuple[list[Edit], dict[str, tuple[str, ...]]]:
    left = {name: list(values) for name, values in typed.items()}
    always = {field.name for field in form.fields if _is_always_sent(field)}
    is_whole = always <= typed.keys() | unkept
    edits: dict[int, Edit] = {}
    for field in form.fields:
        changes = _fill_field(field, left, typed, is_whole=is_whole)
        edits.update({edit.start: edit for edit in changes})
        if changes and field.kind != "hidden":
            edits.update({each.start: each.rewrite({"open": True}) for each in field.folds})
    pressed = {button.read("name") for button in form.buttons}
    rest = {
        name: tuple(each for each in values if each)
        for name, values in left.items()
        if name not in pressed
    }
    return list(edits.values()), {name: values for name, values in rest.items() if values}


def _is_always_sent(field: Field) -> bool:
    return field.kind not in WITHOUT_TEXT | BOXES and "disabled" not in field.tag.attributes


def _fill_field(
    field: Field,
    left: dict[str, list[str]],
    typed: Mapping[str, tuple[str, ...]],
    *,
    is_whole: bool,
) -> list[Edit]:
    """The edits, if any. Takes the values that it uses from `left`."""
    values = left.get(field.name, [])
    if field.kind in WITHOUT_TEXT:
        return []
    if field.kind in BOXES:
        return _fill_box(field, values, is_known=field.name in typed or is_whole)
    if field.name not in typed:
        return []
    if field.kind == "select":
        return _choose_options(field, values)
    value = values.pop(0) if values else ""
    if field.kind == "textarea":
        return _fill_textarea(field, value)
    return [] if field.tag.read("value") == value else [field.tag.rewrite({"value": value})]


def _fill_box(field: Field, values: list[str], *, is_known: bool) -> list[Edit]:
    """A box that was not ticked is not sent, so only a form that was sent whole tells of it."""
    value = field.tag.attributes.get("value")
    value = "on" if value is None else value
    is_on = value in values
    if is_on:
        values.remove(value)
    if not is_known or is_on == ("checked" in field.tag.attributes):
        return []
    return [field.tag.rewrite({"checked": is_on})]


def _choose_options(field: Field, values: list[str]) -> list[Edit]:
    """One for each select of that name, or all for one that takes several."""
    offered = [(tag, _read_option(tag, text)) for tag, text in field.options]
    wanted = list(values) if "multiple" in field.tag.attributes else values[:1]
    chosen = [value for value in wanted if value in {each for _, each in offered}]
    for value in chosen:
        values.remove(value)
    if len(chosen) < len(wanted) and not chosen:
        return []  # what was chosen is offered no more
    return [
        tag.rewrite({"selected": value in chosen})
        for tag, value in offered
        if (value in chosen) != ("selected" in tag.attributes)
    ]


def _read_option(tag: Tag, text: Iterable[str]) -> str:
    value = tag.attributes.get("value")
    return " ".join("".join(text).split()) if value is None else value


def _fill_textarea(field: Field, value: str) -> list[Edit]:
    """A browser drops the first line break of a textarea, so one more is written."""
    before = "".join(field.content).removeprefix("\n")
    if _join_lines(before) == _join_lines(value) or not field.content_end:
        return []
    return [Edit(field.tag.end, field.content_end[0], f"\n{escape(value)}")]


def _join_lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _apply(page: str, edits: Iterable[Edit]) -> str:
    parts: list[str] = []
    done = 0
    for edit in sorted(edits):
        parts += (page[done : edit.start], edit.text)
        done = edit.end
    return "".join([*parts, page[done:]])


class _Reader(HTMLParser):
    """Reads the forms of a page of ours, whose tags are closed and whose forms are not nested."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.main: int | None = None
        self._lines = [0]
        for place, letter in enumerate(page):
            if letter == "\n":
                self._lines.append(place + 1)
        self._forms: list[FoundForm] = []
        self._owned: list[tuple[FoundForm | None, Field | Tag]] = []
        self._open_form: FoundForm | None = None
        self._folds: list[Tag] = []
        self._field: Field | None = None
        self._option: list[str] | None = None
        self.feed(page)
        self.close()

    def list_forms(self) -> list[FoundForm]:
        """With the fields that name their form by its id."""
        by_id = {form.tag.read("id"): form for form in self._forms if form.tag.read("id")}
        for around, each in self._owned:
            tag = each.tag if isinstance(each, Field) else each
            form = by_id.get(tag.read("form")) if "form" in tag.attributes else around
            if form is None:
                continue
            if isinstance(each, Field):
                form.fields.append(each)
            else:
                form.buttons.append(each)
        return self._forms

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = self._read_tag(tag, attrs)
        if tag == "main" and self.main is None:
            self.main = found.end
        elif tag == "form":
            self._open_form = FoundForm(found, [], [])
            self._forms.append(self._open_form)
        elif tag == "details":
            self._folds.append(found)
        elif tag == "button" or (tag == "input" and found.read("type") in {"submit", "image"}):
            self._owned.append((self._open_form, found))
        elif tag in {"input", "select", "textarea"} and found.read("name"):
            self._field = Field(found, tuple(self._folds), [], [], [])
            self._owned.append((self._open_form, self._field))
        elif tag == "option" and self._field is not None:
            self._option = []
            self._field.options.append((found, self._option))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open_form = None
        elif tag == "details" and self._folds:
            self._folds.pop()
        elif tag == "textarea" and self._field is not None:
            self._field.content_end.append(self._find_place())
        if tag in {"textarea", "select"}:
            self._field = None
        if tag in {"option", "select"}:
            self._option = None

    def handle_data(self, data: str) -> None:
        if self._option is not None:
            self._option.append(data)
        elif self._field is not None and self._field.tag.name == "textarea":
            self._field.content.append(data)

    def _read_tag(self, name: str, attrs: list[tuple[str, str | None]]) -> Tag:
        start = self._find_place()
        return Tag(name, dict(attrs), start, start + len(self.get_starttag_text() or ""))

    def _find_place(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column
