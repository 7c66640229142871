"""Small applications for the tests of the process: each shows one behaviour of a worker.

`python -m tests.serve.small_app CLASS` serves one like `shorty serve`, or an application of another
module as `MODULE:CLASS`. Other time limits may follow, as JSON.
"""

import asyncio
import errno
import os
import signal
import sqlite3
import sys
from asyncio import AbstractEventLoop
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from shorty.config import Config, load_config
from shorty.errors import ShortyError, StartError
from shorty.serve import Patience, serve

TEXT = [("content-type", "text/plain")]


class App:
    """Writes `opened` and `closed` with its process id to a file in the working directory."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.log = Path("shorty.log").absolute()
        self.streams_end = asyncio.Event()

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        self.write("opened")

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        loop.run_until_complete(asyncio.sleep(0))
        self.write("closed")

    def end_streams(self) -> None:
        self.streams_end.set()

    async def store_left_journal(self, folder: Path) -> None:
        self.write(f"adopted:{folder}")

    async def find_setup_path(self) -> str:
        return ""

    def answer_now(self, _scope: Any, _proto: Any) -> bool:
        return False

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        match scope.path:
            case "/pid":
                proto.response_str(200, TEXT, str(os.getpid()))
            case "/slug-length":
                proto.response_str(200, TEXT, str(self.config.links.slug_length))
            case "/body":
                proto.response_str(200, TEXT, str(len(await proto())))
            case "/stream":
                await self.stream(proto)
            case "/flood":
                await proto.response_stream(200, TEXT).send_bytes(bytes(50_000_000))
            case "/fault":
                raise RuntimeError("a fault of the application")
            case _:
                proto.response_empty(204, [])

    async def stream(self, proto: Any) -> None:
        stream = proto.response_stream(200, TEXT)
        await stream.send_str("open\n")
        await self.streams_end.wait()

    def write(self, word: str) -> None:
        with self.log.open("a", encoding="ascii") as log:
            log.write(f"{word} {os.getpid()}\n")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


class Picky(App):
    """Cannot start with slugs of 13 characters."""

    def __init__(self, config: Config) -> None:
        if config.links.slug_length == 13:
            raise StartError("Thirteen is refused here.")
        super().__init__(config)


class Welcoming(App):
    async def find_setup_path(self) -> str:
        return f"/welcome?key={os.getpid()}"


class Faulty(App):
    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        raise RuntimeError("a fault of the application")


class Locked(App):
    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        raise sqlite3.OperationalError("database is locked")


class Unreadable(App):
    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/srv/key")


class Killed(App):
    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        self.write("opened")
        os.kill(os.getpid(), signal.SIGKILL)


class KilledOnce(App):
    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        is_first = not self.log.exists()
        self.write("opened")
        if is_first:
            os.kill(os.getpid(), signal.SIGKILL)


class HeldBack(App):
    """From the second worker on, waits in opening for the fifo `gate` to be opened, and says so."""

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        if self.log.exists():
            say("starting")
            self.log.with_name("gate").read_bytes()
        self.write("opened")


class HeldBackThird(App):
    """From the third worker on, does the same."""

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        if self.log.exists() and self.log.read_text("ascii").count("opened") > 1:
            say("starting")
            self.log.with_name("gate").read_bytes()
        self.write("opened")


class Ending(App):
    """Reports when it is told to stop."""

    def end_streams(self) -> None:
        super().end_streams()
        say("ending")


class Slow(App):
    """Never gets ready."""

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        self.write("opened")
        say("starting")
        loop.run_until_complete(asyncio.Event().wait())


class Stuck(App):
    """Never ends."""

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        loop.run_until_complete(asyncio.Event().wait())


class StuckSecond(App):
    """The second of several never ends."""

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        if self.config.storage.node.endswith("-2"):
            loop.run_until_complete(asyncio.Event().wait())
        super().__rsgi_del__(loop)


def main() -> None:
    read_config = partial(load_config, None, os.environ)
    try:
        name = sys.argv[1] if ":" in sys.argv[1] else f"tests.serve.small_app:{sys.argv[1]}"
        patience = msgspec.json.decode(*sys.argv[2:] or ["{}"], type=Patience)
        serve(read_config(), read_config, application=name, patience=patience)
    except ShortyError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
