"""Forms as a browser has them: read off a page by another parser than ours, filled in, compared."""

# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeStubs=false, reportUnknownLambdaType=false

from collections.abc import Iterable
from typing import NamedTuple

import lxml.html
from lxml.html import HtmlElement

UNTOLD = {"password", "file"}
BUTTONS = {"submit", "image", "button", "reset"}
SECRET = "a secret that nobody may keep"

Fields = dict[str, list[str]]


class PageForm(NamedTuple):
    page: str
    action: str
    fields: Fields
    has_secrets: bool
    names: frozenset[str] = frozenset()
    """Of all its fields, also of those that it does not send now, such as boxes."""


def list_forms(page: str, html: str) -> list[HtmlElement]:
    """The forms that are sent by POST."""
    document = lxml.html.document_fromstring(html, base_url=page)
    return [form for form in document.forms if form.get("method", "").lower() == "post"]


def list_controls(form: HtmlElement) -> list[HtmlElement]:
    """Also those that stand elsewhere and name the form."""
    document = form.getroottree()
    inside = [each for each in form.iter("input", "select", "textarea") if each.get("form") is None]
    if name := form.get("id"):
        inside += document.xpath("//*[@form=$name][self::input or self::select]", name=name)
    return [each for each in inside if each.get("name")]


def list_actions(form: HtmlElement) -> set[str]:
    buttons = form.xpath(".//*[@formaction]/@formaction")
    return {form.get("action", ""), *(str(each) for each in buttons)}


def type_into(control: HtmlElement) -> str | None:
    """Changes what the form says, as a person would; returns what is sent, if anything is."""
    kind = find_kind(control)
    if kind == "select":
        options = read_options(control)
        return options[-1] if options else None
    if kind == "checkbox":
        return None if control.get("checked") is not None else control.get("value", "on")
    if kind in {"hidden", "radio"}:
        return control.get("value", "")
    return f'Typed & <kept> "here" é\t{control.get("name")}'


def fill_in(page: str, form: HtmlElement, action: str) -> PageForm:
    fields: Fields = {}
    has_secrets = False
    radios: dict[str, str] = {}
    for control in list_controls(form):
        name, kind = control.get("name", ""), find_kind(control)
        if kind == "password":
            fields.setdefault(name, []).append(SECRET)
            has_secrets = True
        elif kind == "radio":
            radios[name] = control.get("value", "on")  # the last one
        elif kind not in UNTOLD | BUTTONS and control.get("disabled") is None:
            value = type_into(control)
            if value is not None:
                fields.setdefault(name, []).append(value)
    fields |= {name: [value] for name, value in radios.items()}
    names = frozenset(control.get("name", "") for control in list_controls(form))
    return PageForm(page, action, fields, has_secrets, names)


def read_fields(form: HtmlElement) -> Fields:
    """What the form would send now."""
    fields: Fields = {}
    for control in list_controls(form):
        kind = find_kind(control)
        if kind in BUTTONS | {"file"} or control.get("disabled") is not None:
            continue
        if kind in {"checkbox", "radio"} and control.get("checked") is None:
            continue
        fields.setdefault(control.get("name", ""), []).extend(read_values(control, kind))
    return fields


def read_values(control: HtmlElement, kind: str) -> Iterable[str]:
    if kind == "select":
        chosen = control.xpath(".//option[@selected]") or control.xpath("(.//option)[1]")
        return [read_option(each) for each in chosen]
    if kind == "textarea":
        return [(control.text or "").removeprefix("\n")]
    return [control.get("value", "on" if kind in {"checkbox", "radio"} else "")]


def read_options(control: HtmlElement) -> list[str]:
    return [read_option(each) for each in control.iter("option")]


def read_option(option: HtmlElement) -> str:
    return option.get("value", " ".join((option.text or "").split()))


def find_kind(control: HtmlElement) -> str:
    return control.get("type", "text").lower() if control.tag == "input" else str(control.tag)
