"""The links of a small coffee roaster, as its shortener would have them."""

from typing import Final

import msgspec

from shorty.bio.model import NewBlock, PageChange, Social
from shorty.links.model import QrSettings
from shorty.links.rules import Condition, Rule, Rules, Variant

WORKSPACE: Final = "Harbour Roasters"
OWNER: Final = ("Mara Lindqvist", "mara@harbour.example")
HOST: Final = "go.harbour.example"
SITE: Final = "https://www.harbour.example"
TAGS: Final = {
    "Newsletter": "#4477aa",
    "Social": "#aa3377",
    "Print": "#228833",
    "Wholesale": "#ee7733",
    "Events": "#009988",
}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A link: created `made` days ago, opened about `daily` times a day, `scans` % by camera."""

    slug: str
    path: str
    title: str
    made: int
    daily: float
    tags: tuple[str, ...] = ()
    medium: str = ""
    campaign: str = ""
    scans: int = 0
    fades: bool = False  # opened when it was sent, and rarely afterwards
    is_active: bool = True
    ends_in: int | None = None  # days
    max_clicks: int | None = None
    password: str | None = None
    rules: Rules = ()


CODE: Final = QrSettings(
    pattern="rounded", corner="extra-rounded", color="#12343b", error_correction="H"
)

RULES: Final = (
    Rule(
        id="breakfast",
        name="Until the oven is off",
        url=f"{SITE}/menu/breakfast",
        conditions=(
            Condition(
                type="time",
                days=(1, 2, 3, 4, 5),
                from_="07:00",
                to="11:00",
                timezone="Europe/Stockholm",
            ),
        ),
    ),
    Rule(
        id="guests",
        url=f"{SITE}/de/karte",
        conditions=(
            Condition(type="language", values=("de",)),
            Condition(type="device", values=("mobile", "tablet")),
        ),
    ),
    Rule(
        id="board",
        name="Which menu sells the filter coffee?",
        variants=(
            Variant(key="list", url=f"{SITE}/menu", weight=60),
            Variant(key="photos", url=f"{SITE}/menu/photos", weight=40),
        ),
        sticky=True,
        conditions=(Condition(type="query", key="qr"),),
    ),
)
# Which rules win visits of the link that has them, per hundred.
WINNERS: Final = {
    ("breakfast", ""): 24, ("guests", ""): 9, ("board", "list"): 31, ("board", "photos"): 21,
    ("", ""): 15,
}  # fmt: skip

LINKS: Final = (
    Entry(slug="menu", path="/menu", title="What we pour today", made=118, daily=46,
          tags=("Print",), scans=78, rules=RULES),
    Entry(slug="shop", path="/shop", title="Harbour Roasters: the shop", made=117, daily=31,
          tags=("Social",), medium="social", campaign="always-on"),
    Entry(slug="autumn", path="/shop/autumn-blend", title="Autumn blend: plum, cocoa, cedar",
          made=64, daily=24, tags=("Newsletter", "Social"), medium="email",
          campaign="autumn-blend"),
    Entry(slug="letter-31", path="/letters/31", title="Letter 31: a harvest in Huila", made=21,
          daily=60, tags=("Newsletter",), medium="email", campaign="letter-31", fades=True),
    Entry(slug="letter-30", path="/letters/30", title="Letter 30: new grinders, old habits",
          made=49, daily=52, tags=("Newsletter",), medium="email", campaign="letter-30",
          fades=True),
    Entry(slug="brew", path="/guides/pour-over", title="Pour-over at home, step by step",
          made=110, daily=15, tags=("Print",), scans=55),
    Entry(slug="tasting", path="/events/saturday-tasting", title="Saturday tasting: context a seat",
          made=38, daily=11, tags=("Events", "Social"), medium="social", campaign="tastings"),
    Entry(slug="wholesale", path="/wholesale/prices.pdf", title="Wholesale price list, autumn",
          made=86, daily=4, tags=("Wholesale",), password="huila"),
    Entry(slug="jobs", path="/jobs/barista", title="We are looking for a barista", made=30,
          daily=7, tags=("Social",)),
    Entry(slug="map", path="/find-us", title="Two cafés, one roastery: where we are", made=115,
          daily=9, tags=("Print",), scans=66),
    Entry(slug="gift", path="/shop/gift-cards", title="Gift cards", made=12, daily=13,
          tags=("Newsletter",), medium="email", campaign="winter"),
    Entry(slug="decaf", path="/shop/swiss-water-decaf", title="Decaf that we drink ourselves",
          made=72, daily=6, tags=("Social",), medium="social", campaign="decaf"),
    Entry(slug="first-50", path="/shop/first-crack-club?code=EARLY", made=25, daily=9,
          title="First Crack Club: the first fifty", tags=("Newsletter",), max_clicks=400,
          medium="email", campaign="club", fades=True),
    Entry(slug="market", path="/events/christmas-market", title="Our stall at the quay market",
          made=6, daily=17, tags=("Events",), ends_in=29),
    Entry(slug="repair", path="/guides/grinder-care", title="Clean your grinder in ten minutes",
          made=95, daily=5),
    Entry(slug="farm", path="/journal/finca-el-mirador", title="A week at Finca El Mirador",
          made=55, daily=8, tags=("Newsletter", "Social"), medium="email", campaign="letter-30"),
    Entry(slug="samples", path="/wholesale/samples", title="Samples for cafés", made=44, daily=3,
          tags=("Wholesale",)),
    Entry(slug="summer", path="/shop/cold-brew-kit", title="Cold brew kit", made=116, daily=14,
          tags=("Social",), medium="social", campaign="summer", fades=True, is_active=False),
    Entry(slug="review", path="/review", title="Tell us how it was", made=80, daily=4,
          tags=("Print",), scans=90),
    Entry(slug="café", path="/cafe/bookings", title="Book the back room", made=18, daily=2,
          tags=("Events",)),
    Entry(slug="press", path="/press/kit.zip", title="Logos and pictures for the press", made=101,
          daily=1),
)  # fmt: skip

# One of each kind, where showing all would only take longer.
KINDS: Final = tuple(
    each
    for each in LINKS
    if each.slug
    in {
        *("menu", "shop", "autumn", "brew", "wholesale", "first-50"),
        *("market", "summer", "café", "press"),
    }
)

BIO_PAGE_MADE: Final = 108  # days ago
BIO_PAGE: Final = PageChange(
    title=WORKSPACE,
    description="Coffee by the water since 2014. Two cafés, one roastery, no syrup.",
    button_label="Our website",
    theme="meadow",
    socials=(
        Social(network="instagram", url="https://instagram.com/harbour.example"),
        Social(network="email", url="hello@harbour.example"),
    ),
)
# A slug stands for a button that leads to that link.
BIO_BLOCKS: Final[tuple[str | NewBlock, ...]] = (
    "shop",
    "menu",
    NewBlock(kind="header", text="This season"),
    "autumn",
    "market",
    NewBlock(kind="text", text="Open every day from seven. Bring a context."),
)

# Per hundred clicks; a scan has no referrer.
COUNTRIES: Final = {
    "SE": 46, "DK": 14, "DE": 12, "NO": 8, "GB": 6, "US": 5, "NL": 3, "FI": 3, "FR": 2, "JP": 1,
}  # fmt: skip
REFERRERS: Final = {
    None: 34, "instagram.com": 22, "google.com": 14, "mail.google.com": 9, "facebook.com": 6,
    "harbour.example": 5, "duckduckgo.com": 4, "reddit.com": 3, "bsky.app": 2, "fika.example": 1,
}  # fmt: skip
PROGRAMS: Final = {
    ("Safari", "iOS", "mobile"): 38, ("Chrome", "Android", "mobile"): 24,
    ("Chrome", "Windows", "desktop"): 14, ("Safari", "macOS", "desktop"): 9,
    ("Firefox", "Windows", "desktop"): 5, ("Edge", "Windows", "desktop"): 4,
    ("Firefox", "Linux", "desktop"): 2, ("Safari", "iOS", "tablet"): 4,
}  # fmt: skip
HOURS: Final = (1, 1, 1, 1, 1, 2, 5, 9, 11, 10, 9, 9, 11, 10, 8, 8, 9, 10, 9, 8, 8, 7, 4, 2)
"""The relative activity of each hour of a day."""
