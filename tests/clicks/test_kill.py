"""The recorder's promise: whenever it is killed, each answered click is stored exactly once."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from shorty.clicks.limited import LimitedClicks, Passage
from shorty.clicks.recorder import Recorder
from shorty.sqlite.database import SqliteDatabase
from shorty.storage.database import Database
from tests.clicks.making import (
    count_clicks,
    insert_links,
    make_person,
    make_visit,
    run_recorder,
    store_all,
)
from tests.clicks.recount import assert_sums_are_right
from tests.examples import count_examples
from tests.reading import path_of
from tests.support import prepare_copy

ROUNDS = 3
LIMIT = 50

TWICE = "select at from clicks where link_id = 1 group by at having count(*) > 1"


def answer_until_killed(path: Path, first: int, answers: int) -> Counter[bytes]:
    """Kills a process after some answers; returns how many it gave for each of two links, and for
    each variant of the first one's rule.
    """
    arguments = ["-m", "tests.clicks.killed_process", str(path), str(first), str(LIMIT)]
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(answers)]
        process.kill()
        said += process.stdout.readlines()  # what it had printed by then
    return Counter(line.strip() for line in said if line.endswith(b"\n"))


async def test_sigkill_under_load_loses_no_click_and_counts_none_twice(db: Database) -> None:
    await db.write(insert_links(1, 2))
    said: Counter[bytes] = Counter()
    for number in range(ROUNDS):
        said += await asyncio.to_thread(
            answer_until_killed, path_of(db), number * 1_000_000, 500 + 700 * number
        )
    answered, through = said[b"1a"] + said[b"1b"], said[b"2"]
    async with run_recorder(db):
        # Each kill may come between the journal and the answer, once.
        assert answered <= await count_clicks(db, 1) <= answered + ROUNDS
        assert through <= await count_clicks(db, 2) <= min(through + ROUNDS, LIMIT)
        assert (
            await db.find_all(
                "select at from clicks group by link_id, at having count(*) > 1 and link_id = 1"
            )
            == []
        )
        rows = await db.find_all(
            "select rule_id, variant, count(*) as clicks from clicks where link_id = 1"
            " group by rule_id, variant order by variant"
        )
        assert [(row["rule_id"], row["variant"]) for row in rows] == [("4f2a", "a"), ("4f2a", "b")]
        for row, answers in zip(rows, (said[b"1a"], said[b"1b"]), strict=True):
            assert answers <= row["clicks"] <= answers + ROUNDS
        await assert_sums_are_right(db)


class Server:
    """A server's lives in miniature, with one unlimited and one limited link."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.limit = limit
        self.answered = 0
        self.through = 0

    async def live(self, steps: list[str]) -> None:
        """Runs the steps and is then killed, unless the last step is a stop."""
        db = await SqliteDatabase.open(self.path)
        recorder = Recorder(db, rest_s=0, batch_visits=3)
        await recorder.start()
        limited = LimitedClicks(db, recorder, remembered_links=1)
        for step in steps:
            if step == "visit":
                self.answered += recorder.record(make_visit(link_id=1))
            elif step == "limited":
                await self.visit_limited(limited)
            elif step == "forget":
                limited.forget_all()
            elif step == "breathe":
                await asyncio.sleep(0)
            elif step == "store":
                await store_all(recorder)
            elif step == "stop":
                await recorder.stop()
                break
        await db.close()

    async def visit_limited(self, limited: LimitedClicks) -> None:
        passage = await limited.let_through(make_person(link_id=2), self.limit)
        assert passage is (Passage.THROUGH if self.through < self.limit else Passage.USED_UP)
        self.through += passage is Passage.THROUGH

    def tear_journal(self, torn: bytes) -> None:
        for segment in sorted(self.path.parent.glob("shorty.db.journal/*.log"))[-1:]:
            with segment.open("ab") as file:
                file.write(torn)

    async def check(self) -> None:
        db = await SqliteDatabase.open(self.path)
        async with run_recorder(db):
            assert await count_clicks(db, 1) == self.answered
            assert await count_clicks(db, 2) == self.through
        await db.close()


STEPS = st.lists(
    st.sampled_from(["visit", "visit", "limited", "limited", "breathe", "forget", "store", "stop"]),
    max_size=25,
)


@settings(deadline=None, max_examples=count_examples(20))
@given(
    st.lists(st.tuples(STEPS, st.binary(max_size=20)), min_size=1, max_size=4), st.integers(1, 9)
)
def test_however_lives_go_and_end_the_counts_are_exact(
    lives: list[tuple[list[str], bytes]], limit: int
) -> None:
    with TemporaryDirectory() as folder:
        server = Server(prepare_copy(Path(folder)), limit)
        asyncio.run(insert(server.path))
        for steps, torn in lives:
            asyncio.run(server.live(steps))
            server.tear_journal(torn)
        asyncio.run(server.check())


async def insert(path: Path) -> None:
    db = await SqliteDatabase.open(path)
    await db.write(insert_links(1, 2))
    await db.close()
