"""Owns the country codes that conditions may name: ISO 3166-1 by continent, and the European Union.

Which continent a country is counted to is as geonames.org has it. `XK` is what the databases of
places call Kosovo.
"""

from itertools import chain
from typing import Final

EUROPEAN_UNION: Final = "EU"
"""As a value it means the member states; the continent is `continent:EU`."""
CONTINENT: Final = "continent:"


def _split(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


MEMBER_STATES: Final = _split(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
)
CONTINENTS: Final[dict[str, frozenset[str]]] = {
    "AF": _split(
        "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA "
        "MG ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW"
    ),
    "AN": _split("AQ BV GS HM TF"),
    "AS": _split(
        "AE AF AM AZ BD BH BN BT CC CN GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK "
        "MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE"
    ),
    "EU": _split(
        "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE "
        "LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK"
    ),
    "NA": _split(
        "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX "
        "NI PA PM PR SV SX TC TT US VC VG VI"
    ),
    "OC": _split(
        "AS AU CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS"
    ),
    "SA": _split("AR BO BR CL CO EC FK GF GY PE PY SR UY VE"),
}
COUNTRIES: Final = frozenset(chain.from_iterable(CONTINENTS.values()))


def list_countries(value: str) -> frozenset[str]:
    """The countries that a value of a condition means, as `read_country` has returned it."""
    if value == EUROPEAN_UNION:
        return MEMBER_STATES
    if value.startswith(CONTINENT):
        return CONTINENTS[value.removeprefix(CONTINENT)]
    return frozenset({value})


def read_country(text: str) -> str:
    """A value of a condition in its one spelling. Raises ValueError with the fault."""
    code = text.strip().upper()
    if code.startswith(CONTINENT.upper()):
        return _read_continent(code[len(CONTINENT) :])
    if code in COUNTRIES or code == EUROPEAN_UNION:
        return code
    if code in {"XX", "T1"}:
        raise ValueError("means an unknown country, which no condition on countries fits")
    if code == "UK":
        raise ValueError("is not a country code; did you mean GB?")
    raise ValueError(
        "must be a country code such as DE, EU for the European Union, or a continent such as "
        "continent:AF"
    )


def _read_continent(code: str) -> str:
    if code not in CONTINENTS:
        raise ValueError(f"must be one of {', '.join(f'{CONTINENT}{each}' for each in CONTINENTS)}")
    return f"{CONTINENT}{code}"
