"""What a bio page shows in each theme, and that nothing on it can be abused."""

import re
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.bio.embeds import find_embed
from shorty.bio.model import Colors, Social, Theme
from shorty.bio.socials import ICONS
from shorty.bio.themes import THEMES
from shorty.bio.view import Button, Face, Image, Item
from shorty.redirect.bio_page import render_bio_page
from shorty.redirect.pages import COMMON_HEADERS, Page, Pixels
from tests.redirect.test_pages import HOSTILE, Reading, read_policy

FILM = "https://youtu.be/dQw4w9WgXcQ"
VASE = Image(address="/static/pictures/k.png", shows="A vase", width=4, height=3)
ITEMS = (
    Item(kind="header", text="Work"),
    Item(kind="link", button=Button(label="Shop", address="https://go.example/shop?bio=1")),
    Item(kind="text", text="Two\nlines"),
    Item(kind="image", image=VASE),
    Item(kind="image", image=Image(address="https://pics.example/a;b,c.png?d=?e#f", shows="")),
    Item(kind="embed", text="A film", address=FILM, embed=find_embed(FILM)),
)


def make_face(**only_what_matters: Any) -> Face:
    plain: dict[str, Any] = {
        "title": "Ann",
        "description": "Ceramics",
        "avatar": "/static/pictures/a.png",
        "initial": "",
        "picture": "https://go.example/static/pictures/a.png",
        "theme": "paper",
        "colors": Colors(),
        "socials": (Social(network="github", url="https://github.com/ann"),),
        "button": Button(label="My site", address="/ann?bio=go", leads_to="https://ann.example/"),
        "items": ITEMS,
        "short_url": "https://go.example/ann",
        "qr_path": "/qr/ann.svg",
    }
    return Face(**(plain | only_what_matters))


def render(face: Face, **options: Any) -> Page:
    return render_bio_page(face, options.pop("pixels", Pixels()), **options)


@pytest.mark.parametrize("theme", THEMES)
def test_each_theme_makes_a_whole_page_of_its_own_look(theme: Theme) -> None:
    page = render(make_face(theme=theme))
    reading = Reading(page)
    assert page.status == 200
    assert page.headers[: len(COMMON_HEADERS)] == list(COMMON_HEADERS)
    assert page.body.startswith("<!doctype html>")
    assert len(page.body.encode()) < 12_000
    assert reading.find("body") == [{"class": theme}]
    tags = Counter(tag for tag, _ in reading.elements)
    assert all(tags[tag] == 1 for tag in ("header", "main", "footer", "nav", "h1", "style"))
    assert not tags["script"]
    style = reading.read("style")
    assert style.count("--ground:") == 2
    others = {render(make_face(theme=other)).body for other in THEMES if other != theme}
    assert style not in others


@pytest.mark.parametrize("theme", THEMES)
def test_each_colour_that_a_theme_uses_has_a_value(theme: Theme) -> None:
    style = Reading(render(make_face(theme=theme))).read("style")
    used = set(re.findall(r"var\((--[^,)]+)", style))
    assert used
    assert used <= set(re.findall(r"(--[a-z-]+):", style))


def test_colours_of_its_own_hold_in_light_and_dark() -> None:
    page = render(make_face(colors=Colors(background="#0f766e")))
    style = Reading(page).read("style")
    assert "--ground: #0f766e;" in style
    assert "prefers-color-scheme" not in style
    (meta,) = [each for each in Reading(page).find("meta") if each.get("name") == "theme-color"]
    assert meta == {"name": "theme-color", "content": "#0f766e"}


def test_the_policy_allows_exactly_what_the_page_has() -> None:
    plain_image = Image(address="https://pics.example/plain.png", shows="")
    items = (*ITEMS, Item(kind="image", image=plain_image))
    policy = read_policy(render(make_face(items=items)))
    pictures = ["https://pics.example/a%3Bb%2Cc.png", "https://pics.example/plain.png"]
    assert policy["img-src"] == ["'self'", "data:", *pictures]
    assert policy["frame-src"] == ["https://www.youtube-nocookie.com"]
    assert policy["default-src"] == policy["form-action"] == policy["base-uri"] == ["'none'"]
    assert "script-src" not in policy
    assert "connect-src" not in policy
    plain = read_policy(render(make_face(items=())))
    assert plain["img-src"] == ["'self'", "data:"]
    assert "frame-src" not in plain


def test_pixels_fire_and_the_policy_lets_them() -> None:
    page = render(make_face(), pixels=Pixels(meta="1234567890", google="G-ABC123"))
    assert Reading(page).find("script") == [{"data-meta": "1234567890", "data-google": "G-ABC123"}]
    policy = read_policy(page)
    assert "https://pics.example/a%3Bb%2Cc.png" in policy["img-src"]
    assert "https://www.facebook.com" in policy["img-src"]
    assert "https://connect.facebook.net" in policy["script-src"]


def test_who_opted_out_meets_no_player() -> None:
    page = render(make_face(), is_opted_out=True)
    reading = Reading(page)
    assert not reading.find("iframe")
    assert "frame-src" not in read_policy(page)
    assert FILM in [link["href"] for link in reading.find("a")]
    assert "A film on YouTube" in reading.read("span")


def test_buttons_come_in_order_and_the_destinations_first() -> None:
    reading = Reading(render(make_face()))
    buttons = [link for link in reading.find("a") if link.get("class", "").startswith("button")]
    assert [button["href"] for button in buttons] == [
        "/ann?bio=go",
        "https://go.example/shop?bio=1",
    ]
    assert buttons[0]["title"] == "https://ann.example/"
    without = Reading(render(make_face(button=None)))
    assert "/ann?bio=go" not in [link["href"] for link in without.find("a")]


def test_icons_and_pictures_are_told_to_those_who_do_not_see_them() -> None:
    reading = Reading(render(make_face()))
    (social,) = [link for link in reading.find("a") if link.get("rel") == "me"]
    assert social["aria-label"] == social["title"] == "GitHub"
    assert reading.find("svg") == [{"viewbox": "0 0 24 24", "aria-hidden": "true"}]
    assert reading.find("path") == [{"d": ICONS["github"].path}]
    assert all("alt" in image for image in reading.find("img"))
    shown = [image["alt"] for image in reading.find("img")]
    assert shown == ["", "A vase", "", "QR code of https://go.example/ann"]
    assert reading.find("iframe")[0]["title"] == "A film"
    assert all(image["loading"] == "lazy" for image in reading.find("img")[1:])


def test_a_page_without_a_picture_shows_its_first_letter_or_nothing() -> None:
    assert (
        '<span class="avatar" dir="auto" aria-hidden="true">A</span>'
        in render(make_face(avatar="", initial="A")).body
    )
    assert 'class="avatar' not in render(make_face(avatar="")).body


def test_the_page_can_be_shared() -> None:
    meta = Reading(render(make_face())).read_meta()
    expected = {
        "og:type": "website",
        "og:url": "https://go.example/ann",
        "og:title": "Ann",
        "og:description": "Ceramics",
        "og:image": "https://go.example/static/pictures/a.png",
        "twitter:card": "summary",
        "twitter:title": "Ann",
        "twitter:description": "Ceramics",
        "twitter:image": "https://go.example/static/pictures/a.png",
        "description": "Ceramics",
    }
    assert expected.items() <= meta.items()


def test_a_bad_page_can_be_reported_where_there_is_a_place() -> None:
    assert 'href="/report"' in render(make_face(), is_reportable=True).body
    assert "/report" not in render(make_face()).body


@given(text=HOSTILE, address=st.sampled_from(['https://a.example/"><b>', "https://a.example/?'"]))
def test_nothing_that_a_page_says_can_leave_its_place(text: str, address: str) -> None:
    items = tuple(
        msgspec.structs.replace(
            item,
            text=text if item.kind in {"header", "text", "embed"} else "",
            button=item.button and Button(label=text, address=address, icon="/i.png"),
            image=item.image and msgspec.structs.replace(item.image, shows=text),
        )
        for item in ITEMS
    )
    face = make_face(
        title=text,
        description=text,
        picture=address,
        items=items,
        socials=(Social(network="x", url=address),),
        button=Button(label=text, address=address, leads_to=address),
    )
    page, expected = render(face), render(make_face())
    icon = [("img", 1)]  # of the button
    found, wanted = (Counter(tag for tag, _ in Reading(each).elements) for each in (page, expected))
    assert found == wanted + Counter(dict(icon))
    assert page.headers == expected.headers
