"""Which process recalculates the sums of a day: the one that began last.

A recalculation adds to the sums what differs, so two of one day would both add it. Each names
itself before it reads; with every correction it asks whether another has begun since, which has
read what was corrected until then, and so gives up.
"""

from secrets import token_hex
from typing import Final, NamedTuple

from shorty.storage.database import Database, Lane, Transaction

BEGIN: Final = """
insert into recounts (day, token) values ($1, $2)
on conflict (day) do update set token = excluded.token
"""
CONTINUE: Final = "update recounts set token = $2 where day = $1 and token = $2"
END: Final = "delete from recounts where day = $1 and token = $2"


class TakenOverError(Exception):
    """Another process recalculates the same day now."""


class Recount(NamedTuple):
    """A recalculation that has begun, of a UTC day."""

    day: int
    token: str

    def require_turn(self, tx: Transaction) -> None:
        """Raises TakenOverError."""
        if not tx.execute(CONTINUE, *self):
            raise TakenOverError


async def begin_recount(db: Database, day: int) -> Recount:
    """What is read from now on is the state that the corrections are for."""
    recount = Recount(day, token_hex(8))
    await db.write(lambda tx: tx.execute(BEGIN, *recount), Lane.CLICKS)
    return recount


async def end_recount(db: Database, recount: Recount) -> None:
    """One that was killed leaves its row to the next."""
    await db.write(lambda tx: tx.execute(END, *recount), Lane.CLICKS)
