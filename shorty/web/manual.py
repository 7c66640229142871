"""The manual as pages of the dashboard: rendered once each, with links that stay among them.

The files belong to the package. Raw HTML in them is shown as text, and nothing needs a style of its
own, so that the Content-Security-Policy stays as strict as everywhere.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Final

import msgspec
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

HELP: Final = "/app/help"
# In the order of the contents. `development.md` and the decisions are for those who change shorty.
CONTENTS: Final = {
    "Using shorty": (
        "dashboard",
        "qr-codes",
        "bio-pages",
        "analytics",
        "visiting",
        "rules",
        "domains",
        "moving",
        "accounts",
        "plans",
        "privacy",
    ),
    "For programs": ("api", "short-links", "public-links", "webhooks"),
    "Running a server": (
        "configuration",
        "commands",
        "operating",
        "postgresql",
        "growing",
        "security",
    ),
}
CHAPTERS: Final = tuple(name for names in CONTENTS.values() for name in names)
PICTURES: Final = {"png": b"image/png", "svg": b"image/svg+xml"}

HEADING_TOKENS: Final = 3  # it opens, its text, it closes

_FILES: Final = resources.files("shorty") / "manual"
_CHAPTER: Final = re.compile(r"([\w-]+)\.md(#[\w-]+)?", re.ASCII)
_PICTURE: Final = re.compile(r"pictures/([\w-]+\.(?:png|svg))", re.ASCII)
_NOT_IN_ANCHORS: Final = re.compile(r"[^\w\- ]")


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A heading with the text below it, up to the next one; `level` is 1 for the page's own."""

    anchor: str
    title: str
    level: int
    text: str


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """`html` is without the heading of the page, which is its `title`."""

    name: str
    title: str
    html: Markup
    sections: tuple[Section, ...]


def list_chapters() -> list[Chapter]:
    """All of them, which takes a third of a second the first time."""
    return [read_chapter(name) for name in CHAPTERS]


@cache
def read_chapter(name: str) -> Chapter:
    """One of CHAPTERS."""
    tokens = _MARKDOWN.parse((_FILES / f"{name}.md").read_text(encoding="utf-8"))
    _name_headings(tokens)
    _empty_headers(tokens)
    for token in tokens:
        _adapt(token.children or ())
    sections = tuple(_list_sections(tokens))
    html: str = _MARKDOWN.renderer.render(tokens[HEADING_TOKENS:], _MARKDOWN.options, {})
    return Chapter(
        name=name,
        title=sections[0].title,
        html=Markup(html),  # noqa: S704 - markdown-it escapes what the files contain
        sections=sections,
    )


def read_picture(name: str) -> bytes | None:
    """None if the manual has no such picture."""
    if not _PICTURE.fullmatch(f"pictures/{name}"):
        return None
    file = _FILES / "pictures" / name
    return file.read_bytes() if file.is_file() else None


def _name_headings(tokens: Sequence[Token]) -> None:
    """Gives headings the anchors that GitHub derives from them; a repeated one gets a number."""
    seen: dict[str, int] = {}
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open":
            plain = _NOT_IN_ANCHORS.sub("", _read_text(inline)).strip().lower().replace(" ", "-")
            number = seen[plain] = seen.get(plain, -1) + 1
            heading.attrSet("id", f"{plain}-{number}" if number else plain)


def _empty_headers(tokens: Sequence[Token]) -> None:
    """A header without a text is a plain cell: nothing could be read out for it."""
    for start, text, end in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if start.type == "th_open" and not text.content:
            start.tag = end.tag = "td"


def _adapt(children: Sequence[Token]) -> None:
    """Leads links and pictures to where the dashboard has them."""
    is_dead = False
    for token in children:
        if token.type == "link_open":
            place = _find_place(str(token.attrs["href"]))
            is_dead = token.hidden = not place
            token.attrSet("href", place)
            if "://" in place:
                token.attrSet("rel", "noreferrer noopener")
        elif token.type == "link_close":
            token.hidden = is_dead
        elif token.type == "image":
            token.attrSet("src", f"{HELP}/{token.attrs['src']}")
            token.attrSet("loading", "lazy")


def _find_place(href: str) -> str:
    """Empty for a file that is no chapter, which becomes plain text."""
    if href.startswith(("#", "/", "https://", "http://")):
        return href
    found = _CHAPTER.fullmatch(href)
    if found is None:
        return ""
    if found[1] == "README":
        return HELP
    return f"{HELP}/{found[1]}{found[2] or ''}" if found[1] in CHAPTERS else ""


def _list_sections(tokens: Sequence[Token]) -> Iterator[Section]:
    starts = [place for place, token in enumerate(tokens) if token.type == "heading_open"]
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        yield Section(
            anchor=str(tokens[start].attrs["id"]),
            title=_read_text(tokens[start + 1]),
            level=int(tokens[start].tag[1:]),
            text=" ".join(filter(None, map(_read_text, tokens[start + HEADING_TOKENS : end]))),
        )


def _read_text(token: Token) -> str:
    if token.type != "inline":
        return token.content.strip()
    parts = (" " if each.type == "softbreak" else each.content for each in token.children or ())
    return "".join(parts)


def _write_code(
    _: RendererHTML, tokens: Sequence[Token], index: int, *_rest: OptionsDict | EnvType
) -> str:
    """Can be scrolled by keyboard."""
    return f'<pre tabindex="0"><code>{escape(tokens[index].content)}</code></pre>\n'


def _open_table(*_: object) -> str:
    return '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>\n'


def _close_table(*_: object) -> str:
    return "</table></div>\n"


def _build_markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("fence", _write_code)
    markdown.add_render_rule("code_block", _write_code)
    markdown.add_render_rule("table_open", _open_table)
    markdown.add_render_rule("table_close", _close_table)
    return markdown


_MARKDOWN: Final = _build_markdown()
