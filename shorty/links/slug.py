"""Owns slugs: what may stand behind a domain's slash, when two are the same, and new ones."""

import os
import re
import unicodedata
from typing import Final
from urllib.parse import quote

MAX_SLUG_LENGTH = 128
"""In code points of the NFC form."""
LONGEST_SPELLING = 4 * MAX_SLUG_LENGTH
"""NFC makes one code point of at most four. Composing a long text of combining marks takes a time
that grows with the square of its length, so that whatever is longer is not composed."""

RESERVED_SLUGS = frozenset(
    {
        "api",
        "app",
        "static",
        "qr",
        "healthz",
        "readyz",
        "metrics",
        "report",
        "robots.txt",
        "favicon.ico",
        "sitemap.xml",
        ".well-known",
    }
)
"""First segments of our own paths, which lead to no link."""

# What others ask a domain for by name: a link there would speak for the domain.
_WELL_KNOWN: Final = frozenset(
    {
        *("ads.txt", "app-ads.txt", "sellers.json", "security.txt", "humans.txt"),
        *("crossdomain.xml", "clientaccesspolicy.xml", "apple-app-site-association"),
        *("assetlinks.json", "browserconfig.xml", "manifest.json", "index.html", "index.php"),
        *("wp-login.php", "xmlrpc.php", "bingsiteauth.xml"),
    }
)
_PROOFS: Final = re.compile(r"sitemap.*|google.*\.html|yandex_.*|pinterest-.*", re.DOTALL)

# Without 0 O o, 1 I l i: a slug is read aloud and copied from paper.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]

# Extended_Pictographic of Unicode 17.0 (emoji-data.txt), which holds room for emoji to come.
_PICTOGRAPHS = """
a9 ae 203c 2049 2122 2139 2194-2199 21a9-21aa 231a-231b 2328 23cf 23e9-23f3 23f8-23fa 24c2
25aa-25ab 25b6 25c0 25fb-25fe 2600-2604 260e 2611 2614-2615 2618 261d 2620 2622-2623 2626 262a
262e-262f 2638-263a 2640 2642 2648-2653 265f-2660 2663 2665-2666 2668 267b 267e-267f 2692-2697
2699 269b-269c 26a0-26a1 26a7 26aa-26ab 26b0-26b1 26bd-26be 26c4-26c5 26c8 26ce-26cf 26d1
26d3-26d4 26e9-26ea 26f0-26f5 26f7-26fa 26fd 2702 2705 2708-270d 270f 2712 2714 2716 271d 2721
2728 2733-2734 2744 2747 274c 274e 2753-2755 2757 2763-2764 2795-2797 27a1 27b0 27bf 2934-2935
2b05-2b07 2b1b-2b1c 2b50 2b55 3030 303d 3297 3299 1f004 1f02c-1f02f 1f094-1f09f 1f0af-1f0b0
1f0c0 1f0cf-1f0d0 1f0f6-1f0ff 1f170-1f171 1f17e-1f17f 1f18e 1f191-1f19a 1f1ae-1f1e5 1f201-1f20f
1f21a 1f22f 1f232-1f23a 1f23c-1f23f 1f249-1f25f 1f266-1f321 1f324-1f393 1f396-1f397 1f399-1f39b
1f39e-1f3f0 1f3f3-1f3f5 1f3f7-1f3fa 1f400-1f4fd 1f4ff-1f53d 1f549-1f54e 1f550-1f567 1f56f-1f570
1f573-1f57a 1f587 1f58a-1f58d 1f590 1f595-1f596 1f5a4-1f5a5 1f5a8 1f5b1-1f5b2 1f5bc 1f5c2-1f5c4
1f5d1-1f5d3 1f5dc-1f5de 1f5e1 1f5e3 1f5e8 1f5ef 1f5f3 1f5fa-1f64f 1f680-1f6c5 1f6cb-1f6d2
1f6d5-1f6e5 1f6e9 1f6eb-1f6f0 1f6f3-1f6ff 1f7da-1f7ff 1f80c-1f80f 1f848-1f84f 1f85a-1f85f
1f888-1f88f 1f8ae-1f8af 1f8bc-1f8bf 1f8c2-1f8cf 1f8d9-1f8ff 1f90c-1f93a 1f93c-1f945 1f947-1f9ff
1fa58-1fa5f 1fa6e-1faff 1fc00-1fffd
"""


def _compile_emoji() -> re.Pattern[str]:
    """One emoji as UTS #51 spells it: a keycap, a flag, or pictographs with their joiners."""
    pictograph = "".join(
        "-".join(rf"\U{int(end, 16):08x}" for end in span.split("-"))
        for span in _PICTOGRAPHS.split()
    )
    single = rf"[{pictograph}\U0001f3fb-\U0001f3ff]\ufe0f?[\U0001f3fb-\U0001f3ff]?\u20e3?"
    joined = rf"{single}(?:[\U000e0020-\U000e007e]+\U000e007f|(?:\u200d{single})*)"
    return re.compile(rf"[0-9#*]\ufe0f?\u20e3|[\U0001f1e6-\U0001f1ff]|{joined}")


_EMOJI = _compile_emoji()
# Punctuation that stands alone or closes, quotes, and what shows nothing.
_MARKS: Final = frozenset({"Po", "Pe", "Pf", "Pi", "Cf"})
# Letters and marks that show nothing at all, with which one slug could pass for another.
_INVISIBLE = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def parse_slug(text: str) -> str:
    """Returns the slug in NFC. Raises ValueError with a sentence for the person who chose it."""
    slug = unicodedata.normalize("NFC", text) if len(text) <= LONGEST_SPELLING else text
    if not 1 <= len(slug) <= MAX_SLUG_LENGTH:
        raise ValueError(f"A slug must have 1 to {MAX_SLUG_LENGTH} characters.")
    stranger = next((char for char in _EMOJI.sub("", slug) if not _is_slug_letter(char)), None)
    if stranger is not None:
        raise ValueError(
            "A slug may contain letters, digits, hyphens, underscores, emoji, and dots and slashes "
            f"inside, but not {_name_character(stranger)}."
        )
    if _has_stray_sign(slug):
        raise ValueError(
            "A slug may contain dots and slashes only one at a time, between other characters."
        )
    return slug


def _has_stray_sign(slug: str) -> bool:
    """Whether a dot or slash is the slug's first or last character, or follows another."""
    return ("." in slug or "/" in slug) and "" in slug.replace("/", ".").split(".")


def slug_key(slug: str) -> str:
    """What slugs are compared by: NFC without U+FE0F, which only asks for the coloured glyph."""
    if slug.isascii() or len(slug) > LONGEST_SPELLING:
        return slug
    return unicodedata.normalize("NFC", slug.replace("\ufe0f", ""))


def fold_key(key: str) -> str:
    """What the keys of slugs have in common that differ in case alone."""
    return key.lower() if key.isascii() else unicodedata.normalize("NFC", key.casefold())


def trim_marks(text: str) -> str:
    """Without what a sentence or an app puts behind an address: marks, closing brackets and quotes,
    white space and characters that show nothing. A slug ends with none of them.
    """
    end = len(text)
    while end and _is_mark(text[end - 1]):
        end -= 1
    return text[:end]


def build_path(slug: str) -> str:
    """The slug's path as browsers send it, which is what a cookie's path is compared with."""
    return f"/{quote(slug, safe='/*')}"


def is_reserved(slug: str) -> bool:
    """Whether no new link may have the slug. Those that have it keep it, unless it is a path of
    ours.
    """
    first = slug_key(slug).partition("/")[0].casefold()
    return first in RESERVED_SLUGS or first in _WELL_KNOWN or bool(_PROOFS.fullmatch(first))


def generate_slug(length: int) -> str:
    while True:
        # One draw for all letters: a draw for each costs ten times as much. With so many bytes to
        # spare each letter is as likely as any other, but for one part in 2**64.
        number = int.from_bytes(os.urandom(length + 8))
        parts: list[str] = []
        for _ in range(length // 2):
            number, pair = divmod(number, len(_PAIRS))
            parts.append(_PAIRS[pair])
        if length % 2:
            parts.append(_ALPHABET[number % len(_ALPHABET)])
        slug = "".join(parts)
        # The other names that are reserved have characters that these letters leave out.
        if slug.casefold() not in RESERVED_SLUGS:
            return slug


def _is_mark(char: str) -> bool:
    if char.isalnum() or char >= "\U000e0000":  # tags, with which the emoji of some flags end
        return False
    is_mark = char in ">`" or char.isspace() or unicodedata.category(char) in _MARKS
    return is_mark and not _EMOJI.match(char)


def _is_slug_letter(char: str) -> bool:
    if char in "-_./":
        return True
    category = unicodedata.category(char)
    return (category[0] in "LM" or category == "Nd") and not _INVISIBLE.match(char)


def _name_character(char: str) -> str:
    if char.isprintable() and not char.isspace():
        return f"“{char}”"
    return "a space" if char == " " else f"the character U+{ord(char):04X}"
