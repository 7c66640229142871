"""How numbers are written for people: counts, shares of a whole, changes between two periods."""

from typing import Final, Literal, NamedTuple

NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
MINUS: Final = "\N{MINUS SIGN}"
FIRST_COMPACT: Final = 10_000
THOUSAND: Final = 1000
UNITS: Final = (("k", THOUSAND), ("M", THOUSAND**2), ("bn", THOUSAND**3))
LARGEST_PERCENT: Final = 1000  # from there on, it is said how many times as much


class Change(NamedTuple):
    """How much more or less there is than before, and which of them."""

    text: str
    direction: Literal["up", "down", "same"]


def write_count(count: int) -> str:
    return f"{count:,}"


def write_compact(count: int) -> str:
    """Short enough for a heading: `1,234`, `12.3 k`, `4.56 M`."""
    if count < FIRST_COMPACT:
        return write_count(count)
    for unit, size in UNITS:
        # To three digits at first, so that 999,999 is a million and not a thousand thousands.
        rounded = float(f"{count / size:.3g}")
        if rounded < THOUSAND:
            return f"{rounded:g}{NARROW}{unit}"
    unit, size = UNITS[-1]
    return f"{count // size:,}{NARROW}{unit}"


def write_share(part: int, whole: int) -> str:
    percent = 100 * part / whole if whole else 0
    if 0 < percent < 1:
        return f"<1{NARROW}%"
    return f"{percent:.0f}{NARROW}%"


def tell_change(now: int, before: int) -> Change:
    if now == before:
        return Change("no change", "same")
    if before == 0:
        return Change("new", "up")
    percent = 100 * (now - before) / before
    if percent >= LARGEST_PERCENT:
        return Change(f"\N{MULTIPLICATION SIGN}{write_compact(round(now / before))}", "up")
    sign, direction = ("+", "up") if now > before else (MINUS, "down")
    digits = 1 if abs(percent) < 10 else 0  # noqa: PLR2004 - two digits say enough
    return Change(f"{sign}{abs(percent):.{digits}f}{NARROW}%", direction)


def write_plural(count: int, word: str) -> str:
    return f"{write_count(count)} {word}{'' if count == 1 else 's'}"
