"""Reads the rows of the INSERT statements in a MySQL dump.

It passes over the file's bytes once: a text, comment or statement of any length continues in the
next piece where it was left.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from shorty.transfer.files import LONGEST_ROW, Fault, Feed, InvalidFileError, OpenFile

_DUMP: Final = re.compile(
    rb"\s*+(--|/\*|(INSERT|CREATE|DROP|SET|USE|START|LOCK|BEGIN)\s)", re.IGNORECASE
)
# Most tokens lie whole in the piece that was read; others are taken part by part.
_WHOLE: Final = re.compile(
    rb"""\s*+(?:
      '((?:[^'\\]++|\\.|'')*+)'(?!')
      |(?!--)([-+.\w$\x80-\xff]++)
      |([(),;])
    )""",
    re.VERBOSE | re.DOTALL,
)
_SPACE: Final = re.compile(rb"\s*+")
_WORD: Final = re.compile(rb"[-+.\w$\x80-\xff]*+")
_WORD_BEGINS: Final = re.compile(rb"[-+.\w$\x80-\xff]")
# Bytes that neither begin nor end anything.
_BETWEEN_SIGNS: Final = re.compile(rb"[^'\"`;#/-]*+")
_IN_TEXT: Final = {
    quote: re.compile(rb"[^%b\\]*+" % quote if quote != b"`" else rb"[^`]*+")
    for quote in (b"'", b'"', b"`")
}
_ESCAPE: Final = {
    quote: re.compile(rb"\\(.)|%b" % (quote * 2), re.DOTALL) for quote in (b"'", b'"')
}
_ESCAPED: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"0": b"\0", b"b": b"\b", b"Z": b"\x1a"}
_HEX_DIGITS: Final = re.compile(rb"(?:[0-9a-fA-F]{2})*+")
_BITS: Final = re.compile(rb"[01]{1,64}")
# Between INSERT and the table's name.
_MODIFIERS: Final = frozenset({b"LOW_PRIORITY", b"DELAYED", b"HIGH_PRIORITY", b"IGNORE", b"INTO"})
LONGEST_NAME: Final = 200
MOST_COLUMNS: Final = 4096

Cells: TypeAlias = list[str | None]
FindColumns: TypeAlias = Callable[[str], Sequence[str] | None]


class SqlRow(NamedTuple):
    """`cells` by the columns' names, without those that are NULL."""

    table: str
    place: str
    cells: Mapping[str, str]


class _Token(NamedTuple):
    """A text without its quotes, a word such as a number or NULL, one sign, or the file's end.

    `quote` is the sign around a text.
    """

    kind: Literal["text", "word", "sign", "end"]
    value: bytes
    quote: bytes = b""


_OPENING: Final = _Token("sign", b"(")
_CLOSING: Final = _Token("sign", b")")
_COMMA: Final = _Token("sign", b",")
_SEMICOLON: Final = _Token("sign", b";")
_SIGNS: Final = {token.value: token for token in (_OPENING, _CLOSING, _COMMA, _SEMICOLON)}
_END: Final = _Token("end", b"")


class _Statement(NamedTuple):
    """`has_list`: the statement names its columns."""

    table: str
    columns: Sequence[str]
    has_list: bool


def is_dump(start: bytes) -> bool:
    return _DUMP.match(start) is not None


def read_rows(file: OpenFile, find_columns: FindColumns) -> Iterator[SqlRow | Fault]:
    """`find_columns` gives a table's columns in their order, None to skip the table.

    A row that can't be read is a fault. Raises InvalidFileError if the file ends too early.
    """
    tokens = _Tokens(Feed(file.read_pieces()))
    while (token := tokens.take()).kind != "end":
        if token.kind == "word" and token.value.upper() == b"INSERT":
            yield from _read_insert(tokens, find_columns)
        elif token != _SEMICOLON:
            tokens.skip_statement()


def _read_insert(tokens: "_Tokens", find_columns: FindColumns) -> Iterator[SqlRow | Fault]:
    statement, last = _read_head(tokens, find_columns)
    while statement is not None and last == _OPENING:
        line = tokens.feed.find_line()
        row = _Row(tokens)
        row.read()
        fault = row.fault or _compare(statement, row.values)
        if fault:
            yield Fault(place=f"line {line}", subject="", message=fault)
        else:
            named = zip(statement.columns, row.values, strict=False)
            cells = {name: value for name, value in named if value is not None}
            yield SqlRow(statement.table, f"line {line}", cells)
        if row.ends_statement:
            return
        last = tokens.take()
        if last == _COMMA:
            last = tokens.take()
    if last != _SEMICOLON:
        tokens.skip_statement()


def _read_head(tokens: "_Tokens", find_columns: FindColumns) -> tuple[_Statement | None, _Token]:
    """The statement, None if it is skipped, and the token after its VALUES or what was found."""
    token = tokens.take()
    while token.kind == "word" and token.value.upper() in _MODIFIERS:
        token = tokens.take()
    name = b""
    while token.kind == "text" or (token.kind == "word" and token.value.upper() != b"VALUES"):
        # `shop`.`yourls_url`, or both in one word: the table's name is the last.
        name = token.value.rpartition(b".")[2] if token.kind == "word" else token.value
        token = tokens.take()
    listed: list[str] = []
    if token == _OPENING:
        token = tokens.take()
        while token.kind in {"text", "word"} or token == _COMMA:
            if token.kind != "sign" and len(listed) < MOST_COLUMNS:
                listed.append(_decode(token.value[:LONGEST_NAME]))
            token = tokens.take()
        token = tokens.take() if token == _CLOSING else token
    if token.kind != "word" or token.value.upper() != b"VALUES":
        return None, token
    table = _decode(name)
    columns = find_columns(table)
    statement = None if columns is None else _Statement(table, listed or columns, bool(listed))
    return statement, tokens.take()


def _compare(statement: _Statement, values: Cells) -> str:
    """The fault in the number of values; empty if the statement does not name its columns."""
    if statement.has_list and len(values) != len(statement.columns):
        return f"has {len(values)} values for {len(statement.columns)} columns"
    return ""


class _Row:
    """Reads one row after its opening parenthesis. `fault` is the first one; empty if none."""

    def __init__(self, tokens: "_Tokens") -> None:
        self.values: Cells = []
        self.fault = ""
        self.ends_statement = False
        self._tokens = tokens
        self._begun = tokens.feed.offset
        self._line = tokens.feed.find_line()
        self._depth = 1
        self._awaits_value = True
        self._prefix = b""  # says how the text after it is written

    def read(self) -> None:
        """Raises InvalidFileError if the file ends before the row does."""
        while self._depth:
            token = self._tokens.take()
            if not self.fault and self._tokens.feed.offset - self._begun > LONGEST_ROW:
                self._blame(f"is longer than {LONGEST_ROW:,} bytes. Is a quote in it never closed?")
            if token.kind == "end":
                raise InvalidFileError(
                    f"The row that begins in line {self._line} never ends: the file is cut off "
                    "there, or a quote in it is never closed."
                )
            if token.kind == "sign":
                self._take_sign(token.value)
            elif not self.fault:
                self._take_value(token)

    def _take_sign(self, sign: bytes) -> None:
        if sign == b";":
            self._blame("has no closing parenthesis")
            self.ends_statement, self._depth = True, 0
        elif sign == b"(":
            self._depth += 1
            self._blame("has a parenthesis among its values, which can't be read")
        elif sign == b")":
            self._depth -= 1
            if self._prefix or (self._awaits_value and self.values):
                self._blame("lacks a value")
        elif sign == b",":
            if self._awaits_value:
                self._blame("lacks a value")
            self._awaits_value = True
        else:
            self._blame(f"has {_decode(sign)!r} among its values, which can't be read")

    def _take_value(self, token: _Token) -> None:
        if not self._awaits_value:
            self._blame("has two values without a comma between them")
            return
        if token.kind == "word" and self._is_prefix(token.value):
            self._prefix = token.value
            return
        prefix, self._prefix, self._awaits_value = self._prefix, b"", False
        try:
            self.values.append(_decode_value(token, prefix.upper()))
        except ValueError as error:
            self._blame(str(error))

    def _is_prefix(self, word: bytes) -> bool:
        """`_utf8'…'` names a character set, `N'…'` the national one, `X'…'` and `b'…'` a number."""
        is_alone = word.upper() in {b"N", b"X", b"B"}
        return word.startswith(b"_") or (is_alone and self._tokens.is_before_quote())

    def _blame(self, fault: str) -> None:
        self.fault = self.fault or fault
        self.values.clear()


def _decode_value(token: _Token, prefix: bytes) -> str | None:
    """Raises ValueError."""
    value = token.value
    if token.kind == "text":
        if prefix == b"X":
            return _parse_hex(value, "X")
        if prefix == b"B":
            return _parse_bits(value)
        return _unquote(value, token.quote)
    if value[:2].lower() == b"0x":
        return _parse_hex(value[2:], "0x")
    if value[:2].lower() == b"0b":
        return _parse_bits(value[2:])
    return None if value.upper() == b"NULL" else _decode(value)


def _parse_hex(digits: bytes, sign: str) -> str:
    if not digits or not _HEX_DIGITS.fullmatch(digits):
        shown = _decode(digits[:40])
        raise ValueError(f"has {shown!r} after {sign}, which is not an even number of hex digits")
    return _decode(bytes.fromhex(digits.decode()))


def _parse_bits(digits: bytes) -> str:
    if not _BITS.fullmatch(digits):
        raise ValueError(
            f"has {_decode(digits[:40])!r} as a bit value, which takes 1 to 64 zeros and ones"
        )
    return str(int(digits, 2))


def _unquote(text: bytes, quote: bytes) -> str:
    def unescape(match: re.Match[bytes]) -> bytes:
        escaped: bytes | None = match[1]
        return quote if escaped is None else _ESCAPED.get(escaped, escaped)

    return _decode(_ESCAPE[quote].sub(unescape, text) if quote in _ESCAPE else text)


def _decode(text: bytes) -> str:
    return text.decode(errors="replace")


class _Tokens:
    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    def take(self) -> _Token:
        """The next one that is not a comment. A text or word that is too long for a row is empty.

        Raises InvalidFileError for a text that never ends.
        """
        feed = self.feed
        whole = _WHOLE.match(feed.text, feed.at)
        if whole and whole.end() < len(feed.text):
            return self._take_whole(whole)
        while feed.skip(_SPACE):
            sign = feed.text[feed.at : feed.at + 1]
            if sign in _IN_TEXT:
                return _Token("text", self._take_text(sign), sign)
            if self._skip_comment(sign):
                continue
            if _WORD_BEGINS.match(feed.text, feed.at):
                feed.keep(LONGEST_ROW)
                feed.skip(_WORD)
                return _Token("word", feed.take_kept() or b"")
            feed.at += 1
            return _Token("sign", sign)
        return _END

    def _take_whole(self, found: re.Match[bytes]) -> _Token:
        self.feed.at = found.end()
        match found.lastindex:
            case 1:
                return _Token("text", found[1], b"'")
            case 2:
                return _Token("word", found[2])
            case _:
                return _SIGNS[found[3]]

    def skip_statement(self) -> None:
        """Skips up to the semicolon or the file's end. Raises as `take` does."""
        feed = self.feed
        while feed.skip(_BETWEEN_SIGNS):
            sign = feed.text[feed.at : feed.at + 1]
            if sign in _IN_TEXT:
                self._take_text(sign, most=0)
            elif not self._skip_comment(sign):
                feed.at += 1
                if sign == b";":
                    return

    def is_before_quote(self) -> bool:
        return self.feed.has(1) and self.feed.text[self.feed.at : self.feed.at + 1] in _ESCAPE

    def _take_text(self, quote: bytes, most: int = LONGEST_ROW) -> bytes:
        """The text between the quotes, with its escapes."""
        feed = self.feed
        line = feed.find_line()
        feed.at += 1
        feed.keep(most)
        while feed.skip(_IN_TEXT[quote]):
            if feed.text[feed.at : feed.at + 1] == b"\\":
                if not feed.has(2):
                    break
                feed.at += 2
            elif feed.has(2) and feed.text[feed.at + 1 : feed.at + 2] == quote:
                feed.at += 2
            else:
                text = feed.take_kept() or b""
                feed.at += 1
                return text
        raise InvalidFileError(f"The quote that opens in line {line} is never closed.")

    def _skip_comment(self, sign: bytes) -> bool:
        """Whether a comment was skipped: to the end of the line, or `/* … */`."""
        feed = self.feed
        if sign == b"#" or (sign == b"-" and self._begins_dashes()):
            feed.skip_past(b"\n")
            return True
        if sign == b"/" and feed.has(2) and feed.text[feed.at + 1 : feed.at + 2] == b"*":
            line = feed.find_line()
            feed.at += 2
            if not feed.skip_past(b"*/"):
                raise InvalidFileError(f"The comment that opens in line {line} is never closed.")
            return True
        return False

    def _begins_dashes(self) -> bool:
        """MySQL requires a space after two dashes, since `5--3` is a sum."""
        feed = self.feed
        feed.has(3)
        behind = feed.text[feed.at : feed.at + 3]
        return behind[:2] == b"--" and (len(behind) < 3 or behind[2:].isspace())  # noqa: PLR2004 - of dashes
