"""Owns what visitors are told when a link does not open: in words for people, and for programs.

Programs that ask for JSON get RFC 9457 problem details; the codes are in the manual.
"""

from typing import Final

import msgspec

from shorty.redirect.decide import Outcome


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """`detail` is one or two sentences to a person who has done nothing wrong."""

    status: int
    code: str
    title: str
    detail: str
    icon: str = "stop"


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The members of API.md's errors; `error` repeats `detail`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    error: str


PROBLEMS: Final = {
    Outcome.NOT_FOUND: Problem(
        status=404,
        code="not-found",
        title="Link not found",
        detail="Check the short link for typos. It may also have been removed.",
        icon="broken",
    ),
    Outcome.EXPIRED: Problem(
        status=410,
        code="link-expired",
        title="Link expired",
        detail="This link has expired. Ask the person who sent it for a new one.",
        icon="clock",
    ),
    Outcome.USED_UP: Problem(
        status=410,
        code="link-used-up",
        title="Visit limit reached",
        detail="This link has reached its visit limit.",
        icon="clock",
    ),
    Outcome.BOT_REFUSED: Problem(
        status=403,
        code="bots-refused",
        title="Automated visits aren't allowed",
        detail="If you are a person, open this link in a regular browser.",
    ),
    Outcome.BLOCKED: Problem(
        status=403,
        code="link-blocked",
        title="This link is blocked",
        detail="Its destination may be harmful, so this server no longer opens it.",
    ),
    Outcome.METHOD_NOT_ALLOWED: Problem(
        status=405,
        code="method-not-allowed",
        title="Method not allowed",
        detail="Open this link in a browser, or use GET or HEAD.",
    ),
}
FEW_SECONDS: Final = 10
UNAVAILABLE: Final = Problem(
    status=503,
    code="storage-unavailable",
    title="Links are temporarily unavailable",
    detail="This link is fine. Please try again in a moment.",
    icon="pause",
)
TWO_HOSTS: Final = Problem(
    status=400,
    code="malformed-request",
    title="This request names two hosts",
    detail="Send one Host header. In a regular browser, reload the page.",
)
PASSWORD_REQUIRED: Final = Problem(
    status=401,
    code="password-required",
    title="Password required",
    detail='Send it with HTTP Basic (any user name), or POST it as "password" in JSON or a form.',
    icon="lock",
)
WRONG_PASSWORD: Final = Problem(
    status=401,
    code="wrong-password",
    title="Password required",
    detail="Wrong password. Please try again.",
    icon="lock",
)


BUSY: Final = Problem(
    status=503,
    code="busy",
    title="Password required",
    detail="The server is busy checking passwords. Please try again in a few seconds.",
    icon="lock",
)


def build_too_many_tries(retry_after_s: int) -> Problem:
    minutes = -(-retry_after_s // 60)
    wait = "a minute" if minutes <= 1 else f"{minutes} minutes"
    if retry_after_s <= FEW_SECONDS:
        wait = "a few seconds"
    return Problem(
        status=429,
        code="rate-limited",
        title="Password required",
        detail=f"Too many attempts. Please try again in {wait}.",
        icon="lock",
    )


def encode_problem(problem: Problem) -> str:
    details = ProblemDetails(
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        code=problem.code,
        error=problem.detail,
    )
    return msgspec.json.encode(details).decode()


def wants_json(accept: str) -> bool:
    """Whether an Accept header asks for JSON by name, and not for HTML at least as much.

    A wildcard asks for nothing by name: browsers and `curl` send it and get the page.
    """
    accept = accept.lower()
    if "json" not in accept:  # nearly every visitor: no parsing
        return False
    json = html = 0.0
    for media_range in accept.split(","):
        media_type, *parameters = (part.strip() for part in media_range.split(";"))
        if media_type in {"application/json", "application/problem+json"}:
            json = max(json, _read_quality(parameters))
        elif media_type in {"text/html", "application/xhtml+xml"}:
            html = max(html, _read_quality(parameters))
    return json > html


def _read_quality(parameters: list[str]) -> float:
    """The `q` of a media range, RFC 9110 section 12.4.2; 1 where it has none, 0 for nonsense."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
