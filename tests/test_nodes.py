"""What nodes say of themselves, and what is wrong with them."""

import msgspec
import pytest

from shorty import __version__
from shorty.config import Config, LinksConfig
from shorty.errors import ConflictError, NotFoundError
from shorty.nodes import (
    NodeFacts,
    describe_node,
    digest_settings,
    find_faults,
    forget_node,
    list_nodes,
)
from shorty.storage.database import Database, Lane
from tests.nodes_at_hand import add_node, make_node
from tests.reading import reader
from tests.support import NOW

PUT_JOURNAL = """
insert into journals (journal_id, node, segment, position, stored_batches) values ($1, $2, 1, 8, 0)
"""


async def test_nodes_are_listed_by_name_and_silent_after_five_seconds(db: Database) -> None:
    await add_node(db, "two", NOW - 4999, '{"release":"1","waiting":3,"unheard":[1]}')
    await add_node(db, "one", NOW - 5000)
    one, two = list_nodes(reader(db), NOW)
    assert (one.name, one.is_live, one.silent_ms) == ("one", False, 5000)
    assert (two.name, two.is_live, two.facts) == ("two", True, NodeFacts(release="1", waiting=3))


async def test_a_clock_that_is_behind_hides_no_silence(db: Database) -> None:
    await add_node(db, "live", NOW)
    await add_node(db, "silent", NOW - 60_000)
    assert [node.silent_ms for node in list_nodes(reader(db), NOW - 90_000)] == [0, 60_000]


async def test_a_node_that_never_comes_back_is_forgotten_with_its_journal(db: Database) -> None:
    await add_node(db, "gone", NOW - 5000)
    await add_node(db, "live", NOW)
    for name in ("gone", "live"):
        await db.write(lambda tx, name=name: tx.execute(PUT_JOURNAL, f"of {name}", name))
    with pytest.raises(ConflictError, match="The node live is running"):
        await db.write(lambda tx: forget_node(tx, "live", NOW), Lane.CLICKS)
    with pytest.raises(NotFoundError, match="Node none not found"):
        await db.write(lambda tx: forget_node(tx, "none", NOW), Lane.CLICKS)
    await db.write(lambda tx: forget_node(tx, "gone", NOW), Lane.CLICKS)
    assert [node.name for node in list_nodes(reader(db), NOW)] == ["live"]
    assert [row["node"] for row in reader(db).find_all("select node from journals")] == ["live"]


def test_a_node_describes_its_release_and_settings() -> None:
    facts = describe_node(Config(), schema=40, waiting=2, is_keeper=True)
    assert (facts.release, facts.schema) == (__version__, 40)
    assert (facts.waiting, facts.is_keeper) == (2, True)
    longer = Config(links=LinksConfig(slug_length=9))
    other = describe_node(longer, schema=40, waiting=0, is_keeper=False)
    assert {name for name, digest in facts.settings.items() if other.settings[name] != digest} == {
        "links"
    }
    assert NodeFacts() == msgspec.json.decode(b'{"of": "a later release"}', type=NodeFacts)


def test_faults_say_what_to_do() -> None:
    settings = dict(digest_settings(Config()))
    fine = NodeFacts(release="1.10.0", settings=settings)
    others = NodeFacts(release="1.10.0", settings=settings | {"plans": "x", "later": "y"})
    nodes = [
        make_node(name="fine", facts=fine, ahead_ms=-499),
        make_node(name="gone", silent_ms=5000, facts=NodeFacts(release="0.9", waiting=7)),
        make_node(name="fast", facts=fine, ahead_ms=500),
        make_node(name="slow", facts=fine, ahead_ms=-1500),
        make_node(name="odd", facts=others),
        make_node(name="old", facts=NodeFacts(release="1.9.0", settings=settings)),
    ]
    assert list(find_faults(nodes, settings)) == [
        (
            "the node gone has been silent for 5 s, and the clicks of its last moments wait in its "
            "journal; start it again, or take over its folder with `shorty adopt`"
        ),
        "the clock of the node fast is 0.5 s ahead of the database's; synchronise them with NTP",
        "the clock of the node slow is 1.5 s behind the database's; synchronise them with NTP",
        "the node odd has other settings in [plans]",
        "the node old runs the release 1.9.0, not 1.10.0",
    ]
    assert list(find_faults(nodes[:1], settings)) == []
