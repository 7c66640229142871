"""How far a transfer has come, as it is told; and the report of what was wrong."""

import asyncio
import io

import pytest
from msgspec.structs import replace

from shorty.transfer.progress import KEPT_PROBLEMS, Problem, Sort, State, Transfer, TransferProgress
from shorty.transfer.report import Report

NOTHING = Transfer(
    state="running",
    done=0,
    total=0,
    created=0,
    there=0,
    skipped=0,
    failed=0,
    clicks=0,
    problems=(),
    problem_count=0,
    error=None,
)


def test_a_tally_says_each_number_under_its_name() -> None:
    tally = TransferProgress(20)
    assert tally.describe() == replace(NOTHING, total=20)
    tally.created, tally.there, tally.clicks, tally.belongings = 1, 2, 3, 4
    sorts: list[Sort] = ["failed", "failed", "failed", "skipped", "skipped", "note"]
    for sort in sorts:
        tally.note(sort, "line 1", "sale", "is taken")
    tally.move(5)
    told = tally.describe()
    numbers = (told.created, told.there, told.skipped, told.failed, told.clicks, told.problem_count)
    assert numbers == (1, 2, 2, 3, 3, 6)
    assert (told.state, told.done, told.total, told.error) == ("running", 5, 20, None)
    assert told.problems[3] == Problem(
        sort="skipped", place="line 1", subject="sale", message="is taken"
    )


def test_a_hundred_problems_are_kept() -> None:
    tally = TransferProgress()
    for number in range(KEPT_PROBLEMS + 1):
        tally.note("note", str(number), "", "")
    told = tally.describe()
    assert [problem.place for problem in told.problems] == [str(number) for number in range(100)]
    assert told.problem_count == 101


@pytest.mark.parametrize(
    ("total", "moves", "done"),
    [(10, [4, 2], 4), (10, [11], 10), (0, [4, 2], 2), (10, [10, 3], 10)],
)
def test_it_never_goes_back_nor_past_the_end(total: int, moves: list[int], done: int) -> None:
    seen: list[int] = []
    tally = TransferProgress(total, on_change=lambda told: seen.append(told.done))
    for move in moves:
        tally.move(move)
    assert tally.done == seen[-1] == done
    assert len(seen) == len(moves)


@pytest.mark.parametrize(
    ("state", "error", "done"), [("done", None, 10), ("failed", "It broke.", 3)]
)
def test_only_what_is_done_has_come_to_its_end(state: State, error: str | None, done: int) -> None:
    seen: list[Transfer] = []
    tally = TransferProgress(10, on_change=seen.append)
    tally.done = 3
    tally.finish(state, error)
    assert [(told.state, told.error, told.done) for told in seen] == [(state, error, done)]


def test_what_is_stopped_first_says_why() -> None:
    for acts, state, error in (
        (["cancel"], "cancelled", None),
        (["stop one", "stop two"], "stopped", "one"),
        (["cancel", "stop one"], "stopped", "one"),
    ):
        tally = TransferProgress(10)
        assert not tally.is_cancelled
        for act in acts:
            word, _, reason = act.partition(" ")
            tally.cancel() if word == "cancel" else tally.stop(reason)
            assert tally.is_cancelled
        tally.done = 3
        tally.finish_early()
        assert (tally.state, tally.error, tally.done) == (state, error, 3)


async def test_work_that_nobody_cancels_gives_its_result() -> None:
    tally = TransferProgress()
    assert await tally.unless_cancelled(asyncio.sleep(0, "drawn")) == "drawn"

    async def fail() -> None:
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        await tally.unless_cancelled(fail())


def test_a_report_is_this_text() -> None:
    file = io.BytesIO()
    tally = TransferProgress()
    tally.report_to(Report(file).add)
    tally.note("failed", "line 2", "=1+1", 'is "no" link, really')
    tally.note("skipped", "", "sale", "is taken")
    assert file.getvalue() == (
        b"result,place,link,message\r\n"
        b'failed,line 2,\'=1+1,"is ""no"" link, really"\r\n'
        b"skipped,,sale,is taken\r\n"
    )
