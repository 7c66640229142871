"""Reads and writes cookies that belong to one link: sent on its path alone, unseen by scripts."""

from typing import Final

from shorty.links.slug import build_path

MOST_VALUES: Final = 8  # of one name that are looked at: browsers send one for each path
LONGEST_VALUE: Final = 512


def name_cookie(name: str, *, is_secure: bool) -> str:
    """Over https with a prefix, so that a browser takes it over https alone."""
    return f"__Secure-shorty-{name}" if is_secure else f"shorty-{name}"


def write_cookie(name: str, value: str, *, slug: str, lifetime_s: int, is_secure: bool) -> str:
    """The value of a Set-Cookie header. `is_secure`: the visitor came by https."""
    return (
        f"{name_cookie(name, is_secure=is_secure)}={value}; Path={build_path(slug)}; "
        f"Max-Age={lifetime_s}; HttpOnly; SameSite=Lax{'; Secure' if is_secure else ''}"
    )


def find_values(cookie_header: str, name: str, *, is_secure: bool) -> list[str]:
    """What a request's Cookie header says for that name, as far as it can be ours."""
    wanted = name_cookie(name, is_secure=is_secure)
    pairs = (pair.strip().partition("=") for pair in cookie_header.split(";"))
    found = [value for each, _, value in pairs if each == wanted]
    return [value for value in found[:MOST_VALUES] if len(value) <= LONGEST_VALUE]
