"""Watches for what a person would not see: console errors, and requests that leave the server."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

INSIDE = ("data:", "blob:", "about:")


class Watch:
    """Follows every page of its contexts. `origins` are those that may be requested."""

    def __init__(self, *origins: str) -> None:
        self.origins = set(origins)
        self.troubles: list[str] = []
        self._forgiven: list[str] = []

    def follow(self, context: BrowserContext) -> None:
        context.on("console", self._hear)
        context.on("weberror", self._catch)
        context.on("request", self._see_request)
        context.on("response", self._see_response)

    def leave(self, context: BrowserContext) -> None:
        """Stops to follow a context that lives on."""
        context.remove_listener("console", self._hear)
        context.remove_listener("weberror", self._catch)
        context.remove_listener("request", self._see_request)
        context.remove_listener("response", self._see_response)

    def forgive(self, *parts: str) -> None:
        """Ignores expected errors whose text contains one of `parts`."""
        self._forgiven.extend(parts)

    def list_unforgiven(self) -> list[str]:
        return [each for each in self.troubles if not any(part in each for part in self._forgiven)]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            place = message.location.get("url", "")
            self.troubles.append(f"console {message.type}: {message.text} ({place})")

    def _catch(self, error: WebError) -> None:
        self.troubles.append(f"uncaught: {error.error}")

    def _see_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if not request.url.startswith(INSIDE) and f"{parts.scheme}://{parts.netloc}" not in (
            self.origins
        ):
            self.troubles.append(f"left the origin: {request.method} {request.url}")

    def _see_response(self, response: Response) -> None:
        if response.status >= 500:
            self.troubles.append(f"the server failed: {response.status} {response.url}")
