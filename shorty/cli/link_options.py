"""The options that describe a link: each sets a field of LinkChange."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import rich_click as click

from shorty.cli.rules_file import RulesType, require_input
from shorty.cli.terminal import read_password
from shorty.errors import InvalidFieldsError
from shorty.links.destination import REDIRECT_STATUSES
from shorty.links.rule_reading import read_rules
from shorty.webcore.times import read_time

F = TypeVar("F", bound=Callable[..., Any])


class MomentType(click.ParamType[int | str]):
    """Reads ISO 8601 as UTC milliseconds; an empty text stays empty."""

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
    """Reads a whole number; an empty text stays empty."""

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
    click.option("--slug", metavar="SLUG", help="The part after the domain."),
    click.option("--domain", metavar="HOST", help="The domain of the short link."),
    click.option(
        "--alias",
        "add_aliases",
        multiple=True,
        metavar="SHORT_LINK",
        help="An alias of the link: HOST/SLUG, or a slug on its own domain; can be repeated.",
    ),
    click.option("--title", metavar="TEXT", help="The link's name, also used in previews."),
    click.option("--description", metavar="TEXT", help="The description in link previews."),
    click.option("--image", metavar="URL", help="URL of the image in link previews."),
    click.option(
        "--type",
        "link_type",
        type=click.Choice(["URL", "MAILTO", "TEL", "SMS"], case_sensitive=False),
        help="The kind of destination: a URL, an email or a phone number.",
    ),
    click.option(
        "--redirect",
        "status",
        type=click.Choice(REDIRECT_STATUSES),
        help="Status code of the redirect.",
    ),
    click.option(
        "--cloak/--no-cloak",
        "cloaked",
        default=None,
        help="Show the destination in a frame, so that the short link stays in the address bar.",
    ),
    click.option(
        "--password/--no-password",
        "has_password",
        default=None,
        help="Ask visitors for a password, entered here or read from standard input.",
    ),
    click.option(
        "--valid-since",
        type=MomentType(),
        metavar="TIME",
        help="When the link becomes valid, in ISO 8601; before, it answers 404.",
    ),
    click.option(
        "--expires-at",
        type=MomentType(),
        metavar="TIME",
        help="When the link expires, in ISO 8601; UTC unless a zone is given.",
    ),
    click.option(
        "--expired-url",
        metavar="URL",
        help="Where the link leads once it has expired or is used up.",
    ),
    click.option("--max-clicks", type=CountType(), metavar="N", help="Maximum visits."),
    click.option(
        "--rules",
        type=RulesType(),
        metavar="FILE",
        help='JSON with the rules that choose other destinations; "-" is standard input.',
    ),
    click.option(
        "--tag", "tag_names", multiple=True, metavar="NAME", help="A tag; can be repeated."
    ),
    click.option(
        "--forward-parameters/--no-forward-parameters",
        default=None,
        help="Pass query parameters of the short link to the destination.",
    ),
    click.option(
        "--block-bots/--no-block-bots", default=None, help="Block known bots with status 403."
    ),
    click.option(
        "--hide-referrer/--no-hide-referrer",
        default=None,
        help="Do not tell the destination where its visitor came from.",
    ),
    click.option(
        "--skip-social-crawler-tracking/--no-skip-social-crawler-tracking",
        default=None,
        help="Store nothing about visits by preview crawlers.",
    ),
    click.option(
        "--active/--inactive", "is_active", default=None, help="Whether the link is active."
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
        "--meta-pixel", "meta_pixel_id", metavar="ID", help="The Meta pixel that fires on visits."
    ),
    click.option(
        "--google-tag", "google_tag_id", metavar="ID", help="The Google tag that fires on visits."
    ),
    click.option(
        "--gtm-container-id",
        metavar="ID",
        help="The Tag Manager container that is loaded on visits, such as GTM-ABC123.",
    ),
    click.option(
        "--webhook",
        "webhook_urls",
        multiple=True,
        metavar="URL",
        help="An endpoint URL that is notified of each click; can be repeated.",
    ),
)
NEVER_EMPTY: Final = {"url", "domain", "slug"}
# The option names that faults of fields use.
OPTION_NAMES: Final = {
    "add_aliases": "--alias",
    "aliases": "--alias",
    "remove_aliases": "--remove-alias",
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
    """The given fields by name; an empty text becomes None and clears the field."""
    given = {name: value for name, value in options.items() if value is not None and value != ()}
    has_password = given.pop("has_password", None)
    if has_password:
        require_input("--password")
    if has_password is not None:
        given["password"] = read_password() if has_password else None
    if rules := given.get("rules"):
        given["rules"], given["unread"] = read_rules(rules)
    for name in ("tag_names", "webhook_urls"):
        if name in given:
            given[name] = tuple(item for item in given[name] if item)
    return {
        name: None if value == "" and name not in NEVER_EMPTY else value
        for name, value in given.items()
    }


def name_options(error: InvalidFieldsError) -> InvalidFieldsError:
    return InvalidFieldsError({_name_option(name): fault for name, fault in error.fields.items()})


def _name_option(name: str) -> str:
    """Of `aliases[2]`: the option, for which of several it is the fault says. Of `rules[2].url`:
    the place in the file."""
    if name.startswith("rules["):
        return name
    name = name.partition("[")[0]
    return OPTION_NAMES.get(name, f"--{name.replace('_', '-')}")
