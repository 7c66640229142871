from shorty.accounts.setup_key import forget_setup_keys, is_setup_key, make_setup_key
from shorty.storage.database import Database
from tests.reading import reader


async def test_a_nodes_setup_key_is_valid_until_it_is_replaced_or_all_are_forgotten(
    db: Database,
) -> None:
    async def make(node: str) -> str:
        return await db.write(lambda tx: make_setup_key(tx, node))

    def are_right(*texts: str) -> list[bool]:
        return [is_setup_key(reader(db), text) for text in texts]

    assert are_right("") == [False]
    first, other = await make("one"), await make("two")
    assert are_right(first, other, f"{first}x", "", "\ud800") == [True, True, False, False, False]
    second = await make("one")
    assert are_right(first, second, other) == [False, True, True]
    rows = reader(db).find_all("select value from server_state")
    assert not [row for row in rows if row["value"] in {first, second, other}]
    await db.write(forget_setup_keys)
    assert are_right(second, other) == [False, False]
