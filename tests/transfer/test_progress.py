"""How far a transfer has come, as it is told; and the report of what was wrong."""

import asyncio
import io

import pytest
from msgspec.structs import replace

from shorty.transfer.progress import (
    KEPT_PROBLEMS,
    Problem,
    Report,
    Sort,
    State,
    Transfer,
    TransferProgress,
)

NOTHING = Transfer(
    state="running",
    done=0,
    total=0,
    created=0,
    there=0,
    skipped=0,
    failed=0,
    clicks=0,
    flawed=0,
    remarks={},
    switched_off={},
    problems=(),
    problem_count=0,
    error=None,
)


def test_a_transfer_says_each_number_under_its_name() -> None:
    progress = TransferProgress(20)
    assert progress.describe() == replace(NOTHING, total=20)
    progress.created, progress.there, progress.clicks, progress.belongings = 1, 2, 3, 4
    sorts: list[Sort] = ["failed", "failed", "failed", "skipped", "skipped", "note"]
    for sort in sorts:
        progress.note(sort, "line 1", "sale", "is taken")
    progress.move(5)
    told = progress.describe()
    numbers = (told.created, told.there, told.skipped, told.failed, told.clicks, told.problem_count)
    assert numbers == (1, 2, 2, 3, 3, 6)
    assert (told.state, told.done, told.total, told.error) == ("running", 5, 20, None)
    assert told.problems[3] == Problem(
        sort="skipped", place="line 1", subject="sale", message="is taken"
    )


def test_a_hundred_problems_are_kept() -> None:
    progress = TransferProgress()
    for number in range(KEPT_PROBLEMS + 1):
        progress.note("note", str(number), "", "")
    told = progress.describe()
    assert [problem.place for problem in told.problems] == [str(number) for number in range(100)]
    assert told.problem_count == 101


@pytest.mark.parametrize(
    ("total", "moves", "done"),
    [(10, [4, 2], 4), (10, [11], 10), (0, [4, 2], 2), (10, [10, 3], 10)],
)
def test_it_never_goes_back_nor_past_the_end(total: int, moves: list[int], done: int) -> None:
    seen: list[int] = []
    progress = TransferProgress(total, on_change=lambda told: seen.append(told.done))
    for move in moves:
        progress.move(move)
    assert progress.done == seen[-1] == done
    assert len(seen) == len(moves)


@pytest.mark.parametrize(
    ("state", "error", "done"), [("done", None, 10), ("failed", "It broke.", 3)]
)
def test_only_what_is_done_has_come_to_its_end(state: State, error: str | None, done: int) -> None:
    seen: list[Transfer] = []
    progress = TransferProgress(10, on_change=seen.append)
    progress.done = 3
    progress.finish(state, error)
    assert [(told.state, told.error, told.done) for told in seen] == [(state, error, done)]


def test_what_is_stopped_first_says_why() -> None:
    for acts, state, error in (
        (["cancel"], "cancelled", None),
        (["stop one", "stop two"], "stopped", "one"),
        (["cancel", "stop one"], "stopped", "one"),
    ):
        progress = TransferProgress(10)
        assert not progress.is_cancelled
        for act in acts:
            word, _, reason = act.partition(" ")
            progress.cancel() if word == "cancel" else progress.stop(reason)
            assert progress.is_cancelled
        progress.done = 3
        progress.finish_early()
        assert (progress.state, progress.error, progress.done) == (state, error, 3)


async def test_work_that_nobody_cancels_gives_its_result() -> None:
    progress = TransferProgress()
    assert await progress.unless_cancelled(asyncio.sleep(0, "drawn")) == "drawn"

    async def fail() -> None:
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        await progress.unless_cancelled(fail())


def test_a_report_is_this_text() -> None:
    file = io.BytesIO()
    progress = TransferProgress()
    progress.report_to(Report(file).add)
    progress.note("failed", "line 2", "=1+1", 'is "no" link, really')
    progress.note("skipped", "", "sale", "is taken")
    progress.note("note", "line 4", "x", "came in without its date", "dates")
    assert file.getvalue() == (
        b"result,place,link,message,about\r\n"
        b'failed,line 2,\'=1+1,"is ""no"" link, really",\r\n'
        b"skipped,,sale,is taken,\r\n"
        b"note,line 4,x,came in without its date,dates\r\n"
    )
