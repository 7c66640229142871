"""The manual's example receivers, run unchanged and called by the real worker."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which
from typing import NamedTuple, cast

import httpx
import pytest

from shorty.api.webhook_objects import PAYLOAD_EXAMPLE
from shorty.storage.database import Database
from shorty.webhooks.model import build_test_body
from shorty.webhooks.service import get_secret
from shorty.webhooks.signature import build_headers, make_secret
from tests.service import PATIENCE_S, Output
from tests.webhooks.making import (
    OWNER,
    Clock,
    click,
    insert_calling_links,
    run_worker,
    wait_until_ended,
)

PAGE = Path(__file__).parents[2] / "shorty" / "manual" / "webhooks.md"
BLOCK = re.compile(r"^```(python|js|http)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = dict(BLOCK.findall(PAGE.read_text("utf-8")))
FILES = {"python": (sys.executable, "receiver.py"), "js": (which("node") or "", "receiver.mjs")}


class Example(NamedTuple):
    url: str
    secret: str
    output: Output


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read_now() -> int:
    return time.time_ns() // 1_000_000


def wait_until_it_listens(port: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
    raise AssertionError("The receiver never listened")


@contextmanager
def run(command: list[str], folder: Path, **environment: str) -> Generator[Output]:
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield Output(process.stdout)
        finally:
            process.kill()


@pytest.fixture(params=["python", "js"])
async def example(
    request: pytest.FixtureRequest, db: Database, tmp_path: Path
) -> AsyncGenerator[Example]:
    """Running, with the secret of the first workspace; link 1 calls it."""
    program, name = FILES[request.param]
    if not program:
        pytest.skip("node is not installed")
    (tmp_path / name).write_text(EXAMPLES[request.param], "utf-8")
    port = find_free_port()
    await insert_calling_links(db, f"http://127.0.0.1:{port}/")
    secret = (await db.write(lambda tx: get_secret(tx, OWNER, read_now()))).secret
    with run([program, name], tmp_path, WEBHOOK_SECRET=secret, PORT=str(port)) as output:
        wait_until_it_listens(port)
        yield Example(f"http://127.0.0.1:{port}/", secret, output)


def list_keys(value: object) -> object:
    if isinstance(value, dict):
        return {key: list_keys(each) for key, each in cast("dict[str, object]", value).items()}
    return None


def test_the_message_on_the_page_has_the_fields_of_a_real_one() -> None:
    _, _, shown = EXAMPLES["http"].partition("\n\n")
    sent = json.loads(build_test_body(read_now()))
    assert list_keys(json.loads(shown)) == list_keys(sent)
    assert json.loads(shown) == PAYLOAD_EXAMPLE


async def test_an_example_accepts_a_signed_delivery(db: Database, example: Example) -> None:
    clock = Clock(read_now())
    outbox = await click(db, 1, at=clock.now, country="DE")
    async with run_worker(db, outbox, clock):
        (delivery,) = await wait_until_ended(db)
    assert delivery.status == "delivered"
    assert example.output.wait_for("link.clicked").split()[1:] == [
        "https://go.example/slug1",
        "DE",
    ]


async def test_an_example_refuses_unsigned_old_and_repeated_deliveries(
    example: Example,
) -> None:
    body = b'{"type": "t", "data": {"link": {"shortUrl": "u"}, "click": {"country": "c"}}}'
    now_s = read_now() // 1000
    good = build_headers("msg_1", now_s, body, [make_secret(), example.secret])
    wrong = [
        build_headers("msg_2", now_s, body, [make_secret()]),
        build_headers("msg_3", now_s - 400, body, [example.secret]),
        good | {"webhook-id": "msg_4"},
        good | {"webhook-timestamp": "soon"},
        good | {"webhook-signature": "v1,\u00e4"},
        {name: value for name, value in good.items() if name != "webhook-signature"},
        {"content-type": "application/json"},
    ]
    async with httpx.AsyncClient() as client:
        for headers in wrong:
            sent = [(name.encode(), value.encode()) for name, value in headers.items()]
            refused = await client.post(example.url, content=body, headers=sent)
            assert refused.status_code == 401
        for _ in range(2):
            assert (await client.post(example.url, content=body, headers=good)).status_code == 204
        last = build_headers("msg_5", now_s, body, [example.secret])
        await client.post(example.url, content=body, headers=last)
    example.output.wait_for("t u c")
    example.output.wait_for("t u c")
    assert example.output.lines == ["t u c"] * 2
