"""`/app/utm`: adds UTM parameters to a URL, and stores templates of them."""

from typing import Final, NamedTuple
from urllib.parse import urlencode

from shorty.bidi import isolate
from shorty.errors import AlreadyExistsError, InvalidFieldsError
from shorty.links import utm_templates
from shorty.links.checks import UTM_LENGTH, read_text
from shorty.links.destination import UTM_PARAMETERS, apply_utm, parse_destination
from shorty.links.utm_templates import NewUtmTemplate, UtmTemplate, UtmTemplateChange
from shorty.web.destinations import complete_destination
from shorty.web.forms import Form, read_faults
from shorty.web.guard import Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

PLACE: Final = "/app/utm"
FIELDS: Final = ("url", *UTM_PARAMETERS)


class Composed(NamedTuple):
    """The URL with its parameters, empty if it has faults."""

    address: str
    faults: dict[str, str]


@pages.handle("GET /utm")
async def open_builder(request: WebRequest) -> Answer:
    """Composes the URL in the query; a `template` fills in its parameters."""
    query = request.read_query()
    typed = {name: query.get(name, "").strip() for name in FIELDS}
    template_id = request.read_page_start("template")
    if template_id:
        template = await utm_templates.get_template(
            request.services.db, request.actor.workspace_id, template_id
        )
        typed |= {name: getattr(template, name) or "" for name in UTM_PARAMETERS}
    return await show_builder(request, typed)


@pages.handle("POST /utm/templates", needs="write")
async def create_template(request: WebRequest) -> Answer:
    typed = read_typed(request.typed)
    new = NewUtmTemplate(name=request.typed.read("name"), **read_parameters(request.typed))
    try:
        template = await request.services.db.write(
            lambda tx: utm_templates.create_template(tx, request.actor, new, request.now)
        )
    except (InvalidFieldsError, AlreadyExistsError) as error:
        return await show_builder(request, typed, read_faults(error, "name"))
    kept = {name: text for name, text in typed.items() if text}
    return see_other(
        request, f"{PLACE}?{urlencode(kept)}", f"Template “{isolate(template.name)}” saved."
    )


@pages.handle("GET /utm/templates/{template_id}")
async def open_template(request: WebRequest) -> Answer:
    template_id = request.read_id("template_id", "UTM template")
    template = await utm_templates.get_template(
        request.services.db, request.actor.workspace_id, template_id
    )
    return show_template(request, template)


@pages.handle("POST /utm/templates/{template_id}", needs="write")
async def change_template(request: WebRequest) -> Answer:
    template_id = request.read_id("template_id", "UTM template")
    change = UtmTemplateChange(name=request.typed.read("name"), **read_parameters(request.typed))
    try:
        await request.services.db.write(
            lambda tx: utm_templates.change_template(tx, request.actor, template_id, change)
        )
    except (InvalidFieldsError, AlreadyExistsError) as error:
        before = await utm_templates.get_template(
            request.services.db, request.actor.workspace_id, template_id
        )
        return show_template(request, before, read_faults(error, "name"))
    return see_other(request, PLACE, "Changes saved.")


@pages.handle("POST /utm/templates/{template_id}/delete", needs="write")
async def delete_template(request: WebRequest) -> Answer:
    template_id = request.read_id("template_id", "UTM template")
    await request.services.db.write(
        lambda tx: utm_templates.delete_template(tx, request.actor, template_id)
    )
    return see_other(request, PLACE, "Template deleted. Links that use it stay unchanged.")


def read_typed(form: Form) -> dict[str, str]:
    return {name: form.read(name) for name in FIELDS}


def read_parameters(form: Form) -> dict[str, str | None]:
    return {name: form.read_optional(name) for name in UTM_PARAMETERS}


def compose(typed: dict[str, str]) -> Composed:
    faults: dict[str, str] = {}
    values: dict[str, str | None] = {}
    for name in UTM_PARAMETERS:
        try:
            values[name] = read_text(typed[name], UTM_LENGTH)
        except ValueError as error:
            faults[name] = str(error)
    address = ""
    if typed["url"]:
        try:
            address = apply_utm(
                parse_destination("URL", complete_destination(typed["url"])), values
            )
        except ValueError as error:
            faults["url"] = str(error).rstrip(".")
    return Composed("" if faults else address, faults)


async def show_builder(
    request: WebRequest, typed: dict[str, str], name_faults: dict[str, str] | None = None
) -> Answer:
    composed = compose(typed)
    found = await utm_templates.list_templates(request.services.db, request.actor.workspace_id)
    given = {name: text for name, text in typed.items() if text}
    return render(
        request,
        "utm.html",
        status=422 if name_faults else 200,
        typed=typed,
        given=urlencode(given),
        address=composed.address,
        faults=composed.faults | (name_faults or {}),
        name=request.typed.read("name"),
        templates=[(each, list_parameters(each)) for each in found],
        has_parameters=any(typed[each] for each in UTM_PARAMETERS),
    )


def list_parameters(template: UtmTemplate) -> list[str]:
    return [text for name in UTM_PARAMETERS if (text := getattr(template, name))]


def show_template(
    request: WebRequest, template: UtmTemplate, faults: dict[str, str] | None = None
) -> Answer:
    values = {name: getattr(template, name) or "" for name in ("name", *UTM_PARAMETERS)}
    if faults:
        values = {name: request.typed.read(name) for name in values}
    return render(
        request,
        "utm_template.html",
        status=422 if faults else 200,
        kept=template,
        values=values,
        faults=faults or {},
    )
