"""What the styles of all pages take for different screens; tests/browser looks at some of them."""

import re
from pathlib import Path
from typing import Final

import shorty

STYLES: Final = [*Path(shorty.__file__).parent.rglob("*.css")]
LIMIT: Final = re.compile(r"(width|height)\s*:\s*([\d.]+)(rem|px)")
PX: Final = {"rem": 16, "px": 1}
QUERY: Final = re.compile(r"@media([^{]*)\{")
# Like `SMALL_PHONE` and `PHONE` of tests/browser/looking.py.
PHONES: Final = {"width": (320, 375), "height": (640, 740)}


def test_no_style_tells_one_phone_from_the_other() -> None:
    queries = [query for file in STYLES for query in QUERY.findall(file.read_text("utf-8"))]
    limits = {
        (side, float(number) * PX[unit])
        for query in queries
        for side, number, unit in LIMIT.findall(query)
    }
    assert ("width", 34 * 16) in limits  # the phones' own
    between = [(side, px) for side, px in limits if PHONES[side][0] <= px <= PHONES[side][1]]
    assert between == []
