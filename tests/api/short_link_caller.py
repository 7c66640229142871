"""Calls the short-link API in tests, and visits its links."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import make_token

BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
DESTINATION: Final = "https://example.com/long-url"


class Caller:
    """With the token of the house's owner, unless a test sends another header."""

    def __init__(self, house: House, token: str) -> None:
        self.house = house
        self.token = token

    async def post(
        self,
        body: Mapping[str, Any] | bytes,
        *,
        path: str = "/api/v1/short-link",
        peer: str = "192.0.2.1:50000",
        as_form: bool = False,
        **headers: str,
    ) -> httpx.Response:
        """A header's name is written with underscores; an empty `authorization` sends none."""
        sent = {"authorization": f"Bearer {self.token}"}
        sent |= {name.replace("_", "-"): text for name, text in headers.items()}
        if not sent["authorization"]:
            del sent["authorization"]
        async with make_client(self.house.app, peer=peer) as client:
            if isinstance(body, bytes):
                return await client.post(path, content=body, headers=sent)
            if as_form:
                return await client.post(path, data=body, headers=sent)
            return await client.post(path, json=body, headers=sent)

    async def create(self, **only_what_matters: Any) -> dict[str, Any]:
        """The object of a link that must have been created."""
        answer = await self.post(make_body(**only_what_matters))
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    async def visit(self, slug: str, host: str = "go.example") -> httpx.Response:
        async with make_client(self.house.app) as client:
            headers = {"host": host, "user-agent": BROWSER}
            return await client.get(f"/{slug}", headers=headers)

    async def read_row(self, columns: str) -> dict[str, Any]:
        """The stored row of the only link."""
        (row,) = await self.house.app.db.find_all(f"select {columns} from links")  # noqa: S608
        return dict(row)


async def make_caller(house: House) -> Caller:
    return Caller(house, await make_token(house.app.db, house.home))


def make_body(**only_what_matters: Any) -> dict[str, Any]:
    plain = {"destinationUrl": DESTINATION, "brandedDomain": "go.example", "slashTag": "sale"}
    return plain | only_what_matters
