"""A person at the dashboard, without a real browser: opens pages, sends forms, keeps cookies."""

import re
from collections.abc import Mapping, Sequence
from html import unescape

import httpx

TOKEN = re.compile(r'data-token="([\w-]+)"')

Fields = Mapping[str, str | Sequence[str]]


class Browser:
    """`client` keeps the cookies. Forms are sent with the token of the last opened page."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.token = ""

    async def open(self, path: str, **headers: str) -> httpx.Response:
        answer = await self.client.get(path, headers=headers)
        self._read_token(answer)
        return answer

    async def send(
        self,
        path: str,
        fields: Fields | None = None,
        *,
        token: str | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        **more: str,
    ) -> httpx.Response:
        """Sends a form as the last opened page would; does not follow redirects."""
        if not self.token:
            await self.open("/app/sign-in")
        data = {"form_token": self.token if token is None else token, **(fields or {}), **more}
        answer = await self.client.post(path, data=data, files=files)
        self._read_token(answer)
        return answer

    async def follow(self, answer: httpx.Response) -> str:
        """The text of the page that a form redirects to."""
        assert answer.status_code == 303, answer.text
        return (await self.open(answer.headers["location"])).text

    def _read_token(self, answer: httpx.Response) -> None:
        if found := TOKEN.search(answer.text):
            self.token = found[1]


def read_text(page: str) -> str:
    """The text of a page, without its tags."""
    inline = re.sub(r"<wbr>|</?bdi[^>]*>", "", page)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inline)).split())
