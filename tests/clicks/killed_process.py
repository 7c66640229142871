"""Answers visits as fast as it can, and prints the link and the variant after each, until it
is killed.

Run by test_kill.py: `python -m tests.clicks.killed_process DATABASE FIRST_VISIT LIMIT`.
"""

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from shorty.clicks.limited import LimitedClicks, Passage
from shorty.clicks.recorder import Recorder
from shorty.sqlite.database import SqliteDatabase
from tests.clicks.making import AT, make_person, make_visit


async def answer(path: Path, first: int, limit: int) -> None:
    db = await SqliteDatabase.open(path)
    recorder = Recorder(db, rest_s=0.005, batch_visits=200)
    await recorder.start()
    limited = LimitedClicks(db, recorder)
    for number in count(first):
        variant = "ab"[number % 2]
        if recorder.record(make_visit(link_id=1, at=AT + number, won=("4f2a", variant))):
            os.write(1, f"1{variant}\n".encode())
        if number % 50 == 0:
            if await limited.let_through(make_person(link_id=2), limit) is Passage.THROUGH:
                os.write(1, b"2\n")
            await asyncio.sleep(0)


asyncio.run(answer(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
