"""The worker: runs the application on granian from the fork to a clean end."""

import asyncio
import gc
import resource
import signal
import socket
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

import uvloop

from shorty.config import Config
from shorty.errors import ShortyError
from shorty.granian_bridge import Server, log_requests
from shorty.log import configure_log
from shorty.proxies import TrustedProxies
from shorty.serve.arrivals import stop_accepting, wait_until_read
from shorty.serve.handshake import OPEN, Task, spell_ready
from shorty.serve.left_journals import store_left_journals
from shorty.serve.listener import BACKLOG
from shorty.serve.lock import lock_database
from shorty.serve.shares import Shares
from shorty.sqlite.connections import SqliteError

CONNECTIONS: Final = 4096
OWN_FILES: Final = 256  # database, journal, webhooks …
SWITCH_S: Final = 0.001  # how long a visit waits for the thread that stores clicks, not 5 ms
# Net new objects before a young garbage collection. Python's default of 700 is a few requests'
# worth, most of which would still be in use.
GARBAGE_THRESHOLD: Final = 20_000
KNOCK_S: Final = 1.0  # for an answer: another worker that hangs may have accepted the connection
KNOCK_PAUSE_S: Final = 0.05
KNOCK: Final = b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Application(Protocol):
    """What the worker runs. The worker creates it; a ShortyError then means it cannot start."""

    def __init__(self, config: Config) -> None: ...

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        """Opens everything, before the loop runs."""

    async def find_setup_path(self) -> str:
        """The path of the setup link while the owner has no account; empty afterwards."""
        ...

    @property
    def answer_now(self) -> Callable[[Any, Any], bool]:
        """Answers requests that need no waiting, not on the loop; returns whether it answered.

        Available once everything is open.
        """
        ...

    async def store_left_journal(self, folder: Path) -> None:
        """Stores the clicks of a worker that no longer runs, which left its journal in `folder`."""

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answers requests that `answer_now` did not answer."""

    def end_streams(self) -> None:
        """Called on the loop at the signal to stop: ends the endless answers.

        From then on `answer_now` leaves every request to the loop.
        """

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        """Stores what is not stored yet and closes everything, after the loop has ended."""


def run(task: Task, listener: socket.socket, channel: socket.socket) -> int:
    """Returns the process's exit status. `channel` reports progress to the supervisor."""
    sys.setswitchinterval(SWITCH_S)
    gc.disable()  # until startup is done, because collecting half-loaded modules finds nothing
    config = task.config
    configure_log(config.log, worker=task.number if task.has_others else None)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    with ExitStack() as stack:
        try:
            if task.has_others:  # otherwise the supervisor has locked it
                stack.enter_context(lock_database(config.storage.lock, task.patience.lock_s))
            app = load_application(task.application, config)
            app.__rsgi_init__(loop)
        except (ShortyError, OSError, SqliteError) as error:
            report(channel, describe_failure(error).encode())
            return 1
        report(channel, OPEN)
        try:
            proxies = TrustedProxies(config.server.trusted_networks())
            shares = Shares(raise_file_limit(), config.server.port, proxies)
            loop.run_until_complete(answer(app, task, listener, channel, shares))
        finally:
            app.__rsgi_del__(loop)
    return 0


def report(channel: socket.socket, words: bytes) -> None:
    with suppress(BrokenPipeError):  # without a supervisor the worker is about to end
        channel.sendall(words)


def load_application(application: str, config: Config) -> Application:
    module, _, name = application.partition(":")
    make: type[Application] = getattr(import_module(module), name)
    return make(config)


def describe_failure(error: Exception) -> str:
    match error:
        case ShortyError():
            return error.message
        case SqliteError():
            return f"The database cannot be used: {error}."
        case OSError() if error.filename:
            return f"{error.filename}: {error.strerror}."
        case _:
            return f"The server could not start: {error}."


async def answer(
    app: Application,
    task: Task,
    listener: socket.socket,
    channel: socket.socket,
    shares: Shares,
) -> None:
    """Answers requests until SIGTERM, or until the supervisor has died.

    Granian itself waits for ever for an open stream, a half-sent request or a client that does not
    read. Streams are therefore ended here, and requests not finished after the grace are abandoned.
    """
    loop = asyncio.get_running_loop()
    patience = task.patience
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    orphaned = watch_for_end(loop, channel, stopping)
    family, address = listener.family, listener.getsockname()
    answers = app.__rsgi__, app.answer_now
    server = Server(
        listener,
        *(log_requests(*answers) if task.config.log.access else answers),
        connections=shares.most,
        backlog=BACKLOG,
    )
    serving = loop.create_task(server.serve())
    serving.add_done_callback(lambda _: stopping.set())
    await knock(family, address, stopping, has_others=task.has_others)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    gc.enable()
    report(channel, spell_ready(await app.find_setup_path() if task.number == 1 else ""))
    shares.start()
    storing = loop.create_task(store_left_journals(app.store_left_journal, task))
    await stopping.wait()
    shares.end()
    if serving.done():
        raise RuntimeError("granian exited unexpectedly") from serving.exception()
    stop_accepting(address[1])
    app.end_streams()
    await wait_until_read(address[1], patience.reading_s)
    server.stop()
    storing.cancel()
    grace_s = patience.orphan_grace_s if orphaned.is_set() else patience.grace_s
    await asyncio.wait({serving, storing}, timeout=grace_s)


def watch_for_end(
    loop: AbstractEventLoop, channel: socket.socket, stopping: asyncio.Event
) -> asyncio.Event:
    """Is set, along with `stopping`, once the supervisor has died.

    The supervisor never writes to the channel, which becomes readable when the supervisor's death
    closes it. This works on every system, and unlike the kernel's parent-death signal it leaves
    time to store answered clicks.
    """

    def notice() -> None:
        loop.remove_reader(channel)
        orphaned.set()
        stopping.set()

    orphaned = asyncio.Event()
    loop.add_reader(channel, notice)
    return orphaned


def raise_file_limit() -> int:
    """Returns the maximum of connections: granian spins when no file descriptor is left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OWN_FILES
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return max(1, limit - OWN_FILES)


async def knock(
    family: int, address: tuple[Any, ...], stopping: asyncio.Event, *, has_others: bool
) -> None:
    """Sends the server requests until one is answered: then others are, too.

    Beside other workers a request may reach one that ends, which breaks the connection off.
    """
    loop = asyncio.get_running_loop()
    is_answered = False
    while not is_answered and not stopping.is_set():
        with socket.socket(family, socket.SOCK_STREAM) as client, suppress(TimeoutError):
            client.settimeout(0)
            try:
                async with asyncio.timeout(KNOCK_S):
                    await loop.sock_connect(client, address)
                    await loop.sock_sendall(client, KNOCK)
                    if not await loop.sock_recv(client, 1):
                        raise RuntimeError("granian does not respond")
                    is_answered = True
            except ConnectionError:
                if not has_others:
                    raise
                await asyncio.wait_for(stopping.wait(), KNOCK_PAUSE_S)
