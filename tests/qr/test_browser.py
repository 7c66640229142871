"""A browser's rendering of the SVG is readable, for every pattern with every corner and a logo."""

import subprocess
from itertools import product
from pathlib import Path

import pytest
import zxingcpp

from shorty.links.model import QrSettings
from shorty.qr.design import FRAMES, PRESETS, decide_design, override
from shorty.qr.drawing import draw_svg
from shorty.qr.shapes import CORNERS, PATTERNS
from tests.browser.chromium import FLAGS, find_chromium
from tests.qr.reading import QR_CODES, make_logo, open_image

CHROMIUM = find_chromium()
SIZE = 240
COLUMNS = 8
LOOKS = (
    *(QrSettings(pattern=pattern, corner=corner) for pattern, corner in product(PATTERNS, CORNERS)),
    *(QrSettings(preset=preset, pattern=None) for preset in PRESETS),
    *(QrSettings(frame=frame, text="Scan me") for frame in FRAMES),
    QrSettings(bg_color="transparent", color="#7e22ce"),
)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("has_logo", [False, True])
def test_every_look_is_read_from_a_browsers_window(tmp_path: Path, *, has_logo: bool) -> None:
    logo = make_logo() if has_logo else None
    drawn = {
        f"https://a.example/{number}?qr=1": override(look, QrSettings(size=SIZE))
        for number, look in enumerate(LOOKS)
    }
    files: list[str] = []
    for number, (address, look) in enumerate(drawn.items()):
        svg = draw_svg(decide_design(look), address, logo)
        (tmp_path / f"{number}.svg").write_text(svg, encoding="utf-8")
        files.append(f"<img src='{number}.svg'>")
    picture = show(tmp_path, "".join(files))
    found = zxingcpp.read_barcodes(open_image(picture), formats=QR_CODES, try_invert=True)
    assert {code.text for code in found} == set(drawn)


def show(folder: Path, body: str) -> bytes:
    """A screenshot of the window."""
    width, height = COLUMNS * (SIZE + 16), -(-len(LOOKS) // COLUMNS) * (SIZE + 90)
    page, picture = folder / "page.html", folder / "window.png"
    style = "body{margin:0;background:#fff}img{margin:8px;vertical-align:top}"
    page.write_text(f"<!doctype html><style>{style}</style>{body}", encoding="utf-8")
    subprocess.run(
        [
            *(str(CHROMIUM), "--headless", *FLAGS, "--hide-scrollbars"),
            *(f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}"),
            *(f"--screenshot={picture}", page.as_uri()),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return picture.read_bytes()
