"""Reads decoded JSON part by part, and notes every fault by its path: `rules[2].values[1]`."""

from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeVar, cast

T = TypeVar("T")

MOST_FAULTS: Final = 100
"""So many are reported of one input."""


class JsonReader:
    """Of what is faulty it notes the fault and goes on; the first fault of a path stays."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}

    def note(self, path: str, fault: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.setdefault(path, fault)

    def read_list(self, given: object, path: str, most: int, what: str) -> list[object]:
        if given is None:
            return []
        if not isinstance(given, list):
            self.note(path, "must be a list")
            return []
        items = cast("list[object]", given)
        if len(items) > most:
            self.note(path, f"may be at most {most} {what}")
            return []
        return items

    def read_object(
        self, given: object, path: str, names: Collection[str]
    ) -> Mapping[str, object] | None:
        if not isinstance(given, dict):
            self.note(path, "must be an object")
            return None
        item = cast("dict[str, object]", given)
        self.check_names(item, path, names)
        return item

    def check_names(self, item: Mapping[str, object], path: str, names: Collection[str]) -> None:
        for name in item:
            if name not in names and item[name] is not None:
                shown = name if name.isidentifier() else repr(name)
                self.note(
                    f"{path}.{shown[:40]}", f"is not known here; known are {', '.join(names)}"
                )

    def read_text(
        self, item: Mapping[str, object], path: str, name: str, read: Callable[[str], T]
    ) -> T | None:
        if item.get(name) is None:
            self.note(f"{path}.{name}", "is required")
            return None
        return self.read_value(item[name], f"{path}.{name}", read)

    def read_optional(
        self, item: Mapping[str, object], path: str, name: str, read: Callable[[str], T]
    ) -> T | None:
        """An empty text is nothing."""
        given = item.get(name)
        return (
            None if given is None or given == "" else self.read_value(given, f"{path}.{name}", read)
        )

    def read_value(self, given: object, path: str, read: Callable[[str], T]) -> T | None:
        if not isinstance(given, str):
            self.note(path, "must be text")
            return None
        try:
            return read(given)
        except ValueError as error:
            self.note(path, str(error))
            return None

    def read_flag(self, item: Mapping[str, object], path: str, name: str, *, default: bool) -> bool:
        given = item.get(name)
        if given is None or isinstance(given, bool):
            return default if given is None else given
        self.note(f"{path}.{name}", "must be true or false")
        return default

    def read_whole(self, item: Mapping[str, object], path: str, name: str, most: int) -> int:
        if item.get(name) is None:
            self.note(f"{path}.{name}", "is required")
            return 1
        return self.read_number(item[name], f"{path}.{name}", most)

    def read_number(self, given: object, path: str, most: int) -> int:
        """From 1 on; JSON has only one type of numbers, in which 1.0 is 1."""
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= most:
            return given
        self.note(path, f"must be a whole number from 1 to {most}")
        return 1
