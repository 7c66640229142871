"""The options that say what a link is: each names a field of LinkChange."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import rich_click as click

from shorty.cli.terminal import read_password
from shorty.errors import InvalidFieldsError
from shorty.links.destination import REDIRECT_STATUSES
from shorty.webcore.times import read_time

F = TypeVar("F", bound=Callable[..., Any])


class MomentType(click.ParamType[int | str]):
    """ISO 8601 as UTC milliseconds; an empty text stays one."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        if not isinstance(value, str) or not value:
            return ""
        try:
            return read_time(datetime.fromisoformat(value))
        except ValueError:
            self.fail(f"{value!r} is not a time like 2026-12-31T18:00:00Z.", param, ctx)


class CountType(click.ParamType[int | str]):
    """A whole number; an empty text stays one."""

    name = "number"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        if not isinstance(value, str) or not value:
            return ""
        try:
            return int(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number.", param, ctx)


FIELD_OPTIONS: Final = (
    click.option("--slug", metavar="SLUG", help="What stands behind the domain."),
    click.option("--domain", metavar="HOST", help="The domain it lives on."),
    click.option("--title", metavar="TEXT", help="Its name in lists; also in previews."),
    click.option("--description", metavar="TEXT", help="What previews in messengers say."),
    click.option("--image", metavar="URL", help="The picture that previews show."),
    click.option(
        "--type",
        "link_type",
        type=click.Choice(["URL", "MAILTO", "TEL", "SMS"], case_sensitive=False),
        help="What URL is: an address, or whom to write to or call.",
    ),
    click.option(
        "--redirect",
        "status",
        type=click.Choice(REDIRECT_STATUSES),
        help="The status of the redirect.",
    ),
    click.option(
        "--cloak/--no-cloak",
        "cloaked",
        default=None,
        help="Show the destination in a frame, so that the short URL stays in the address bar.",
    ),
    click.option(
        "--password/--no-password",
        "has_password",
        default=None,
        help="Ask visitors for a password. It is asked for here, or read from standard input.",
    ),
    click.option(
        "--expires-at",
        type=MomentType(),
        metavar="TIME",
        help="When it stops, in ISO 8601; UTC where no zone is named.",
    ),
    click.option(
        "--max-clicks", type=CountType(), metavar="N", help="How many people it lets through."
    ),
    click.option(
        "--tag", "tag_names", multiple=True, metavar="NAME", help="A tag; may be given often."
    ),
    click.option(
        "--forward-parameters/--no-forward-parameters",
        default=None,
        help="Hand the query of the short URL on to the destination.",
    ),
    click.option("--block-bots/--no-block-bots", default=None, help="Answer known bots with 403."),
    click.option(
        "--active/--inactive", "is_active", default=None, help="Whether it leads anywhere."
    ),
    *(
        click.option(
            f"--utm-{name}",
            metavar="TEXT",
            help=f"The destination's utm_{name} parameter.",
        )
        for name in ("source", "medium", "campaign", "term", "content", "id")
    ),
    click.option(
        "--meta-pixel", "meta_pixel_id", metavar="ID", help="The Meta pixel that visits fire."
    ),
    click.option(
        "--google-tag", "google_tag_id", metavar="ID", help="The Google tag that visits fire."
    ),
    click.option(
        "--webhook",
        "webhook_urls",
        multiple=True,
        metavar="URL",
        help="An address told of each click; may be given often.",
    ),
)
NEVER_EMPTY: Final = {"url", "domain", "slug"}
# How faults of fields are named to somebody who gave options.
OPTION_NAMES: Final = {
    "cloaked": "--cloak",
    "google_tag_id": "--google-tag",
    "is_active": "--active",
    "link_type": "--type",
    "meta_pixel_id": "--meta-pixel",
    "status": "--redirect",
    "tag_ids": "--tag",
    "tag_names": "--tag",
    "url": "URL",
    "webhook_urls": "--webhook",
}


def field_options(command: F) -> F:
    for option in reversed(FIELD_OPTIONS):
        command = option(command)
    return command


def read_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given, by their names; an empty text clears one and becomes None."""
    given = {name: value for name, value in options.items() if value not in {None, ()}}
    has_password = given.pop("has_password", None)
    if has_password is not None:
        given["password"] = read_password() if has_password else None
    for name in ("tag_names", "webhook_urls"):
        if name in given:
            given[name] = tuple(item for item in given[name] if item)
    return {
        name: None if value == "" and name not in NEVER_EMPTY else value
        for name, value in given.items()
    }


def name_options(error: InvalidFieldsError) -> InvalidFieldsError:
    return InvalidFieldsError(
        {
            OPTION_NAMES.get(name, f"--{name.replace('_', '-')}"): fault
            for name, fault in error.fields.items()
        }
    )
