"""Slugs: what may stand behind the slash, and when two of them are the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.links.slug import (
    MAX_SLUG_LENGTH,
    RESERVED_SLUGS,
    build_path,
    fold_key,
    generate_slug,
    is_reserved,
    parse_slug,
    slug_key,
    trim_marks,
)

LETTERS = st.text(
    st.characters(
        categories=["L", "Nd"],
        exclude_characters="\u115f\u1160\u3164\uffa0",
        include_characters="-_",
    ),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize(
    "slug",
    [
        "my-campaign",
        "A_b-9",
        "x",
        "x" * MAX_SLUG_LENGTH,
        "café",
        "日本語",
        "ไทยที่นี่",
        "हिन्दी",
        "٣٤",
        "🎉",
        "sale-🎉-50",
        "❤️",
        "👩‍👩‍👧‍👦",
        "👩🏽‍🚀",
        "🏳️‍🌈",
        "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "🇯🇵🇩🇪",
        "1️⃣",
        "#️⃣",
        "⛹🏿‍♂️",
        "🫱🏼‍🫲🏿",
        "©",
        "v1.2",
        "docs/api",
        "a.b.c/d.e/f",
        "1/2",
        "-/-",
        "x/api",
        "❤️/❤️.❤️",
    ],
)
def test_letters_digits_marks_and_emoji_make_a_slug(slug: str) -> None:
    assert parse_slug(slug) == unicodedata.normalize("NFC", slug)


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "x" * (MAX_SLUG_LENGTH + 1),
        "two words",
        " x",
        ".",
        "/",
        "..",
        ".a",
        "a.",
        "/a",
        "a/",
        "a..b",
        "a//b",
        "a/.b",
        "a./b",
        "a/./b",
        "a/../b",
        "a/b.",
        ".well-known/x",
        "a+",
        "a/b+",
        "a%20b",
        "a?b",
        "a#b",
        "#",
        "*",
        "a\nb",
        "a\x00b",
        "a\u200db",
        "\u200d",
        "a\ufe0fb",
        "\ufe0f",
        "a\u200bb",
        "a\u202eb",
        "\u3164",
        "🎉\u200d",
        "\U000e0067",
        "→",
        "²",
        "\ud800",
        "\ue000",
        "<b>",
        "a\\b",
    ],
)
def test_anything_else_is_refused(slug: str) -> None:
    with pytest.raises(ValueError, match=r"^A slug (must have|may contain) "):
        parse_slug(slug)


def test_the_refusal_names_the_character() -> None:
    with pytest.raises(ValueError, match="but not a space"):
        parse_slug("two words")
    with pytest.raises(ValueError, match="but not the character U\\+200B"):
        parse_slug("a\u200b")


def test_a_slug_is_stored_composed() -> None:
    assert parse_slug("cafe\u0301") == "café"


def test_slugs_are_the_same_however_composed_and_with_or_without_emoji_style() -> None:
    assert slug_key("cafe\u0301") == slug_key("café")
    assert slug_key("❤️") == slug_key("❤")
    assert slug_key("e\ufe0f\u0301") == slug_key("é")


def test_slugs_are_case_sensitive() -> None:
    assert slug_key("Sale") != slug_key("sale")


def test_the_path_is_percent_encoded_as_browsers_do_it() -> None:
    assert build_path("my-slug_1") == "/my-slug_1"
    assert build_path("docs/v1.2") == "/docs/v1.2"
    assert build_path("é") == "/%C3%A9"
    assert build_path("#️⃣*️⃣") == "/%23%EF%B8%8F%E2%83%A3*%EF%B8%8F%E2%83%A3"


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        *((f"sale{mark}", "sale") for mark in ".,;:!?)]}'\"\u2019\u201d\u00bb\u2026>*`"),
        *((f"sale{mark}", "sale") for mark in "\u200b\u200c\u200d\u2060\ufeff\u00ad\u00a0\t\n "),
        *((f"sale{mark}", "sale") for mark in "\u3002\u3001\uff09\u300d\u061f\u0964\u201c"),
        ("sale...", "sale"),
        ('sale.")\u200b', "sale"),
        ("docs/v1.2.", "docs/v1.2"),
        ("docs/.", "docs"),
        (".sale", ".sale"),
        ("sale-", "sale-"),
        ("sale_", "sale_"),
        ("sale+", "sale+"),
        ("sale\0", "sale\0"),
        ("\u203c", "\u203c"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e007f!", "\U0001f3f4\U000e0067\U000e0062\U000e007f"),
        ("...", ""),
        ("", ""),
    ],
)
def test_what_a_sentence_puts_behind_a_slug_is_no_part_of_it(text: str, trimmed: str) -> None:
    assert trim_marks(text) == trimmed


@given(st.text(st.one_of(st.sampled_from("./-_\ufe0f\u200d🎉‼🏴é"), st.characters()), max_size=9))
def test_no_slug_ends_with_what_is_no_part_of_one(text: str) -> None:
    try:
        key = slug_key(parse_slug(text))
    except ValueError:
        return
    assert trim_marks(key) == key


@given(LETTERS)
def test_slugs_that_differ_in_case_alone_have_one_folded_key(text: str) -> None:
    key = slug_key(text)
    assert fold_key(key) == fold_key(slug_key(text.casefold()))
    assert fold_key(fold_key(key)) == fold_key(key)


@given(LETTERS)
def test_any_letters_and_digits_are_a_slug_that_stays_itself(text: str) -> None:
    slug = parse_slug(text)
    assert parse_slug(slug) == slug
    assert slug_key(slug) == slug_key(text)


@given(st.text(st.one_of(st.sampled_from("\ufe0f\u200d🎉👩🚀e\u0301"), st.characters())))
def test_whatever_is_accepted_has_a_key_that_keys_to_itself(text: str) -> None:
    key = slug_key(text)
    assert slug_key(key) == key
    try:
        slug = parse_slug(text)
    except ValueError:
        return
    assert slug_key(slug) == key
    assert key


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_our_own_paths_are_reserved_in_any_case_and_as_first_segment(slug: str) -> None:
    assert is_reserved(slug)
    assert is_reserved(slug.upper())
    assert is_reserved(f"{slug}/more")
    assert not is_reserved(f"x-{slug}")


@pytest.mark.parametrize(
    "slug",
    [
        *("ads.txt", "app-ads.txt", "sellers.json", "security.txt", "humans.txt"),
        *("crossdomain.xml", "clientaccesspolicy.xml", "apple-app-site-association"),
        *("assetlinks.json", "browserconfig.xml", "manifest.json", "index.html", "index.php"),
        *("wp-login.php", "xmlrpc.php", "BingSiteAuth.xml", "sitemap", "sitemap_index.xml"),
        *("google0123456789abcdef.html", "yandex_0123456789abcdef.html", "pinterest-01234.html"),
    ],
)
def test_what_others_ask_a_domain_for_is_reserved(slug: str) -> None:
    for each in (slug, slug.upper(), slug.lower(), f"{slug}/more"):
        assert is_reserved(parse_slug(each))
        assert not is_reserved(f"my-{each}")
        assert not is_reserved(f"more/{each}")


@pytest.mark.parametrize(
    "slug",
    ["google", "google-play", "google.htm", "yandex", "pinterest", "ads", "index", "apis/v1"],
)
def test_a_name_that_is_only_like_them_is_free(slug: str) -> None:
    assert not is_reserved(parse_slug(slug))


@pytest.mark.parametrize("length", [1, 2, 6, 128])
def test_a_generated_slug_has_its_length_and_is_a_slug(length: int) -> None:
    for _ in range(200):
        slug = generate_slug(length)
        assert len(slug) == length
        assert parse_slug(slug) == slug
        assert not is_reserved(slug)
        assert not set(slug) & set("0Oo1Ili")


def test_generated_slugs_differ() -> None:
    assert len({generate_slug(8) for _ in range(1000)}) == 1000
