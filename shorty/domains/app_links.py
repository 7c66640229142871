"""Owns the two JSON files by which a domain names the apps that may open its links."""

from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from shorty.errors import StartError
from shorty.storage.database import Reader, Row, Transaction

MOST_BYTES: Final = 128 * 1024
"""Of each file as it is served; Apple reads no more."""
APPLE_PATH: Final = "/.well-known/apple-app-site-association"
ANDROID_PATH: Final = "/.well-known/assetlinks.json"

AppLinksField = Literal["apple_app_site_association", "asset_links"]
FIELDS: Final[tuple[AppLinksField, ...]] = ("apple_app_site_association", "asset_links")

# What a file holds at its outermost, by Apple's and Google's documentation.
_SHAPES: Final[dict[AppLinksField, tuple[Any, str]]] = {
    "apple_app_site_association": (dict[str, Any], "a JSON object"),
    "asset_links": (list[dict[str, Any]], "a JSON list of objects"),
}


class AppLinks(msgspec.Struct, frozen=True, kw_only=True):
    """JSON without spaces between its parts; empty where there is no such file."""

    apple_app_site_association: str = ""
    asset_links: str = ""


def read_app_links(
    given: dict[AppLinksField, str | None | UnsetType], before: AppLinks, faults: dict[str, str]
) -> AppLinks:
    """What is given in place of what was; None and empty text remove. Notes what is wrong."""
    read: dict[str, str] = {}
    for field, text in given.items():
        if text is UNSET:
            continue
        try:
            read[field] = _read_json(field, text or "")
        except ValueError as error:
            faults[field] = str(error)
    return msgspec.structs.replace(before, **read)


def read_app_links_files(apple: str, android: str) -> AppLinks:
    """From files that the configuration names. Raises StartError where one cannot be."""
    read: dict[str, str] = {}
    for field, path in zip(FIELDS, (apple, android), strict=True):
        if not path:
            continue
        try:
            read[field] = _read_json(field, Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise StartError(f"{path} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise StartError(f"{path} is not text in UTF-8.") from error
        except ValueError as error:
            raise StartError(f"{path} {error}.") from error
    return AppLinks(**read)


def find_app_links(rows: Reader, domain_id: int) -> AppLinks:
    return _read(rows.find_one("select * from domain_app_links where domain_id = $1", domain_id))


def store_app_links(tx: Transaction, domain_id: int, links: AppLinks) -> None:
    if links == AppLinks():
        tx.execute("delete from domain_app_links where domain_id = $1", domain_id)
        return
    tx.execute(
        """
        insert into domain_app_links (domain_id, apple_app_site_association, asset_links)
        values ($1, $2, $3)
        on conflict (domain_id) do update set
          apple_app_site_association = excluded.apple_app_site_association,
          asset_links = excluded.asset_links
        """,
        domain_id,
        links.apple_app_site_association,
        links.asset_links,
    )


def _read(row: Row | None) -> AppLinks:
    return AppLinks() if row is None else AppLinks(**{name: row[name] for name in FIELDS})


def _read_json(field: AppLinksField, text: str) -> str:
    """In the form in which it is served. Raises ValueError with what is wrong."""
    text = text.removeprefix("\ufeff").strip()
    if not text:
        return ""
    shape, name = _SHAPES[field]
    try:
        msgspec.json.decode(text, type=shape)
        served = msgspec.json.format(text, indent=-1)
    except msgspec.ValidationError:
        raise ValueError(f"must be {name}") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"is not valid JSON ({error})") from None
    except UnicodeError:
        raise ValueError("is not text in UTF-8") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if len(served.encode()) > MOST_BYTES:
        raise ValueError(f"may be at most {MOST_BYTES // 1024} kB of JSON")
    return served
