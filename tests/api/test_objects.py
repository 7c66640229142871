"""Bodies that change things, and how things are shown."""

from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType

from shorty.api.objects import Input, derive_changes, show
from shorty.errors import InvalidFieldsError
from shorty.webcore.fields import convert_given


class ThingInput(Input, frozen=True, kw_only=True):
    long_name: Annotated[str, Meta(min_length=1)]
    count: int | None = None
    is_on: bool = False
    kind: Literal["a", "b"] = "a"
    at: str | None = None


class TestTheBodyThatChanges:
    Changes = derive_changes(ThingInput, kind=None, count=int)

    def test_leaves_what_is_left_out(self) -> None:
        assert convert_given({"longName": "abc", "at": None}, self.Changes) == {
            "long_name": "abc",
            "at": None,
        }
        assert convert_given({}, self.Changes) == {}

    def test_takes_a_field_as_the_body_that_creates_does(self) -> None:
        with pytest.raises(InvalidFieldsError) as raised:
            convert_given({"longName": "", "isOn": 1, "new": 2}, self.Changes)
        assert raised.value.fields == {
            "longName": "must not be empty",
            "isOn": "must be true or false",
            "new": "is not a known field",
        }

    def test_knows_which_fields_stay_and_which_cannot_be_cleared(self) -> None:
        with pytest.raises(InvalidFieldsError) as raised:
            convert_given({"kind": "a", "count": None}, self.Changes)
        assert raised.value.fields == {
            "kind": "is not a known field",
            "count": "must be a whole number",
        }

    def test_is_named_after_what_it_changes(self) -> None:
        assert self.Changes.__name__ == "ThingChanges"


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    owner_id: int | None
    name: str
    made_at: int
    ended_at: int | None
    secret: str


class ThingObject(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    owner_id: str | None
    name: str
    size: int
    made_at: str
    ended_at: str | None
    note: str | UnsetType = UNSET


class TestShowing:
    thing = Thing(id=7, owner_id=None, name="x", made_at=1, ended_at=None, secret="s")

    def test_takes_the_fields_of_the_same_names_with_ids_and_times_as_text(self) -> None:
        assert show(ThingObject, self.thing, size=3) == ThingObject(
            id="7",
            owner_id=None,
            name="x",
            size=3,
            made_at="1970-01-01T00:00:00.001Z",
            ended_at=None,
        )

    def test_takes_what_is_said_beside_the_thing_as_it_is(self) -> None:
        shown = show(ThingObject, self.thing, size=3, name="y", owner_id="9", note="z")
        assert (shown.name, shown.owner_id, shown.note) == ("y", "9", "z")

    def test_refuses_to_guess_what_the_thing_has_not(self) -> None:
        with pytest.raises(AttributeError, match="size"):
            show(ThingObject, self.thing)
