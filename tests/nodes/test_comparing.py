"""Tests that the comparison finds each way in which something can be lost, doubled or too much."""

from typing import Any, Final

import pytest
from msgspec.structs import replace

from tests.nodes.comparing import Stored, StoredLink, StoredWorkspace, list_faults
from tests.nodes.ledger import Ledger
from tests.nodes.site import SMALL_PLAN_LINKS

URL: Final = "https://example.com/"
LINK: Final = StoredLink("sale", "1", URL, True, 3, 3, 3, 2)
STORED: Final = Stored(
    links=[LINK],
    workspaces=[StoredWorkspace(1, 3, 3)],
    others=0,
    days=1,
    small=(2, 2),
    deliveries=[("msg_1", 1), ("msg_2", 2), ("msg_3", 3)],
)


def make_ledger(**changes: Any) -> Ledger:
    """Three visits of two visitors were answered, one more is in doubt."""
    ledger = Ledger()
    entry = ledger.add(
        "sale", id="1", urls={URL}, may_be_gone=False, limit=3, has_webhook=True, answered=3
    )
    entry.visitors = {"192.0.2.1", "192.0.2.2"}
    for name, value in changes.items():
        setattr(entry, name, value)
    ledger.small_created, ledger.small_deleted = 3, 1
    return ledger


def find(stored: Stored = STORED, ledger: Ledger | None = None, **options: Any) -> list[str]:
    received = options.pop("received", stored.deliveries)
    return list_faults(ledger or make_ledger(), stored, received, **options)


def change(**changes: Any) -> Stored:
    return replace(STORED, links=[replace(LINK, **changes)])


def test_what_is_exact_is_no_fault() -> None:
    assert find() == []
    assert find(ledger=make_ledger(answered=2, doubtful=1)) == []


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (change(clicks=2), "2 clicks are stored, 3 were answered"),
        (change(clicks=4), "4 clicks of at most 3"),
        (change(total=4), "its counter says 4"),
        (change(rolled_up=2), "its sums 2"),
        (change(visitors=1), "1 visitors are stored, 2 to 2 came"),
        (change(visitors=3), "3 visitors are stored, 2 to 2 came"),
        (change(is_live=False), "was created and is not there"),
        (change(url="https://b.example/"), "leads to https://b.example/"),
        (change(id="2"), "has the id 2"),
        (change(slug="other"), "other is there, and nobody created it"),
        (replace(STORED, others=1), "as those of programs"),
        (replace(STORED, workspaces=[StoredWorkspace(1, 2, 3)]), "workspace 1"),
        (replace(STORED, small=(2, 3)), "2 links of the plan are used, 3 are there"),
        (replace(STORED, small=(3, 3)), "3 links of the plan are there, 2 were created"),
        (replace(STORED, small=(41, 41)), f"the plan allows {SMALL_PLAN_LINKS}"),
        (replace(STORED, deliveries=STORED.deliveries[:2]), "3 clicks call a webhook, 2 ids"),
    ],
)
def test_what_is_stored_wrongly_is_found(stored: Stored, words: str) -> None:
    assert any(words in fault for fault in find(stored))


@pytest.mark.parametrize(
    ("received", "words"),
    [
        ([("msg_1", 1), ("msg_2", 2)], "3 clicks call a webhook, 2 ids"),
        ([*STORED.deliveries, ("msg_4", 3)], "4 ids of 3 clicks"),
        ([("msg_1", 1), ("msg_2", 2), ("msg_2", 3)], "2 ids of 3 clicks"),
        ([("msg_1", 1), ("msg_2", 2), ("msg_9", 3)], "others than the 3 received"),
    ],
)
def test_a_delivery_is_lost_or_doubled(received: list[tuple[str, int]], words: str) -> None:
    assert any(words in fault for fault in find(received=received))


def test_a_message_that_came_twice_is_one_delivery() -> None:
    assert find(received=[*STORED.deliveries, ("msg_1", 1)]) == []


def test_what_was_deleted_must_be_gone() -> None:
    ledger = make_ledger()
    ledger.entries["sale"].note_deleted()
    assert find(ledger=ledger) == ["sale was deleted or refused, and is there"]
    assert find(change(is_live=False), ledger) == []


def test_a_crashed_database_counts_its_visitors_again() -> None:
    assert find(change(visitors=4), crashes=1) == []
    assert len(find(change(visitors=5), crashes=1)) == 1
