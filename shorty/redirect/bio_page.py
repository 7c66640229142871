"""Renders a bio page: its theme, and a policy that allows exactly what stands on it."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from shorty.bio.model import Colors, Theme
from shorty.bio.socials import ICONS
from shorty.bio.themes import Palette, list_palettes
from shorty.bio.view import Face
from shorty.redirect.pages import (
    PIXEL_CONNECTIONS,
    PIXEL_IMAGES,
    PIXEL_SCRIPTS,
    Page,
    Pixels,
    read_template,
    render_template,
)

STYLES_KEPT: Final = 256
ICON_FOLDER: Final = "/static/icons/"


def render_bio_page(
    face: Face, pixels: Pixels, *, is_opted_out: bool = False, is_reportable: bool = False
) -> Page:
    """Who opted out gets links in place of players: nothing of others is loaded but images.

    `is_reportable`: `/report` leads somewhere.
    """
    style = write_style(face.theme, face.colors)
    return render_template(
        200,
        "bio.html",
        "; ".join(_list_sources(face, pixels, is_opted_out=is_opted_out)),
        style=style,
        page_style=Markup(style),  # noqa: S704 - our own files and checked colours
        face=face,
        icons=ICONS,
        is_icon=face.avatar.startswith(ICON_FOLDER),
        palettes=list_palettes(face.theme, face.colors),
        pixels=pixels,
        is_opted_out=is_opted_out,
        is_reportable=is_reportable,
    )


@lru_cache(maxsize=STYLES_KEPT)
def write_style(theme: Theme, colors: Colors) -> str:
    first, *others = list_palettes(theme, colors)
    schemes = " ".join([first.scheme, *(palette.scheme for palette in others)])
    rules = [f":root {{ color-scheme: {schemes}; {_write_palette(first)} }}"]
    for palette in others:
        inside = f":root {{ {_write_palette(palette)} }}"
        rules.append(f"@media (prefers-color-scheme: {palette.scheme}) {{ {inside} }}")
    return "\n".join([*rules, read_template("bio.css"), read_template(f"bio-{theme}.css")])


def _write_palette(palette: Palette) -> str:
    return " ".join(
        f"--{name.replace('_', '-')}: {getattr(palette, name)};"
        for name in Palette.__struct_fields__
        if name != "scheme"
    )


def _list_sources(face: Face, pixels: Pixels, *, is_opted_out: bool) -> Iterator[str]:
    images = ["'self'", "data:", *dict.fromkeys(_list_images(face))]
    if any(pixels):
        yield f"img-src {' '.join([*images, PIXEL_IMAGES])}; {PIXEL_SCRIPTS}; {PIXEL_CONNECTIONS}"
    else:
        yield f"img-src {' '.join(images)}"
    frames = dict.fromkeys(f"https://{item.embed.host}" for item in face.items if item.embed)
    if frames and not is_opted_out:
        yield f"frame-src {' '.join(frames)}"


def _list_images(face: Face) -> Iterator[str]:
    """Those on other servers, each by its own address: a policy knows no queries."""
    for item in face.items:
        if item.image and not item.image.address.startswith("/"):
            address = item.image.address.partition("#")[0].partition("?")[0]
            yield address.replace(";", "%3B").replace(",", "%2C")
