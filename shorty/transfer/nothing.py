"""Signs by which files say that a value is missing, shared by the readers of all sources."""

from typing import Final

_SIGNS: Final = frozenset(
    {
        *(
            "",
            "-",
            "--",
            "\u2013",
            "\u2014",
            "null",
            "(null)",
            "<null>",
            "\\n",
            "none",
            "nil",
            "undefined",
        ),
        *("n/a", "#n/a", "nan", "nat"),
    }
)
# MySQL's zero dates, and the first day of Go and .NET.
_ZERO_DATES: Final = ("0000-00-00", "0001-01-01t00:00:00", "0001-01-01 00:00:00")
_NO_END: Final = frozenset(
    {"never", "no", "false", "unlimited", "infinite", "forever", "lifetime", "∞", "no expiry"}
)
_UNSET: Final = frozenset({"na", "never", "{}", "[]"})
# How databases print NULL, in texts that may say everything else.
_DATABASE_SIGNS: Final = frozenset({"NULL", "\\N", "(NULL)", "<null>"})


def is_nothing(text: str) -> bool:
    """Whether this says that there is no value, where a word such as "none" can't be one."""
    return text.strip().lower() in _SIGNS


def is_database_null(text: str) -> bool:
    """As is_nothing, for texts such as titles, which may be "None" or "-"."""
    return text in _DATABASE_SIGNS


def is_unset(text: str) -> bool:
    """As is_nothing, for a state, flag, password or limit, which may say the same of its time."""
    folded = text.strip().lower()
    return folded in _SIGNS or folded in _UNSET or _is_zero_date(folded)


def is_no_time(text: str) -> bool:
    folded = text.strip().lower()
    return folded in _SIGNS or folded in _NO_END or _is_zero_date(folded)


def _is_zero_date(folded: str) -> bool:
    return folded.startswith(_ZERO_DATES) and not folded.endswith(tuple("123456789"))
