"""Turns what went wrong into RFC 9457 problem details."""

from typing import Final

import msgspec

from shorty.errors import InvalidFieldsError, ShortyError
from shorty.http.answers import Answer, answer_json
from shorty.http.errors import list_error_headers

PROBLEM: Final = b"application/problem+json"
PROBLEM_TYPES: Final = "/api/v1/docs#error-"


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


def answer_problem(error: ShortyError, status: int) -> Answer:
    answer = answer_json(describe_problem(error, status), status, list_error_headers(error))
    answer.media_type = PROBLEM
    return answer
