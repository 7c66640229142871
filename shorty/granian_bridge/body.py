"""A request's body in pieces, so that a reader can stop at a limit."""

from granian.rsgi import Scope

from shorty.granian_bridge.client import ClientGoneError
from shorty.granian_bridge.private import RSGIHTTPProtocol, RSGIProtocolClosed


class RequestBody:
    def __init__(self, scope: Scope, proto: RSGIHTTPProtocol) -> None:
        self._pieces = aiter(proto)
        self._missing = count_bytes(scope)
        self.is_over = False

    async def read(self) -> bytes:
        """The next piece, empty only at the end; raises ClientGoneError if the body breaks off."""
        piece = b"" if self._missing == 0 else await self._read_piece()
        if self._missing is not None:
            self._missing -= len(piece)
            self.is_over = self._missing == 0
        elif not piece:
            self.is_over = await self._ends_here()
        if not piece and not self.is_over:
            raise ClientGoneError
        return piece

    async def _read_piece(self) -> bytes:
        try:
            return await anext(self._pieces)
        except (StopAsyncIteration, RSGIProtocolClosed) as error:
            raise ClientGoneError from error

    async def _ends_here(self) -> bool:
        """Called after an empty piece: granian sends one at the end, two if a body breaks off."""
        try:
            await self._read_piece()
        except ClientGoneError:
            return True
        return False


def count_bytes(scope: Scope) -> int | None:
    """The length of the body; None if only its end shows it."""
    if "transfer-encoding" in scope.headers:
        return None
    return int(scope.headers.get("content-length", "0"))
