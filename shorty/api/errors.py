"""Turns errors into RFC 9457 problem details."""

from typing import Final

import msgspec

from shorty.errors import InvalidFieldsError, ShortyError, StorageUnavailableError
from shorty.webcore.addresses import API
from shorty.webcore.answers import Answer, answer_json
from shorty.webcore.errors import list_error_headers
from shorty.webcore.readiness import Reason

PROBLEM: Final = b"application/problem+json"
UNAVAILABLE: Final = 503
PROBLEM_TYPES: Final = f"{API}/docs#error-"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details; `error` repeats `detail`, and `code` is stable."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    error: str
    fields: dict[str, str] | None = None


def describe_problem(error: ShortyError, status: int) -> Problem:
    return Problem(
        type=PROBLEM_TYPES + error.code,
        title=error.code.replace("-", " ").capitalize(),
        status=status,
        detail=error.message,
        code=error.code,
        error=error.message,
        fields=error.fields if isinstance(error, InvalidFieldsError) else None,
    )


class NotReady(Problem, frozen=True, kw_only=True, omit_defaults=True):
    """A problem of the whole server; only its operator sees `reasons`."""

    reasons: tuple[Reason, ...] | None = None


def answer_not_ready(reasons: tuple[Reason, ...] | None) -> Answer:
    error = StorageUnavailableError()
    problem = msgspec.structs.asdict(describe_problem(error, UNAVAILABLE))
    return answer_as_problem(error, NotReady(**problem, reasons=reasons))


def answer_problem(error: ShortyError, status: int) -> Answer:
    return answer_as_problem(error, describe_problem(error, status))


def answer_as_problem(error: ShortyError, problem: Problem) -> Answer:
    answer = answer_json(problem, problem.status, list_error_headers(error))
    answer.media_type = PROBLEM
    return answer
