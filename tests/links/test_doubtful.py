"""What is kept of links after changes may have been missed."""

from math import inf
from time import monotonic
from typing import Any

import pytest

from shorty.links import doubtful
from shorty.links.doubtful import DoubtfulLinks
from shorty.links.lookup import CachedLink

LATER = inf
Links = DoubtfulLinks[CachedLink]


def make_cached(slug: str, **only_what_matters: Any) -> CachedLink:
    values: dict[str, Any] = dict.fromkeys(CachedLink.__struct_fields__)
    values.update({"slug": slug, "weight": 1, **only_what_matters})
    return CachedLink(**values)


def add(known: Links, *slugs: str, until: float = LATER, weight: int = 1) -> None:
    known.add([((1, slug), make_cached(slug, weight=weight)) for slug in slugs], [], until)


def list_known(known: Links, *slugs: str) -> list[str]:
    return [slug for slug in slugs if known.find((1, slug)) is not None]


def test_each_link_is_kept_until_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    known, now = Links(9, 9), monotonic()
    monkeypatch.setattr(doubtful, "monotonic", lambda: now)
    add(known, "a", "b", until=now + 1)
    add(known, "b", "c", until=now + 2)
    known.add([], [((1, "b"), "B")], now + 1)
    assert list_known(known, "a", "b", "c") == ["a", "b", "c"]
    assert known.find_spelling((1, "b")) == "B"
    now += 1
    assert list_known(known, "a", "b", "c") == ["b", "c"]
    assert known.find_spelling((1, "b")) is None
    assert len(known) == 3
    now += 1
    assert list_known(known, "a", "b", "c") == []
    assert len(known) == 0  # the memory is free again


def test_what_comes_too_late_is_not_kept() -> None:
    known = Links(9, 9)
    add(known, "a", until=monotonic())
    assert len(known) == 0


def test_no_more_is_kept_than_there_is_room_for() -> None:
    known = Links(4, 2)
    add(known, "a", "b", "c")
    add(known, "heavy", weight=2)
    assert list_known(known, "a", "b", "c", "heavy") == ["b", "c", "heavy"]
    known.add([], [((1, each), each.upper()) for each in "abc"], LATER)
    assert [known.find_spelling((1, each)) for each in "abc"] == [None, "B", "C"]


def test_what_is_forgotten_is_not_found() -> None:
    known = Links(9, 9)
    add(known, "a", "b", "c")
    known.add([], [((1, "a"), "A"), ((2, "a"), "A")], LATER)
    known.forget([(1, "a"), (1, "b"), (2, "c")], (1, "a"))
    assert list_known(known, "a", "b", "c") == ["c"]
    assert [known.find_spelling((each, "a")) for each in (1, 2)] == [None, "A"]
    known.clear()
    assert list_known(known, "c") == []
    assert known.find_spelling((2, "a")) is None


@pytest.mark.parametrize("exact", [{"max_clicks": 5}, {"password_hash": "hash"}])
def test_a_link_that_has_to_be_exact_is_not_kept(exact: dict[str, Any]) -> None:
    known = Links(9, 9)
    known.add([((1, "a"), make_cached("a", **exact)), ((1, "b"), make_cached("b"))], [], LATER)
    assert list_known(known, "a", "b") == ["b"]
