"""What is cached of a link: each column in its place, and which links are plain."""

import re
import sqlite3
from typing import Any

import pytest

from shorty.links.lookup import FIND_LINK, CachedLink, build_cached_link

_LISTED = re.search(r"select (.*?)\sfrom links", FIND_LINK, re.DOTALL)
COLUMNS = [] if _LISTED is None else [name.strip() for name in _LISTED[1].split(",")]
KEPT = {
    *{"id", "workspace_id", "slug", "link_type", "url", "status", "title", "description", "image"},
    *{"password_hash", "expires_at", "max_clicks", "meta_pixel_id", "google_tag_id"},
    *{"button_label", "created_at"},
}
FLAGS = {"cloaked", "forward_parameters", "block_bots", "is_active", "is_link_in_bio", "is_public"}
CONDITIONS = {
    *{"block_bots", "password_hash", "expires_at", "max_clicks", "description", "image"},
    *{"is_link_in_bio", "cloaked", "meta_pixel_id", "google_tag_id", "forward_parameters"},
}


def build(values: dict[str, Any], *, is_blocked: bool = False) -> CachedLink:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    slots = ", ".join(f"? as {name}" for name in COLUMNS)
    row = connection.execute(f"select {slots}", [values.get(name) for name in COLUMNS]).fetchone()
    connection.close()
    return build_cached_link(row, is_blocked=is_blocked)


def test_every_column_has_its_place() -> None:
    link = build({name: name for name in COLUMNS})
    assert {name: getattr(link, name) for name in KEPT} == {name: name for name in KEPT}
    assert link.utm == ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_every_flag_has_its_place(flag: str) -> None:
    link = build({name: int(name == flag) for name in FLAGS})
    assert {name for name in FLAGS if getattr(link, name)} == {flag}


def test_a_password_that_is_not_asked_for_is_none() -> None:
    assert build({"password_hash": "hash", "is_password_asked": 0}).password_hash is None
    assert build({"password_hash": "hash", "is_password_asked": 1}).password_hash == "hash"


@pytest.mark.parametrize("name", sorted(set(COLUMNS) - {"is_active"}))
def test_what_depends_on_the_visitor_the_time_or_the_count_is_not_plain(name: str) -> None:
    assert build({"is_active": 1, name: 1}).is_plain == (name not in CONDITIONS)


def test_what_is_off_or_blocked_is_not_plain() -> None:
    assert build({"is_active": 1}).is_plain
    assert not build({"is_active": 0}).is_plain
    assert not build({"is_active": 1}, is_blocked=True).is_plain
