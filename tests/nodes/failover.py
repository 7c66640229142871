"""A primary server that dies under load, and its standby that an operator promotes.

As a command it tells what is lost: `python -m tests.nodes.failover [--asynchronous] [--behind]`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

from tests.cluster import OWNER, SUPERUSER, Cluster, find_programs
from tests.copies import connect
from tests.nodes.caller import Caller, Load, Made
from tests.nodes.pair import Pair, wait_for
from tests.postgres.support import ask_aside

DATABASE: Final = "links"
AT_LEAST: Final = 40
STREAMS: Final = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}
RECEIVERS: Final = "select count(*) from pg_stat_wal_receiver"
STATE: Final = "select sync_state from pg_stat_replication"
FIND_LINKS: Final = "select id from links where id = any($1::bigint[])"
COUNT_CLICKS: Final = "select coalesce(sum(total), 0) from link_counters where link_id = $1"


class Standby(Cluster):
    def __init__(self, programs: Path, primary: Cluster) -> None:
        super().__init__(programs, **STREAMS)
        self._primary = primary

    def create(self) -> None:
        self.run_program(
            *("pg_basebackup", "--pgdata", str(self.folder / "data"), "--write-recovery-conf"),
            *("--host", str(self._primary.folder), "--username", SUPERUSER),
            *("--checkpoint=fast", "--no-sync", "--wal-method=stream"),
        )


class Outcome(NamedTuple):
    """What was answered with success, and how much of it the promoted server lacks."""

    created: int
    created_and_lost: int
    visited: int
    visits_lost: int


@contextmanager
def open_both(programs: Path) -> Generator[tuple[Cluster, Standby]]:
    """A primary with an empty database, and its standby, which is asynchronous."""
    with ExitStack() as stack:
        primary = Cluster(programs, **STREAMS)
        stack.callback(primary.remove)
        primary.create()
        primary.start()
        with closing(connect(str(primary.folder))) as connection:
            connection.execute(f"create role {OWNER} login")
            connection.execute(f"create database {DATABASE} owner {OWNER}")
        standby = Standby(programs, primary)
        stack.callback(standby.remove)
        standby.create()
        standby.start()
        yield primary, standby


def require_synchrony(primary: Cluster) -> None:
    """From now on the primary answers once the standby has it, too."""
    with closing(connect(str(primary.folder))) as connection:
        connection.execute("alter system set synchronous_standby_names = '*'")
        connection.execute("select pg_reload_conf()")
        wait_for(lambda: connection.execute(STATE).fetchone() == ("sync",))


def cut_off(standby: Cluster) -> None:
    """It gets nothing more from its primary."""
    with closing(connect(str(standby.folder))) as connection:
        connection.execute("alter system set primary_conninfo = ''")
        connection.execute("select pg_reload_conf()")
        wait_for(lambda: connection.execute(RECEIVERS).fetchone() == (0,))


def fail_over(
    programs: Path, folder: Path, *, is_synchronous: bool, is_behind: bool = False
) -> Outcome:
    """The address names both servers, and nothing of shorty is restarted.

    A standby that `is_behind` was cut off for a while before the primary died.
    """
    with open_both(programs) as (primary, standby), ExitStack() as stack:
        if is_synchronous:
            require_synchrony(primary)
        hosts = f"host={primary.folder},{standby.folder}"
        url = f"postgresql://{OWNER}@/{DATABASE}?{hosts}&target_session_attrs=read-write"
        pair = Pair(folder, url)
        pair.start(stack, is_in_turn=True)
        _, token, _ = pair.add_home()
        callers = [Caller(node.address[1], token) for node in pair.nodes]
        hot = callers[0].create()
        loads = [
            *(Load(stack, caller.create, endures=True) for caller in callers),
            *(Load(stack, lambda each=caller: each.visit(hot), endures=True) for caller in callers),
        ]
        for load in loads:
            load.wait_for_more(AT_LEAST)
        if is_behind:
            cut_off(standby)
            began = monotonic()
            for load in loads:
                load.wait_for_more(AT_LEAST)
            sys.stdout.write(f"behind by {monotonic() - began:.1f} s\n")
        primary.stop("immediate")
        with closing(connect(str(standby.folder))) as connection:
            connection.execute("select pg_promote()")
        for load in loads:
            load.wait_for_more(AT_LEAST)
            load.end()
        assert pair.stop() == [0, 0]
        return compare(standby, hot, loads)


def compare(standby: Cluster, hot: Made, loads: list[Load]) -> Outcome:
    url = f"postgresql://{SUPERUSER}@/{DATABASE}?host={standby.folder}"
    made = [int(each.id) for load in loads for each in load.done if isinstance(each, Made)]
    found = ask_aside(url, FIND_LINKS, made)
    visits = sum(len(load.done) for load in loads) - len(made)
    ((stored,),) = ask_aside(url, COUNT_CLICKS, int(hot.id))
    return Outcome(len(made), len(set(made)) - len(found), visits, max(0, visits - int(stored)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asynchronous", action="store_true")
    parser.add_argument("--behind", action="store_true", help="cut the standby off before")
    asked = parser.parse_args()
    programs = find_programs()
    assert programs
    with tempfile.TemporaryDirectory() as folder:
        outcome = fail_over(
            programs,
            Path(folder),
            is_synchronous=not asked.asynchronous,
            is_behind=asked.behind,
        )
    sys.stdout.write(f"{json.dumps(outcome._asdict())}\n")


if __name__ == "__main__":
    main()
