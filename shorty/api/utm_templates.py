"""`/utm-templates`: named sets of UTM parameters to reuse."""

from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from shorty.api.idempotency import create_once
from shorty.api.objects import Input, derive_changes, show
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.errors import AlreadyExistsError
from shorty.links import utm_templates
from shorty.links.utm_templates import NewUtmTemplate, UtmTemplate, UtmTemplateChange
from shorty.webcore.answers import Answer, answer_json, answer_nothing
from shorty.webcore.fields import convert_given
from shorty.webcore.requests import read_body

resource: Final = Resource("UTM templates")

Name = Annotated[
    str,
    Meta(description=f"Up to {utm_templates.NAME_LENGTH} characters; unique regardless of case."),
]
Utm = Annotated[str, Meta(description="A UTM parameter.")]


class UtmTemplateInput(Input, frozen=True, kw_only=True):
    name: Name
    utm_source: Utm | None = None
    utm_medium: Utm | None = None
    utm_campaign: Utm | None = None
    utm_term: Utm | None = None
    utm_content: Utm | None = None
    utm_id: Utm | None = None


UtmTemplateChanges: Final = derive_changes(UtmTemplateInput)


class UtmTemplateObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    name: str
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    utm_id: str | None
    created_at: str

    example: ClassVar[dict[str, Any]] = {
        "id": "3",
        "name": "Newsletter",
        "utmSource": "newsletter",
        "utmMedium": "email",
        "utmCampaign": None,
        "utmTerm": None,
        "utmContent": None,
        "utmId": None,
        "createdAt": "2026-11-22T12:00:00.000Z",
    }


class UtmTemplateAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    utm_template: UtmTemplateObject


class UtmTemplateList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    utm_templates: list[UtmTemplateObject]


@resource.handle(
    "GET /utm-templates",
    "List UTM templates",
    UtmTemplateList,
    description=f"All templates, by name; at most {utm_templates.MAX_TEMPLATES}.",
)
async def list_templates(request: ApiRequest) -> Answer:
    found = await utm_templates.list_templates(request.services.db, request.actor.workspace_id)
    return answer_json(UtmTemplateList(utm_templates=[show_template(each) for each in found]))


@resource.handle(
    "POST /utm-templates",
    "Create a UTM template",
    UtmTemplateAnswer,
    body=UtmTemplateInput,
    body_example={"name": "Newsletter", "utmSource": "newsletter", "utmMedium": "email"},
    errors=(AlreadyExistsError,),
)
async def create_template(request: ApiRequest) -> Answer:
    body = await read_body(request)
    new = NewUtmTemplate(**convert_given(body.fields, UtmTemplateInput))
    return await create_once(
        request,
        body,
        "/utm-templates",
        lambda tx: utm_templates.create_template(tx, request.actor, new, request.now),
        lambda made: UtmTemplateAnswer(utm_template=show_template(made)),
    )


@resource.handle("GET /utm-templates/{template_id}", "Get a UTM template", UtmTemplateAnswer)
async def get_template(request: ApiRequest) -> Answer:
    template_id = read_template_id(request)
    db, workspace_id = request.services.db, request.actor.workspace_id
    return _answer_template(await utm_templates.get_template(db, workspace_id, template_id))


@resource.handle(
    "PATCH /utm-templates/{template_id}",
    "Update a UTM template",
    UtmTemplateAnswer,
    description="Omitted fields stay unchanged; null clears a field. Existing links do not change.",
    body=UtmTemplateChanges,
    body_example={"utmCampaign": "spring", "utmTerm": None},
    answer_example={"utmTemplate": UtmTemplateObject.example | {"utmCampaign": "spring"}},
    errors=(AlreadyExistsError,),
)
async def change_template(request: ApiRequest) -> Answer:
    template_id = read_template_id(request)
    change = UtmTemplateChange(**await request.read_given(UtmTemplateChanges))
    changed = await request.write(
        lambda tx: utm_templates.change_template(tx, request.actor, template_id, change)
    )
    return _answer_template(changed)


@resource.handle(
    "DELETE /utm-templates/{template_id}",
    "Delete a UTM template",
    description="Links created with it keep their parameters.",
)
async def delete_template(request: ApiRequest) -> Answer:
    template_id = read_template_id(request)
    await request.write(lambda tx: utm_templates.delete_template(tx, request.actor, template_id))
    return answer_nothing()


def read_template_id(request: ApiRequest) -> int:
    return request.read_id("template_id", "UTM template")


def show_template(template: UtmTemplate) -> UtmTemplateObject:
    return show(UtmTemplateObject, template)


def _answer_template(template: UtmTemplate) -> Answer:
    return answer_json(UtmTemplateAnswer(utm_template=show_template(template)))
