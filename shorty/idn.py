"""Writes internationalised hosts as people do, where nobody could take one for another.

A label is shown in Unicode under the rules that browsers follow (UTS #39, 5.2; Chromium's IDN
policy): one script, or those that are written together in Japanese, Chinese and Korean, and not
only letters that look like Latin ones. Any other stays in punycode, which is what the DNS knows.
"""

import re
from functools import lru_cache
from typing import Final
from unicodedata import name

import idna

REMEMBERED_HOSTS: Final = 1024
PREFIX: Final = "xn--"

# First words of the names of letters; scripts that are in daily use (UAX #31, table 5).
_SCRIPTS: Final = frozenset(
    {
        *("ARABIC", "ARMENIAN", "BENGALI", "BOPOMOFO", "CJK", "CYRILLIC", "DEVANAGARI"),
        *("ETHIOPIC", "GEORGIAN", "GREEK", "GUJARATI", "GURMUKHI", "HANGUL", "HEBREW"),
        *("HIRAGANA", "KANNADA", "KATAKANA", "KHMER", "LAO", "LATIN", "MALAYALAM"),
        *("MYANMAR", "ORIYA", "SINHALA", "TAMIL", "TELUGU", "THAANA", "THAI", "TIBETAN"),
    }
)
_TOGETHER: Final = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
# Letters of European languages and Vietnamese; without a dotless i and others that pass for ASCII.
_LATIN: Final = re.compile(
    r"[a-z\u00df-\u00f6\u00f8-\u0130\u0134-\u0137\u0139-\u013e\u0141-\u0148\u014a-\u017e"
    r"\u01a1\u01b0\u0219\u021b\u1e00-\u1ef9]"
)
# Letters that look like Latin ones: a label of nothing else reads as another name.
_LOOKALIKES: Final = {
    "CYRILLIC": frozenset("асԁеһіјӏорԛѕԝхуъьҽпгѵѡ"),
    "GREEK": frozenset("αικνρυωηοτχγ"),
    "ARMENIAN": frozenset("ագզէլհյոպռսւօ"),
    "GEORGIAN": frozenset("იოყძხჽჿ"),
    "HEBREW": frozenset("דוחיןסװײ"),
    "THAI": frozenset("ทนบพรหเแดลปฟม"),
}
# Letters that look like a slash, a dot or a dash where none of their own scripts is beside them.
_SIGNS: Final = "ノンソゾ・ー一丨丶丿ㄧ"
_EAST_ASIAN: Final = r"\u3040-\u30ff\u3100-\u312f\u3400-\u9fff"
_FALSE_SIGN: Final = re.compile(rf"(?:^|[^{_EAST_ASIAN}])[{_SIGNS}]++(?![{_EAST_ASIAN}])")


@lru_cache(maxsize=REMEMBERED_HOSTS)
def write_host(host: str) -> str:
    """A host with or without its port; in lower case, as it is stored."""
    if PREFIX not in host:
        return host
    rest, colon, port = host.partition(":")
    labels = rest.split(".")
    has_foreign_end = labels[-1].startswith(PREFIX)
    shown = (_write_label(label, may_look_latin=has_foreign_end) for label in labels)
    return f"{'.'.join(shown)}{colon}{port}"


def _write_label(label: str, *, may_look_latin: bool) -> str:
    if not label.startswith(PREFIX):
        return label
    try:
        text = idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return label
    return text if _is_clear(text, may_look_latin=may_look_latin) else label


def _is_clear(text: str, *, may_look_latin: bool) -> bool:
    letters = [letter for letter in text if letter not in "0123456789-"]
    scripts = {_find_script(letter) for letter in letters}
    if not scripts <= _SCRIPTS:
        return False
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        return False
    latin = [letter for letter in letters if _find_script(letter) == "LATIN"]
    if not all(map(_LATIN.fullmatch, latin)) or (latin and _FALSE_SIGN.search(text)):
        return False
    lookalikes = _LOOKALIKES.get(min(scripts), frozenset())
    return may_look_latin or not lookalikes.issuperset(letters)


def _find_script(letter: str) -> str:
    """The first word of its name: `LATIN`, `CJK`, `COMBINING` for a mark of no script."""
    return name(letter, "").partition(" ")[0].removesuffix("-HIRAGANA")
