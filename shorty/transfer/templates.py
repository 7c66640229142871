"""Takes in UTM templates; one whose name is there already stays as it is here."""

from collections.abc import Sequence
from typing import Final

from shorty.accounts.model import Actor
from shorty.errors import AlreadyExistsError, InvalidFieldsError
from shorty.links.destination import UTM_PARAMETERS
from shorty.links.utm_templates import (
    NewUtmTemplate,
    UtmTemplate,
    check_template,
    create_template,
    fold_name,
    list_templates,
)
from shorty.storage.database import Database
from shorty.transfer.model import ImportedTemplate
from shorty.transfer.progress import TransferProgress

OTHER: Final = "was left out, for there is one of this name that says something else"


async def take_templates(
    db: Database,
    actor: Actor,
    items: Sequence[ImportedTemplate],
    now: int,
    progress: TransferProgress,
) -> None:
    there = {fold_name(each.name): each for each in await list_templates(db, actor.workspace_id)}
    for item in items:
        if progress.is_cancelled:
            return
        subject = f"UTM template {item.new.name[:60]}"
        try:
            new = check_template(item.new)
            known = there.get(fold_name(new.name))
            if known is None:
                there[fold_name(new.name)] = await _store(
                    db, actor, new, now if item.made_at is None else item.made_at
                )
            elif not _is_same(known, new):
                progress.note("skipped", item.place, subject, OTHER)
        except (InvalidFieldsError, AlreadyExistsError) as error:
            progress.note("failed", item.place, subject, error.message)


async def _store(db: Database, actor: Actor, new: NewUtmTemplate, made_at: int) -> UtmTemplate:
    return await db.write(lambda tx: create_template(tx, actor, new, made_at))


def _is_same(known: UtmTemplate, new: NewUtmTemplate) -> bool:
    return all(getattr(known, name) == getattr(new, name) for name in UTM_PARAMETERS)
