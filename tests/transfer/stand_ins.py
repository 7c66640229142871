"""Servers on loopback that answer as other products' APIs do, page by page."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

KEY: Final = "k3y"
LINKS: Final = 120
WITH_RULES: Final = 3
"""How many links of Shlink have rules; those of the first can't be put in ours."""

Answer = Callable[[dict[str, str], str], Any]
"""From the parameters and the server's root URL; None where they are wrong."""


def answer_kutt(asked: dict[str, str], _root: str) -> Any:
    """At most 50 a page, as Kutt allows."""
    limit, skip = min(50, int(asked["limit"])), int(asked["skip"])
    links = [
        {
            "address": f"s{number}",
            "target": f"https://example.com/{number}",
            "banned": number == 0,
            "password": False,
            "visit_count": number,
        }
        for number in range(LINKS)
    ]
    return {"total": LINKS, "limit": limit, "skip": skip, "data": links[skip : skip + limit]}


def answer_shlink(asked: dict[str, str], _root: str) -> Any:
    size, page = int(asked["itemsPerPage"]), int(asked["page"])
    links: list[dict[str, Any]] = [
        {
            "shortCode": f"s{number}",
            "longUrl": f"https://example.com/{number}",
            "tags": [],
            "meta": {"validSince": None, "validUntil": None, "maxVisits": None},
            "domain": None if number % 2 == 0 else "go.example",
            "hasRedirectRules": number < WITH_RULES,
        }
        for number in range(LINKS)
    ]
    pages = {"currentPage": page, "pagesCount": -(-LINKS // size), "itemsPerPage": size}
    part = links[(page - 1) * size : page * size]
    return {"shortUrls": {"data": part, "pagination": pages}}


def answer_rules(number: int) -> Answer:
    """Those of the link on its domain, and of no other."""

    def answer(asked: dict[str, str], _root: str) -> Any:
        if asked.get("domain") != (None if number % 2 == 0 else "go.example"):
            return None
        kind = "moon" if number == 0 else "language"
        condition = {"type": kind, "matchKey": None, "matchValue": "de"}
        url = f"https://example.com/de/{number}"
        rule = {"longUrl": url, "priority": 1, "conditions": [condition]}
        return {"defaultLongUrl": f"https://example.com/{number}", "redirectRules": [rule]}

    return answer


def answer_bitly(asked: dict[str, str], root: str) -> Any:
    size, after = int(asked["size"]), int(asked.get("search_after", 0))
    if asked.get("archived") != "both":
        return None
    links: list[dict[str, Any]] = [
        {
            "link": f"https://bit.ly/s{number}",
            "long_url": f"https://example.com/{number}",
            "archived": number == 1,
            "deeplinks": [{"os": "ios"}] if number == 0 else [],
        }
        for number in range(LINKS)
    ]
    place = f"{root}/v4/groups/G1/bitlinks?size={size}&archived=both&search_after={after + size}"
    following = place if after + size < LINKS else ""
    return {"links": links[after : after + size], "pagination": {"next": following, "size": size}}


def answer_dub(asked: dict[str, str], _root: str) -> Any:
    """At most 100 a page, and archived links only where they are asked for."""
    if asked.get("showArchived") != "true":
        return None
    size, page = min(100, int(asked["pageSize"])), int(asked["page"])
    links = [
        {
            "domain": "dub.sh",
            "key": f"s{number}",
            "url": f"https://example.com/{number}",
            "archived": number == 1,
            "android": "market://details?id=shop" if number == 0 else None,
        }
        for number in range(LINKS)
    ]
    return links[(page - 1) * size : page * size]


def answer_yourls(asked: dict[str, str], _root: str) -> Any:
    if (asked["action"], asked["format"], asked["signature"]) != ("stats", "json", KEY):
        return None
    links = {
        f"link_{number}": {
            "shorturl": f"http://go.example/s{number}",
            "url": f"https://example.com/{number}",
            "clicks": str(number),
        }
        for number in range(min(LINKS, int(asked["limit"])))
    }
    return {"links": links, "statusCode": 200, "message": "success"}


def answer_nobody(_asked: dict[str, str], _root: str) -> Any:
    return None


NOBODY: Final[tuple[Answer, dict[str, str]]] = (answer_nobody, {})
PRODUCTS: Final[dict[str, tuple[Answer, dict[str, str]]]] = {
    "/api/v2/links": (answer_kutt, {"X-API-Key": KEY}),
    "/rest/v3/short-urls": (answer_shlink, {"X-Api-Key": KEY}),
    **{
        f"/rest/v3/short-urls/s{number}/redirect-rules": (
            answer_rules(number),
            {"X-Api-Key": KEY},
        )
        for number in range(WITH_RULES)
    },
    "/v4/groups/G1/bitlinks": (answer_bitly, {"Authorization": f"Bearer {KEY}"}),
    "/links": (answer_dub, {"Authorization": f"Bearer {KEY}"}),
    "/yourls-api.php": (answer_yourls, {}),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        answer, headers = PRODUCTS.get(parts.path, NOBODY)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        is_known = all(self.headers[name] == value for name, value in headers.items())
        found = answer(asked, f"http://{self.headers['Host']}") if is_known else None
        body = json.dumps({"error": "no"} if found is None else found, indent=1).encode()
        self.send_response(403 if found is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """A test's output is no log."""


@contextmanager
def serve_products() -> Generator[str]:
    """The root URL of a server that stands in for every product."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
