"""The operator sees who keeps the writes of all nodes waiting."""

from contextlib import closing

import psycopg
import pytest

from shorty.postgres.lanes import NAMESPACE
from shorty.storage import lane_holders
from shorty.storage.database import Lane
from tests.api.house import House
from tests.cluster import write_url
from tests.copies import Databases
from tests.rsgi_client import make_client

LONG = "shorty_lane_held_seconds"


@pytest.mark.postgres_only
async def test_a_transaction_that_stays_in_a_lane_is_named(
    house: House, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = write_url(databases.place, house.app.db.name.rpartition("/")[2])
    async with make_client(house.app, peer="127.0.0.1:4000") as client:
        await house.app.db.notice_changes()
        with closing(psycopg.connect(url, application_name="report")) as holder:
            holder.execute("select pg_advisory_xact_lock(%s, %s)", (NAMESPACE, Lane.WEBHOOKS))
            assert "notes" not in (await client.get("/readyz")).json()
            monkeypatch.setattr(lane_holders, "LONG_S", 0)
            (note,) = (await client.get("/readyz")).json()["notes"]
            assert f"process {holder.info.backend_pid} of the server" in note
            assert "report, idle in transaction) has kept webhooks waiting for 0 s" in note
            held = (await client.get("/metrics")).text.splitlines()
        # What the server itself writes now may be in the other lanes.
        assert {line.split()[0] for line in held if line.startswith(f"{LONG}{{")} == {
            f'{LONG}{{lane="{name}"}}' for name in ("clicks", "webhooks", "main")
        }
        (seconds,) = (
            line.split()[1] for line in held if line.startswith(f'{LONG}{{lane="webhooks"')
        )
        assert float(seconds) > 0
