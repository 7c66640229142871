"""`/links/{id}/try-rules`: where a visitor would be led, and why."""

import random
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.api.rule_objects import RulesField
from shorty.errors import InvalidFieldsError
from shorty.links.rule_matching import list_shares
from shorty.links.rule_reading import read_rules
from shorty.links.rules import Rule, Rules
from shorty.links.service import get_link
from shorty.webcore.answers import Answer, answer_json
from shorty.webcore.fields import convert_body
from shorty.webcore.requests import read_body
from shorty.webcore.rule_trials import Described, Trial, try_rules

resource: Final = Resource("Links")

LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 8192


class TrialInput(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The visitor, where omitted members are unknown; and rules to try that are not saved."""

    country: (
        Annotated[
            str, Meta(max_length=LONGEST_NAME, description="ISO 3166-1 alpha-2; `XX`: unknown.")
        ]
        | None
    ) = None
    region: (
        Annotated[str, Meta(max_length=LONGEST_NAME, description="ISO 3166-2, such as `DE-BY`.")]
        | None
    ) = None
    city: (
        Annotated[
            str, Meta(max_length=LONGEST_NAME, description="As the operator's database names it.")
        ]
        | None
    ) = None
    device: (
        Annotated[
            str,
            Meta(
                max_length=LONGEST_NAME,
                description="`desktop`, `mobile`, `tablet` or `other`; left out: by `userAgent`.",
            ),
        ]
        | None
    ) = None
    os: (
        Annotated[
            str,
            Meta(
                max_length=LONGEST_NAME,
                description="As analytics name it; left out: as `userAgent` says.",
            ),
        ]
        | None
    ) = None
    browser: (
        Annotated[
            str,
            Meta(
                max_length=LONGEST_NAME,
                description="As analytics name it; left out: as `userAgent` says.",
            ),
        ]
        | None
    ) = None
    language: (
        Annotated[
            str,
            Meta(
                max_length=LONGEST_TEXT,
                description="A language such as `de-CH`, or a whole `Accept-Language` header.",
            ),
        ]
        | None
    ) = None
    query: (
        Annotated[
            str,
            Meta(
                max_length=LONGEST_TEXT,
                description="What follows the `?`, percent-encoded; `?` alone: no parameters.",
            ),
        ]
        | None
    ) = None
    referrer: (
        Annotated[str, Meta(max_length=LONGEST_TEXT, description="The referrer's host or URL.")]
        | None
    ) = None
    ip: (
        Annotated[
            str,
            Meta(
                max_length=LONGEST_NAME,
                description="The IP address; it does not say which country the visitor is in.",
            ),
        ]
        | None
    ) = None
    at: (
        Annotated[
            str, Meta(max_length=LONGEST_NAME, description="When, in ISO 8601; left out: now.")
        ]
        | None
    ) = None
    user_agent: (
        Annotated[
            str,
            Meta(
                max_length=LONGEST_TEXT,
                description="The `User-Agent` header. A bot's leads to the link's own destination.",
            ),
        ]
        | None
    ) = None

    rules: RulesField | None = None


class TriedRule(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str | None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    rule: str
    holds: bool
    condition: int | None
    reason: str


class Share(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    share: float


class TrialAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    url: str
    is_blocked: bool
    rule: TriedRule | None
    variant: str | None
    shares: list[Share]
    steps: list[Step]

    example: ClassVar[dict[str, Any]] = {
        "url": "https://example.com/a",
        "isBlocked": False,
        "rule": {"id": "b90e", "name": "Two pages"},
        "variant": "a",
        "shares": [{"key": "a", "share": 0.6}, {"key": "b", "share": 0.4}],
        "steps": [
            {"rule": "4f2a", "holds": False, "condition": 0, "reason": "The country is US."},
            {"rule": "b90e", "holds": True, "condition": None, "reason": "It has no conditions."},
        ],
    }


@resource.handle(
    "POST /links/{link_id}/try-rules",
    "Try a link's rules",
    TrialAnswer,
    scope="read",
    status=200,
    body=TrialInput,
    body_example={"country": "US", "device": "mobile", "at": "2026-12-24T18:00:00Z"},
    description="Shows where the link's rules would send a visitor, and for each rule why it "
    "won or did not. Nothing is counted or stored. Whether the link is active or asks for a "
    "password makes no difference. A variant is drawn as for a visitor; `shares` says how often "
    "each is.",
)
async def try_link_rules(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "link")
    link = await get_link(request.services.links, request.actor, link_id)
    described, rules = read_trial((await read_body(request)).fields)
    trial = try_rules(
        link,
        described,
        request.now,
        draw=random.random,
        block_list=request.services.links.rules.block_list,
        rules=rules,
    )
    return answer_json(show_trial(trial))


def read_trial(fields: Mapping[str, object]) -> tuple[Described, Rules | None]:
    """The visitor, and rules to try in place of the link's. Raises InvalidFieldsError."""
    given = {name: value for name, value in fields.items() if name != "rules"}
    found, faults = convert_body(given, TrialInput)
    rules = None
    if fields.get("rules", "") not in (None, ""):
        rules, of_rules = read_rules(fields["rules"])
        faults |= of_rules
    if faults:
        raise InvalidFieldsError(faults)
    return Described(**found), rules


def show_trial(trial: Trial) -> TrialAnswer:
    choice = trial.choice
    return TrialAnswer(
        url=trial.url,
        is_blocked=choice.is_blocked,
        rule=TriedRule(id=choice.rule.id, name=choice.rule.name) if choice.rule else None,
        variant=choice.variant.key if choice.variant else None,
        shares=_show_shares(choice.rule, trial.at),
        steps=[
            Step(rule=each.rule.id, holds=each.holds, condition=each.condition, reason=each.text)
            for each in choice.reasons
        ],
    )


def _show_shares(rule: Rule | None, at: int) -> list[Share]:
    if rule is None or not rule.variants:
        return []
    return [Share(key=key, share=share) for key, share in list_shares(rule, at).items()]
