"""The words by which other products say that a link is closed, in tables and JSON alike.

Names are those of columns and fields, folded by `tables.fold_column`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, cast

from shorty.transfer.nothing import is_unset
from shorty.transfer.remarks import Notes, Reason

YES: Final = frozenset({"true", "yes", "1", "y", "on", "t", "active", "enabled"})
_PLAIN_NO: Final = frozenset({"false", "no", "0", "n", "off", "f"})
NO: Final = _PLAIN_NO | {"inactive", "disabled", "archived"}
_NOT_SET: Final = re.compile(rf"{'|'.join(_PLAIN_NO)}|(?:un|not? ?)[a-z]{{4,}}", re.IGNORECASE)
# How a redirect answers is no state.
REDIRECTS: Final = re.compile(r"(?:permanent|temporary|http)?30[12378](?:[^\d].*)?")

_WORDS: Final[Mapping[Reason, str]] = {
    "banned": "banned abuse abusive spam malware malicious phishing unsafe dangerous flagged scam",
    "blocked": (
        "blocked blacklisted blocklisted denied rejected forbidden quarantined locked frozen"
        " revoked reported restricted moderated 403 451"
    ),
    "disabled": (
        "disabled inactive deactivated off stopped closed no false 0 n f notactive switchedoff"
        " turnedoff offline unavailable down dead invalid cancelled canceled terminated retired"
        " failed error suspended"
    ),
    "paused": "paused onhold hold halted",
    "archived": "archived archive",
    "draft": "draft pending unpublished inreview review pendingreview awaitingapproval unapproved",
    "deleted": "deleted removed trash trashed intrash gone notfound withdrawn 404 410",
    "private": "private hidden internal membersonly",
    "expired": "expired ended outdated finished over",
    "used up": "usedup used exhausted limitreached limitexceeded depleted maxedout",
    "password": "protected passwordprotected locked_by_password",
    "start": "scheduled notstarted upcoming future planned",
}
CLOSED_WORDS: Final[Mapping[str, Reason]] = {
    word: reason for reason, words in _WORDS.items() for word in words.split()
}
OPEN_WORDS: Final = frozenset(
    {
        *YES,
        *("open", "live", "public", "published", "publish", "ok", "okay", "valid", "running"),
        *("approved", "new", "created", "verified", "working", "online", "available", "up"),
        *("safe", "clean", "normal", "default", "success", "successful", "ready", "alive", "200"),
        *("unlocked", "unblocked", "unarchived", "unrestricted", "notexpired", "healthy"),
        *("completed", "complete", "done", "accessible", "permanent", "temporary", "unlisted"),
    }
)

# Fields that close a link where they are set, by their stem: `banned`, `is_banned`, `banned_at` …
_STEMS: Final[Mapping[Reason, str]] = {
    "banned": "banned ban spam malware malicious phishing flagged unsafe abuse abusive",
    "blocked": (
        "blocked block blacklisted blocklisted denied rejected forbidden quarantined locked"
        " frozen revoked restricted"
    ),
    "disabled": "disabled disable inactive deactivated stopped closed suspended offline dead off",
    "paused": "paused pause onhold",
    "archived": "archived archive",
    "draft": "draft unpublished pending",
    "deleted": "deleted removed trashed",
    "private": "private hidden membersonly",
    "used up": "exhausted usedup limitreached",
    "password": "protected passwordprotected secured",
}
_EXACT: Final[Mapping[Reason, str]] = {
    "expired": "expired isexpired hasexpired",
    "private": "loginrequired requireslogin requirelogin authrequired requiresauth",
    "password": (
        "haspassword hassecret issecret secret secretkey passwordset passwordhash hashedpassword"
        " requirespassword requirepassword passwordrequired passwordenabled usepassword"
        " ispasswordset passworddigest encryptedpassword"
    ),
    "rules": (
        "redirectrules hasredirectrules rules rulesets hasrules conditions devicelongurls"
        " deeplinks deeplink geo geotargeting geotargets geourls countrytargeting devicetargeting"
        " targeting ios android iosurl androidurl iphoneurl ipadurl ioslink androidlink iostarget"
        " androidtarget testvariants variants rotation rotations rotators splits splittest"
        " spliturl splits abtest abtests abtesting blockedcountries allowedcountries"
        " countryblocklist countryallowlist allowedips blockedips ipallowlist ipwhitelist"
        " languagetargeting mobileurl desktopurl tableturl regex isregex wildcards dynamicredirect"
    ),
}
RULE_FIELDS: Final = frozenset(_EXACT["rules"].split())
"""What `targets` reads."""
_AROUND: Final = ("", "is", "was", "islink", "link", "has")
_BEHIND: Final = ("", "at", "on", "date", "time")
CLOSING_FIELDS: Final[Mapping[str, Reason]] = {
    **{
        f"{before}{stem}{behind}": reason
        for reason, stems in _STEMS.items()
        for stem in stems.split()
        for before in _AROUND
        for behind in _BEHIND
    },
    **{name: reason for reason, names in _EXACT.items() for name in names.split()},
}

_OPENING: Final[Mapping[Reason, str]] = {
    "disabled": "active enabled enable live online valid open working activated redirecting",
    "draft": "published approved",
    "private": "public",
}
OPENING_FIELDS: Final[Mapping[str, Reason]] = {
    f"{before}{stem}": reason
    for reason, stems in _OPENING.items()
    for stem in stems.split()
    for before in _AROUND
}
"""Fields that close a link where they say no."""

STATE_FIELDS: Final = (
    *("status", "state", "linkstatus", "linkstate", "urlstatus", "currentstatus"),
    *("visibility", "privacy"),
)
PASSWORD_FIELDS: Final = ("password", "linkpassword", "pass", "passwd", "pwd", "passphrase")
LIMIT_FIELDS: Final = (
    *("maxclicks", "clicklimit", "clickslimit", "maxvisits", "visitlimit", "visitslimit"),
    *("maxusages", "maxusage", "maxuses", "usagelimit", "uselimit", "maxhits", "hitlimit"),
    *("maxredirects", "redirectlimit", "maxclick", "maximumclicks", "maximumvisits", "maxviews"),
    *("viewlimit", "allowedclicks", "expireafterclicks", "expirationclicks", "clickslimitation"),
    *("limitclicks", "maxaccesses", "accesslimit", "maxaccess"),
)
REMAINING_FIELDS: Final = (
    *("remainingclicks", "clicksremaining", "clicksleft", "remainingvisits", "visitsleft"),
    *("remaininguses", "usesleft", "remainingusages", "usagesleft", "remaining"),
)
END_FIELDS: Final = (
    *("expiresat", "expires", "expirationdate", "expirydate", "expirein", "validuntil"),
    *("expiration", "expiry", "expireat", "expiredate", "expiretime", "expireson", "expiredat"),
    *("expirationtime", "expirationat", "expirytime", "expiryat", "expiresin", "validto"),
    *(
        "enddate",
        "endsat",
        "endat",
        "endson",
        "endtime",
        "ends",
        "end",
        "activeuntil",
        "availableuntil",
    ),
)
START_FIELDS: Final = (
    *("validsince", "validfrom", "startsat", "startat", "startson", "startdate", "starttime"),
    *("start", "starts", "activefrom", "activatesat", "activateat", "activationdate", "beginsat"),
    *("begindate", "availablefrom", "publishat", "publishdate", "scheduledat", "scheduledfor"),
    *("goliveat", "golive", "enabledfrom", "notbefore", "liveat", "visiblefrom", "validfromdate"),
)
EXPIRED_URL_FIELDS: Final = (
    *("expiredurl", "expiredredirect", "expiredredirecturl", "expirationurl", "expiryurl"),
    *("expiredlink", "expirationredirect", "expirydestination", "expireddestination"),
)
KNOWN_FIELDS: Final = frozenset(
    {
        *CLOSING_FIELDS,
        *EXPIRED_URL_FIELDS,
        *("splitpercent", "apple", "google"),
        *OPENING_FIELDS,
        *STATE_FIELDS,
        *PASSWORD_FIELDS,
        *LIMIT_FIELDS,
        *REMAINING_FIELDS,
        *START_FIELDS,
    }
)


def is_nothing(value: object) -> bool:
    """Whether a cell or value of JSON stands for no value."""
    if isinstance(value, list):
        return all(map(is_nothing, cast("list[object]", value)))
    if isinstance(value, dict):
        return all(map(is_nothing, cast("dict[str, object]", value).values()))
    return value is None or (isinstance(value, str) and is_unset(value))


def is_no(value: object) -> bool:
    """Whether a flag such as `banned` is not set. A word that is not known counts as set."""
    if is_nothing(value) or value == 0:  # False too
        return True
    return isinstance(value, str) and bool(_NOT_SET.fullmatch(value.strip()))


def judge_word(text: str) -> Reason | None:
    """Why a link in this state is closed; None if it is open. What is not known is closed."""
    word = fold_word(text)
    if word in OPEN_WORDS or REDIRECTS.fullmatch(word):
        return None
    return CLOSED_WORDS.get(word, "unknown state")


def fold_word(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def judge_states(
    cells: Mapping[str, object], notes: Notes, harmless: frozenset[str] = frozenset()
) -> None:
    """Notes each reason why a link with these fields is closed.

    `harmless` fields don't close a link of this product. A password or its flag, and rules, are
    read by `terms`.
    """
    for name, value in cells.items():
        if name in harmless or name in PASSWORD_FIELDS or is_nothing(value):
            continue
        reason = CLOSING_FIELDS.get(name)
        if reason is not None:
            if reason not in {"password", "rules"} and not is_no(value):
                notes.close(reason)
        elif name in OPENING_FIELDS:
            _judge_state(value, notes, OPENING_FIELDS[name])
        elif name in STATE_FIELDS:
            _judge_state(value, notes, "disabled")


def _judge_state(value: object, notes: Notes, reason: Reason) -> None:
    """`reason` is what a plain no means."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        word = "true" if value else "false"
    else:
        word = str(value).strip()
    found = judge_word(word)
    if found == "unknown state":
        notes.close(found, f"its state was {word[:40]!r}, which shorty does not know")
    elif found is not None:
        is_plain = word.casefold() in _PLAIN_NO
        message = None if is_plain or fold_word(word) == found else f"its state was {word[:40]!r}"
        notes.close(reason if is_plain else found, message)


def has_password_flag(cells: Mapping[str, object]) -> bool:
    """Whether a field says that a password was set, without giving it."""
    return any(
        CLOSING_FIELDS.get(name) == "password" and not is_no(value) for name, value in cells.items()
    )


def find_field(cells: Mapping[str, object], names: Iterable[str]) -> object:
    """The first of these fields that has a value."""
    return next((cells[name] for name in names if not is_nothing(cells.get(name))), None)
