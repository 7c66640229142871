"""One client of one door: what it asks and what came of it goes into the ledger."""

import asyncio
from collections.abc import Mapping
from random import Random
from time import monotonic
from typing import Any, Final, Protocol

import msgspec

from shorty.web.cookies import FORMS, SESSION
from tests.nodes.ledger import Entry, Ledger
from tests.nodes.site import HOST
from tests.nodes.wire import Answer, LostError, Wire

BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BOUNDARY: Final = "a-part-of-the-form"
BROWSERS_KEY: Final = "a-key-of-this-browser"
VISITORS: Final = 50
CREATED: Final = 201
FOUND: Final = 302
GONE: Final = 410
NOT_FOUND: Final = 404
UNAVAILABLE: Final = 503


class Door(Protocol):
    """A node, or what stands in front of all of them."""

    @property
    def name(self) -> str: ...

    @property
    def is_up(self) -> asyncio.Event: ...

    def is_calm_since(self, moment: float, /) -> bool:
        """Whether nothing has been wrong with it since then, by the monotonic clock."""
        ...

    def open_wire(self) -> Wire: ...


class Client:
    def __init__(self, door: Door, ledger: Ledger, random: Random) -> None:
        self.door = door
        self.ledger = ledger
        self._random = random
        self._wire: Wire | None = None

    async def visit(self, entry: Entry) -> Answer | None:
        """None where no answer came."""
        visitor = f"192.0.2.{self._random.randrange(VISITORS)}"
        headers = {"Host": HOST, "User-Agent": BROWSER, "X-Forwarded-For": visitor}
        answer = await self._ask("GET", f"/{entry.slug}", headers)
        if answer is None:
            entry.doubtful += 1
            entry.doubtful_visitors.add(visitor)
        elif answer.status == FOUND:
            entry.answered += 1
            entry.visitors.add(visitor)
            self.ledger.counts["visits"] += 1
        return answer

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str,
        key: str | None = None,
    ) -> Answer | None:
        """Of the API. None where nobody can tell whether it was done: no answer, or 503."""
        headers = {"Host": HOST, "Authorization": f"Bearer {token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        sent = b""
        if body is not None:
            headers["Content-Type"] = "application/json"
            sent = msgspec.json.encode(body)
        return _take_certain(await self._ask(method, f"/api/v1{path}", headers, sent))

    async def open_page(self, path: str, *, session: str) -> Answer | None:
        """Of the dashboard. None where no answer came, or 503."""
        headers = {"Host": HOST, "Cookie": _write_cookies(session)}
        return _take_certain(await self._ask("GET", path, headers))

    async def send_form(
        self, path: str, fields: Mapping[str, str], file: str = "", *, session: str
    ) -> Answer | None:
        """None where nobody can tell whether it was done."""
        headers = {
            "Host": HOST,
            "Cookie": _write_cookies(session),
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        }
        return _take_certain(await self._ask("POST", path, headers, _write_form(fields, file)))

    def close(self) -> None:
        if self._wire:
            self._wire.close()

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer | None:
        await self.door.is_up.wait()
        wire = self._wire = self._wire or self.door.open_wire()
        began = monotonic()
        try:
            answer = await wire.ask(method, path, headers, body)
        except LostError:
            self._note_failure("no answer", method, path, began)
            return None
        if self.door.is_calm_since(began):
            self.ledger.longest_wait_s = max(self.ledger.longest_wait_s, monotonic() - began)
        if answer.status == UNAVAILABLE:
            self._note_failure("503", method, path, began)
        elif answer.status > UNAVAILABLE or answer.status == 500:
            self.ledger.note_fault(f"{self.door.name}: {method} {path}: {answer.describe()}")
        return answer

    def _note_failure(self, what: str, method: str, path: str, began: float) -> None:
        """Nothing excuses it where nothing was wrong with the door."""
        self.ledger.counts[f"{what} from {self.door.name}"] += 1
        if self.door.is_calm_since(began):
            self.ledger.note_fault(f"{self.door.name}, with nothing wrong: {method} {path}: {what}")


def _take_certain(answer: Answer | None) -> Answer | None:
    return None if answer is None or answer.status == UNAVAILABLE else answer


def _write_cookies(session: str) -> str:
    """The second one is the browser's own, which its forms are bound to."""
    return f"{SESSION}={session}; {FORMS}={BROWSERS_KEY}"


def _write_form(fields: Mapping[str, str], file: str) -> bytes:
    """`file` is the content of one, empty for none (RFC 7578)."""
    start = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    parts = [f'{start}"{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
    if file:
        parts.append(f'{start}"file"; filename="links.csv"\r\n\r\n{file}\r\n')
    return "".join([*parts, f"--{BOUNDARY}--\r\n"]).encode()


def read_link(answer: Answer) -> Any:
    return answer.decode()["link"]
