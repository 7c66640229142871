"""Whatever is killed under load, every answered click is stored once and sent to its receiver."""

import asyncio
import signal
from contextlib import closing, suppress
from pathlib import Path
from secrets import randbelow

from tests.forks import ForkedService
from tests.serve.running import make_database
from tests.serve.test_product import BROWSER, SERVE, Visitor
from tests.service import PATIENCE_S, Service
from tests.webhooks.receiver import Receiver, run_receiver

ROUNDS = 3
CLIENTS = 8
MOST_VISITS = 200  # of one client, in one round
SETTINGS = {"SHORTY_WEBHOOKS__ALLOW_PRIVATE": "true"}


class Load:
    """Clients that visit until the server is gone, and count their answers."""

    def __init__(self, service: Service, slugs: list[str]) -> None:
        self.address = service.address
        host = f"localhost:{self.address[1]}"
        self.requests = [
            f"GET /{slug} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {BROWSER}\r\n\r\n".encode()
            for slug in slugs
        ]
        self.answered = 0
        self._has_more = asyncio.Event()

    async def run(self) -> None:
        await asyncio.gather(*(self._visit(client) for client in range(CLIENTS)))

    async def wait_for(self, answers: int) -> None:
        while self.answered < answers:
            self._has_more.clear()
            await self._has_more.wait()

    async def _visit(self, client: int) -> None:
        reader, writer = await asyncio.open_connection(*self.address)
        with suppress(ConnectionError, asyncio.IncompleteReadError), closing(writer):
            for number in range(MOST_VISITS):
                writer.write(self.requests[(client + number) % len(self.requests)])
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 302"), head
                self.answered += 1
                self._has_more.set()


async def start(folder: Path, port: int) -> Service:
    service = ForkedService(SERVE, folder, SHORTY_SERVER__PORT=str(port), **SETTINGS)
    return await asyncio.to_thread(service.wait_until_ready)


async def visit_until_killed(service: Service, slugs: list[str]) -> int:
    """The number of answered visits."""
    load = Load(service, slugs)
    visits = asyncio.create_task(load.run())
    await load.wait_for(100 + randbelow(CLIENTS * MOST_VISITS // 2))
    service.send_signal_to_all(signal.SIGKILL)
    await asyncio.to_thread(service.wait_for_end)
    await visits
    return load.answered


async def wait_for_messages(receiver: Receiver, number: int) -> None:
    """Waits for that many different deliveries."""
    while len(set(receiver.ids)) < number:
        await receiver.wait_for(len(receiver.messages) + 1, PATIENCE_S)


async def test_every_answered_click_is_stored_once_and_delivered_through_kills(
    folder: Path,
) -> None:
    token = make_database(folder)
    answered, port = 0, 0
    links: list[dict[str, str]] = []
    async with run_receiver() as receiver:
        for _ in range(ROUNDS):
            with await start(folder, port) as service:
                port = service.address[1]
                visitor = Visitor(service, token)
                links = links or [visitor.make_link(webhookUrls=receiver.url) for _ in range(3)]
                answered += await visit_until_killed(service, [each["shortCode"] for each in links])
        with await start(folder, port) as service:
            visitor = Visitor(service, token)
            counts = await asyncio.to_thread(lambda: [visitor.count_clicks(each) for each in links])
            sums = await asyncio.to_thread(lambda: [visitor.sum_clicks(each) for each in links])
            await wait_for_messages(receiver, sum(counts))
            assert await asyncio.to_thread(service.stop) == 0
    # An answer interrupted by a kill was journalled but never received.
    assert answered <= sum(counts) <= answered + ROUNDS * CLIENTS
    assert sums == counts
    clicks = {message.event["data"]["click"]["id"] for message in receiver.messages}
    assert len(set(receiver.ids)) == len(clicks) == sum(counts)
    told = {message.id: message.event["data"]["link"]["id"] for message in receiver.messages}
    assert [list(told.values()).count(each["id"]) for each in links] == counts
