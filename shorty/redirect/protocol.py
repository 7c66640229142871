"""Granian's protocol for one request, for who looks at or adds to whatever is answered."""

from collections.abc import AsyncIterator
from typing import Any

Headers = list[tuple[str, str]]


class WrappedProtocol:
    """`begin` is called once, at the start of every answer."""

    def __init__(self, proto: Any) -> None:
        self._proto = proto

    def begin(self, status: int, headers: Headers) -> Headers:
        """The headers to send."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._proto, name)

    def __call__(self) -> Any:
        return self._proto()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._proto)

    def response_empty(self, status: int, headers: Headers) -> None:
        self._proto.response_empty(status, self.begin(status, headers))

    def response_str(self, status: int, headers: Headers, body: str) -> None:
        self._proto.response_str(status, self.begin(status, headers), body)

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        self._proto.response_bytes(status, self.begin(status, headers), body)

    def response_file(self, status: int, headers: Headers, file: str) -> None:
        self._proto.response_file(status, self.begin(status, headers), file)

    def response_stream(self, status: int, headers: Headers) -> Any:
        return self._proto.response_stream(status, self.begin(status, headers))
