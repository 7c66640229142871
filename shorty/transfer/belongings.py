"""Takes in what links share: tags and UTM templates.

A dry run judges them as an import does, so that both say the same.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from shorty.errors import AlreadyExistsError, InvalidFieldsError
from shorty.links.destination import UTM_PARAMETERS
from shorty.links.tags import MAX_TAGS, NewTag, check_tag, fold_name, list_tags, make_colored_tags
from shorty.links.utm_templates import (
    MAX_TEMPLATES,
    NewUtmTemplate,
    UtmTemplate,
    check_template,
    create_template,
    list_templates,
)
from shorty.transfer.model import ImportedTag, ImportedTemplate, ImportRun
from shorty.transfer.remarks import Notes

OTHER_TEMPLATE: Final = "was skipped: a different template with this name exists"
NO_ROOM: Final = f"the limit of {MAX_TAGS:,} tags is reached"


class Tags:
    """Knows the tags of the workspace, and those that this import adds."""

    def __init__(self, run: ImportRun) -> None:
        self._run = run
        self._known: set[str] = set()

    async def begin(self) -> None:
        tags = await list_tags(self._run.context.db, self._run.workspace_id)
        self._known = {fold_name(tag.name) for tag in tags}

    def fit(self, names: Sequence[str], notes: Notes) -> tuple[str, ...]:
        """The names that exist or still have room, of those that can be tags."""
        kept = tuple(name for name in names if self._has_room(name))
        for name in names:
            if name not in kept:
                notes.remark("tags", f"came in without the tag {name!r}: {NO_ROOM}")
        return kept

    def _has_room(self, name: str) -> bool:
        key = fold_name(name)
        if key not in self._known and len(self._known) >= MAX_TAGS:
            return False
        self._known.add(key)
        return True

    async def take(self, items: Sequence[ImportedTag]) -> None:
        """A tag that exists keeps its colour."""
        run = self._run
        for item in items:
            run.require_wanted()
            subject = f"tag {item.new.name[:60]}"
            try:
                new = self._check(item, subject)
                if not self._has_room(new.name):
                    run.progress.note("failed", item.place, subject, NO_ROOM)
                elif not run.is_dry_run:
                    await self._create(new)
            except InvalidFieldsError as error:
                run.progress.note("failed", item.place, subject, error.message)

    def _check(self, item: ImportedTag, subject: str) -> NewTag:
        """With a colour of ours where its own is none. Raises InvalidFieldsError."""
        try:
            check_tag(item.new.name, item.new.color)
        except InvalidFieldsError as error:
            if error.fields.keys() != {"color"}:
                raise
            message = f"came in with another colour: {item.new.color!r} is not a colour"
            self._run.progress.note("note", item.place, subject, message[:200], "tags")
            self._run.progress.flawed += 1
            return replace(item.new, color=None)
        return item.new

    async def _create(self, new: NewTag) -> None:
        run = self._run
        await run.context.db.write(
            lambda tx: make_colored_tags(tx, run.workspace_id, [new], run.now)
        )


class Templates:
    """Knows the workspace's UTM templates, and those that this import adds."""

    def __init__(self, run: ImportRun) -> None:
        self._run = run
        self._known: dict[str, UtmTemplate | NewUtmTemplate] = {}

    async def begin(self) -> None:
        run = self._run
        for each in await list_templates(run.context.db, run.workspace_id):
            self._known[fold_name(each.name)] = each

    async def take(self, items: Sequence[ImportedTemplate]) -> None:
        """A template whose name exists stays as it is."""
        for item in items:
            self._run.require_wanted()
            subject = f"UTM template {item.new.name[:60]}"
            try:
                await self._take(item, subject)
            except (InvalidFieldsError, AlreadyExistsError) as error:
                self._run.progress.note("failed", item.place, subject, error.message)

    async def _take(self, item: ImportedTemplate, subject: str) -> None:
        new = check_template(item.new)
        same = self._known.get(fold_name(new.name))
        if same is None:
            await self._create(new, item.made_at)
            self._known[fold_name(new.name)] = new
        elif any(getattr(same, name) != getattr(new, name) for name in UTM_PARAMETERS):
            self._run.progress.note("skipped", item.place, subject, OTHER_TEMPLATE)

    async def _create(self, new: NewUtmTemplate, made_at: int | None) -> None:
        """Raises InvalidFieldsError, in a dry run too, and AlreadyExistsError."""
        run = self._run
        if not run.is_dry_run:
            at = run.now if made_at is None else made_at
            await run.context.db.write(lambda tx: create_template(tx, run.actor, new, at))
        elif len(self._known) >= MAX_TEMPLATES:
            fault = (
                f"cannot be added; the limit of {MAX_TEMPLATES} templates is reached, so delete "
                "one first"
            )
            raise InvalidFieldsError({"name": fault})
