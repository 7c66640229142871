"""Owns saved UTM templates: parameters that a workspace uses again and again, under a name."""

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.errors import AlreadyExistsError, InvalidFieldsError, NotFoundError
from shorty.links.checks import UTM_LENGTH, read_line, read_text
from shorty.links.destination import UTM_PARAMETERS
from shorty.links.tags import fold_name
from shorty.storage.database import Database, Row, Rows, Transaction

NAME_LENGTH: Final = 100
MAX_TEMPLATES: Final = 100

_FIELDS: Final = ("name", *UTM_PARAMETERS)
_SELECT: Final = f"""
select id, {", ".join(_FIELDS)}, created_at from utm_templates where workspace_id = $1
"""  # noqa: S608 - the names of our own columns

LIST_TEMPLATES: Final = f"{_SELECT} order by name_key"
FIND_TEMPLATE: Final = f"{_SELECT} and id = $2"
COUNT_TEMPLATES: Final = "select count(*) as templates from utm_templates where workspace_id = $1"
INSERT_TEMPLATE: Final = f"""
insert into utm_templates (workspace_id, name_key, created_at, {", ".join(_FIELDS)})
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict do nothing returning id
"""  # noqa: S608 - the names of our own columns
FIND_NAMESAKE: Final = """
select id from utm_templates where workspace_id = $1 and name_key = $2 and id <> $3
"""
UPDATE_TEMPLATE: Final = f"""
update utm_templates
set (name_key, {", ".join(_FIELDS)}) = ($3, $4, $5, $6, $7, $8, $9, $10)
where workspace_id = $1 and id = $2
"""  # noqa: S608 - the names of our own columns
DELETE_TEMPLATE: Final = "delete from utm_templates where workspace_id = $1 and id = $2"


class UtmTemplate(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    utm_id: str | None
    created_at: int


class NewUtmTemplate(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    utm_id: str | None = None


class UtmTemplateChange(msgspec.Struct, frozen=True, kw_only=True):
    """UNSET leaves a field as it is, None clears it."""

    name: str | UnsetType = UNSET
    utm_source: str | None | UnsetType = UNSET
    utm_medium: str | None | UnsetType = UNSET
    utm_campaign: str | None | UnsetType = UNSET
    utm_term: str | None | UnsetType = UNSET
    utm_content: str | None | UnsetType = UNSET
    utm_id: str | None | UnsetType = UNSET


async def list_templates(rows: Rows, workspace_id: int) -> list[UtmTemplate]:
    """All of them, by name; there are at most MAX_TEMPLATES."""
    return [_read_template(row) for row in await rows.find_all(LIST_TEMPLATES, workspace_id)]


async def get_template(db: Database, workspace_id: int, template_id: int) -> UtmTemplate:
    return _require_template(
        await db.find_one(FIND_TEMPLATE, workspace_id, template_id), template_id
    )


def create_template(tx: Transaction, actor: Actor, new: NewUtmTemplate, now: int) -> UtmTemplate:
    """Raises InvalidFieldsError and AlreadyExistsError."""
    require_scope(actor, "write")
    checked = check_template(new)
    if tx.find_all(COUNT_TEMPLATES, actor.workspace_id)[0]["templates"] >= MAX_TEMPLATES:
        fault = (
            f"cannot be added; the limit of {MAX_TEMPLATES} templates is reached, so delete one "
            "first"
        )
        raise InvalidFieldsError({"name": fault})
    values = msgspec.structs.asdict(checked)
    key = fold_name(checked.name)
    row = tx.find_one(INSERT_TEMPLATE, actor.workspace_id, key, now, *_list_values(checked))
    if row is None:
        raise AlreadyExistsError("UTM template", checked.name)
    return UtmTemplate(id=row["id"], created_at=now, **values)


def change_template(
    tx: Transaction, actor: Actor, template_id: int, change: UtmTemplateChange
) -> UtmTemplate:
    """Raises as create_template does, and NotFoundError."""
    require_scope(actor, "write")
    row = tx.find_one(FIND_TEMPLATE, actor.workspace_id, template_id)
    before = _require_template(row, template_id)
    checked = check_template(_merge(before, change))
    key = fold_name(checked.name)
    if tx.find_one(FIND_NAMESAKE, actor.workspace_id, key, template_id) is not None:
        raise AlreadyExistsError("UTM template", checked.name)
    tx.execute(UPDATE_TEMPLATE, actor.workspace_id, template_id, key, *_list_values(checked))
    return msgspec.structs.replace(before, **msgspec.structs.asdict(checked))


def delete_template(tx: Transaction, actor: Actor, template_id: int) -> None:
    """Links made with it keep their parameters. Raises NotFoundError."""
    require_scope(actor, "write")
    if not tx.execute(DELETE_TEMPLATE, actor.workspace_id, template_id):
        raise NotFoundError("UTM template", template_id)


def check_template(new: NewUtmTemplate) -> NewUtmTemplate:
    """The template as it is kept. Raises InvalidFieldsError with every fault."""
    faults: dict[str, str] = {}
    kept: dict[str, str | None] = {}
    for name in _FIELDS:
        text: str | None = getattr(new, name)
        try:
            is_name = name == "name"
            kept[name] = read_line(text, NAME_LENGTH) if is_name else read_text(text, UTM_LENGTH)
        except ValueError as error:
            faults[name] = str(error)
    name = kept.get("name")
    if name is None:
        faults.setdefault("name", "must not be empty")
    if name is None or faults:
        raise InvalidFieldsError(faults)
    parameters = {parameter: kept[parameter] for parameter in UTM_PARAMETERS}
    return NewUtmTemplate(name=name, **parameters)


def _merge(before: UtmTemplate, change: UtmTemplateChange) -> NewUtmTemplate:
    kept = {name: getattr(before, name) for name in _FIELDS}
    given = {name: value for name in _FIELDS if (value := getattr(change, name)) is not UNSET}
    return NewUtmTemplate(**(kept | given))


def _list_values(template: NewUtmTemplate) -> list[str | None]:
    return [getattr(template, name) for name in _FIELDS]


def _require_template(row: Row | None, template_id: int) -> UtmTemplate:
    if row is None:
        raise NotFoundError("UTM template", template_id)
    return _read_template(row)


def _read_template(row: Row) -> UtmTemplate:
    return UtmTemplate(**dict(row))
