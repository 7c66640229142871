"""Problems in the format for programs, and which programs ask for it."""

from importlib import resources

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.redirect.problems import (
    PROBLEMS,
    UNAVAILABLE,
    WRONG_PASSWORD,
    Problem,
    build_too_many_tries,
    encode_problem,
    wants_json,
)

EACH = [*PROBLEMS.values(), UNAVAILABLE, WRONG_PASSWORD, build_too_many_tries(90)]
CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
    "q=0.8,application/signed-exchange;v=b3;q=0.7"
)


@pytest.mark.parametrize("problem", EACH)
def test_a_problem_carries_the_members_of_the_contract(problem: Problem) -> None:
    details = msgspec.json.decode(encode_problem(problem), type=dict[str, str | int])
    assert details == {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "error": problem.detail,
    }


def test_each_problem_has_a_code_of_its_own() -> None:
    codes = [problem.code for problem in EACH]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("problem", EACH)
def test_the_manual_explains_each_code_with_its_status(problem: Problem) -> None:
    manual = resources.files("shorty").joinpath("manual/visiting.md").read_text("utf-8")
    assert f"| `{problem.code}` | {problem.status} |" in manual


@pytest.mark.parametrize(
    ("retry_after_s", "wait"),
    [
        (1, "a few seconds"),
        (10, "a few seconds"),
        (11, "a minute"),
        (60, "a minute"),
        (61, "2 minutes"),
    ],
)
def test_the_wait_is_told_in_whole_minutes_or_as_a_few_seconds(
    retry_after_s: int, wait: str
) -> None:
    assert f"Please try again in {wait}." in build_too_many_tries(retry_after_s).detail


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        (CHROME, False),
        ("text/html", False),
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/problem+json", True),
        ("application/json, text/plain, */*", True),
        ("application/json;q=0.5, */*", True),
        ("text/html, application/json", False),
        ("application/json, text/html", False),
        ("text/html;q=0.8, application/json;q=0.9", True),
        ("text/html , application/json ; q = 0.9", False),
        ("application/json;q=0", False),
        ("application/json;q=nonsense", False),
        ("application/json;q=1=1", False),
        ("application/json;q=7, text/html", False),
        ("application/json;q=nan, text/html;q=0.1", False),
        ("application/jsonp", False),
        ("text/json-seq", False),
    ],
)
def test_json_is_for_those_who_ask_for_it_by_name(accept: str, *, expected: bool) -> None:
    assert wants_json(accept) is expected


@given(st.one_of(st.text(), st.text("json,;=q.0 */application")))
def test_no_accept_header_is_too_strange(accept: str) -> None:
    assert wants_json(accept) in {True, False}
    assert wants_json(f"text/html, {accept}") is False
