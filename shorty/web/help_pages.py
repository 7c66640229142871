"""`/app/help`: the manual with its contents and a search, for anyone who is signed in."""

import asyncio
from collections.abc import Iterator
from typing import Final

import msgspec
from markupsafe import Markup, escape

from shorty.errors import NotFoundError
from shorty.web.guard import Pages
from shorty.web.manual import (
    CHAPTERS,
    CONTENTS,
    HELP,
    PICTURES,
    Chapter,
    Section,
    list_chapters,
    read_chapter,
    read_picture,
)
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer, Header

pages = Pages()

LONGEST_QUERY: Final = 100
MOST_WORDS: Final = 8
MOST_HITS: Final = 20
IN_TITLE: Final = 20  # so many mentions in the text are as good as one in the heading
MOST_COUNTED: Final = 10
BEFORE: Final = 60  # characters of an excerpt before the first word that was found
EXCERPT: Final = 200
PICTURE_HEADERS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"private, max-age=3600"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
)


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    place: str
    title: str
    chapter: str
    excerpt: Markup


@pages.handle("GET /help")
async def show_help(request: WebRequest) -> Answer:
    """The contents, or what a search finds."""
    typed = request.read_query().get("q", "").strip()[:LONGEST_QUERY]
    chapters = await asyncio.to_thread(list_chapters)
    titles = {chapter.name: chapter.title for chapter in chapters}
    hits = find_hits(chapters, typed, MOST_HITS) if typed else []
    return render(request, "help.html", typed=typed, hits=hits, contents=CONTENTS, titles=titles)


@pages.handle("GET /help/{chapter}")
async def show_chapter(request: WebRequest) -> Answer:
    name = request.path_params["chapter"]
    if name not in CHAPTERS:
        raise NotFoundError("page of the manual", name)
    chapter = await asyncio.to_thread(read_chapter, name)
    return render(request, "help_chapter.html", chapter=chapter)


@pages.handle("GET /help/pictures/{picture}")
async def show_picture(request: WebRequest) -> Answer:
    name = request.path_params["picture"]
    content = read_picture(name)
    if content is None:
        raise NotFoundError("picture", name)
    kind = PICTURES[name.rpartition(".")[2]]
    return Answer(200, content, media_type=kind, headers=PICTURE_HEADERS)


def find_hits(chapters: list[Chapter], typed: str, most: int) -> list[Hit]:
    """The sections that have every word, those with the words in their headings first."""
    words = typed.casefold().split()[:MOST_WORDS]
    found = [
        (score, chapter, section)
        for chapter in chapters
        for section in chapter.sections
        if (score := rate(chapter, section, words))
    ]
    found.sort(key=lambda each: -each[0])
    return [describe_hit(chapter, section, words) for _, chapter, section in found[:most]]


def rate(chapter: Chapter, section: Section, words: list[str]) -> int:
    """0 if a word is missing."""
    heading = f"{section.title} {chapter.title}".casefold()
    text = section.text.casefold()
    total = 0
    for word in words:
        mentions = min(text.count(word), MOST_COUNTED)
        if not mentions and word not in heading:
            return 0
        total += mentions + IN_TITLE * (word in section.title.casefold())
    return max(total, 1)


def describe_hit(chapter: Chapter, section: Section, words: list[str]) -> Hit:
    place = f"{HELP}/{chapter.name}"
    return Hit(
        place=place if section.level == 1 else f"{place}#{section.anchor}",
        title=section.title,
        chapter=chapter.title,
        excerpt=write_excerpt(section.text, words),
    )


def write_excerpt(text: str, words: list[str]) -> Markup:
    """The text around the first word that was found, which is marked like the others."""
    first = min(find_words(text, words), default=(0, 0))[0]
    start = text.rfind(" ", 0, max(first - BEFORE, 0)) + 1
    part = text[start : start + EXCERPT]
    written: list[Markup] = [escape("… ")] if start else []
    end = 0
    for begin, stop in sorted(find_words(part, words), key=lambda each: (each[0], -each[1])):
        if begin >= end:
            written += [escape(part[end:begin]), Markup("<mark>{}</mark>").format(part[begin:stop])]
            end = stop
    return Markup("").join(
        [*written, escape(part[end:]), escape(" …" if text[start + EXCERPT :] else "")]
    )


def find_words(text: str, words: list[str]) -> Iterator[tuple[int, int]]:
    """Where each word begins and ends, wherever it is in the text."""
    lower = text.lower()
    if len(lower) != len(text):  # a few letters have a longer small form
        lower = text
    for word in words:
        place = lower.find(word)
        while place >= 0:
            yield place, place + len(word)
            place = lower.find(word, place + len(word))
