"""Takes the manual's screenshots of bio pages with Chromium: `python -m tests.pictures [FOLDER]`.

With a folder, takes every theme in light and dark, on a phone and a desktop, for inspection.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

from shorty.bio.embeds import find_embed
from shorty.bio.model import Colors, Network, Social, Theme
from shorty.bio.themes import THEMES, Scheme
from shorty.bio.view import Button, Face, Item
from shorty.bio.view import Image as Picture
from shorty.redirect.bio_page import render_bio_page
from shorty.redirect.decide import Outcome
from shorty.redirect.pages import Page, Pixels, render_details, render_outcome
from tests.redirect.factory import make_link

MANUAL: Final = Path(__file__).parents[1] / "shorty" / "manual" / "pictures"
REPORT: Final = MANUAL / "report.png"
PHONE: Final = (360, 720)
DESK: Final = (1100, 820)
NETWORKS: Final[tuple[Network, ...]] = ("instagram", "bluesky", "youtube", "email")
COLOURS_KEPT: Final = 96


def make_face(theme: Theme, colors: Colors | None = None, *, is_long: bool = False) -> Face:
    labels = ["The shop", "Workshops this spring", "How it is made"]
    items = [Item(kind="link", button=Button(label=label, address="#")) for label in labels]
    items.insert(1, Item(kind="header", text="Learn and watch"))
    items.append(Item(kind="text", text="The studio is open on Saturdays, ten to four."))
    networks = NETWORKS
    if is_long:
        items += list_other_items()
        networks = (*NETWORKS, "github", "mastodon", "x", "rss", "whatsapp", "tiktok", "linkedin")
    return Face(
        title="Ann Example",
        description="Ceramics from the coast,\nthrown and fired by hand",
        avatar=draw_avatar(),
        initial="A",
        picture="",
        theme=theme,
        colors=colors or Colors(),
        socials=tuple(Social(network=network, url="#") for network in networks),
        button=Button(label="Visit my site", address="#"),
        items=tuple(items),
        short_url="https://go.example.com/ann",
        qr_path="#",
    )


def list_other_items() -> Iterator[Item]:
    yield Item(kind="image", image=Picture(address=draw_avatar(), shows="", width=400, height=400))
    film = "https://youtu.be/dQw4w9WgXcQ"
    yield Item(kind="embed", text="A film", address=film, embed=find_embed(film))
    yield Item(kind="link", button=Button(label="A long label " * 6, address="#"))


def draw_avatar() -> str:
    """A vase at sunset, as a data: URL."""
    picture = Image.new("RGB", (192, 192), "#e9b28a")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((52, 20, 172, 140), fill="#f7d9a8")
    draw.rectangle((0, 150, 192, 192), fill="#6d4b57")
    draw.ellipse((56, 76, 136, 172), fill="#2f5d62")
    draw.rectangle((82, 52, 110, 92), fill="#2f5d62")
    draw.ellipse((76, 46, 116, 60), fill="#21454a")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"


def list_reportable() -> Iterator[Page]:
    link = make_link(title="Summer sale", created_at=1_795_348_800_000)
    destination = "https://example.com/summer-sale?utm_source=newsletter"
    yield render_details(link, destination, "https://go.example.com/sale", is_reportable=True)
    yield render_outcome(Outcome.EXPIRED, "", is_reportable=True)


def take(face: Face, scheme: Scheme, size: tuple[int, int]) -> Image.Image:
    return take_page(render_bio_page(face, Pixels(), is_opted_out=True), scheme, size)


def take_page(answer: Page, scheme: Scheme, size: tuple[int, int]) -> Image.Image:
    """The page in a browser with that colour scheme."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Chromium is needed: apt install chromium, or the like.")
    with tempfile.TemporaryDirectory() as folder:
        page, shot, frame = (Path(folder, name) for name in ("page.html", "shot.png", "f.html"))
        page.write_text(answer.body, "utf-8")
        # Headless windows are at least 500 pixels wide, but a frame can be narrower.
        frame.write_text(
            f'<meta name="color-scheme" content="{scheme}"><style>body{{margin:0}}</style>'
            f'<iframe src="page.html" width="{size[0]}" height="{size[1]}" '
            f'style="border:0;color-scheme:{scheme}"></iframe>',
            "utf-8",
        )
        dark = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]
        subprocess.run(
            [
                *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(dark if scheme == "dark" else ["--blink-settings=preferredColorScheme=1"]),
                f"--window-size={max(size[0], 500)},{size[1]}",
                f"--screenshot={shot}",
                frame.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        picture = Image.open(shot).convert("RGB")
    return picture.crop((0, 0, *size))


def save(picture: Image.Image, path: Path) -> None:
    picture.quantize(COLOURS_KEPT).save(path, optimize=True)
    print(path, path.stat().st_size)  # noqa: T201


def join(pictures: list[Image.Image], gap: int = 12) -> Image.Image:
    width = sum(picture.width for picture in pictures) + gap * (len(pictures) - 1)
    joined = Image.new("RGB", (width, pictures[0].height), "#fff")
    left = 0
    for picture in pictures:
        joined.paste(picture, (left, 0))
        left += picture.width + gap
    return joined


def take_manual() -> None:
    save(join([take_page(page, "light", (400, 460)) for page in list_reportable()]), REPORT)
    for scheme in ("light", "dark"):
        shots = [take(make_face(theme), scheme, PHONE) for theme in THEMES]
        small = [shot.resize((shot.width // 2, shot.height // 2), 1) for shot in shots]
        save(join(small), MANUAL / f"bio-themes-{scheme}.png")


def take_all(folder: Path) -> None:
    own = Colors(background="#0f766e", button="#fef3c7")
    faces = {theme: make_face(theme, is_long=True) for theme in THEMES}
    for scheme in ("light", "dark"):
        for name, face in {**faces, "own": make_face("meadow", own, is_long=True)}.items():
            take(face, scheme, (360, 1500)).save(folder / f"{name}-{scheme}-phone.png")
            take(face, scheme, DESK).save(folder / f"{name}-{scheme}-desk.png")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        take_all(Path(sys.argv[1]))
    else:
        take_manual()
