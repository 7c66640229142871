"""`shorty nodes`: the servers that share a PostgreSQL database."""

import rich_click as click

from shorty.cli.options import config_option, json_option, print_json
from shorty.cli.session import Session, with_database
from shorty.cli.tables import print_table, show_time
from shorty.nodes import Node, forget_node, list_nodes
from shorty.storage.database import Lane
from shorty.webcore.times import format_time


@click.command("nodes")
@click.option(
    "--forget",
    metavar="NAME",
    help="Forget a node that never comes back and whose journal is lost.",
)
@json_option
@config_option
@with_database
async def command(session: Session, *, forget: str | None, as_json: bool) -> None:
    """List the nodes: the servers, or workers of a server, that share a PostgreSQL database.

    A node that was stopped is not listed; one that is silent was killed or cannot reach the
    database. What it has not stored waits in its journal: start it again, or see `shorty adopt`.
    """
    if forget is not None:
        await session.db.write(lambda tx: forget_node(tx, forget, session.now), Lane.CLICKS)
        click.echo(f"Forgot the node {forget}.")
        return
    nodes = await session.db.read(lambda rows: list_nodes(rows, session.now))
    if as_json:
        print_json([describe_node(node) for node in nodes])
        return
    print_table(
        ["NAME", "STATE", "RELEASE", "STARTED", "LAST SEEN", "WAITING", "CLOCK"],
        [
            (
                *(node.name, name_state(node), node.facts.release),
                *map(show_time, (node.started_at, node.seen_at)),
                *(node.facts.waiting, f"{node.ahead_ms:+} ms"),
            )
            for node in nodes
        ],
        empty="No nodes: no server runs on a PostgreSQL database.",
    )


def name_state(node: Node) -> str:
    if not node.is_live:
        return "silent"
    return "keeper" if node.facts.is_keeper else "live"


def describe_node(node: Node) -> dict[str, object]:
    return {
        "name": node.name,
        "state": name_state(node),
        "release": node.facts.release,
        "startedAt": format_time(node.started_at),
        "lastSeenAt": format_time(node.seen_at),
        "waitingVisits": node.facts.waiting,
        "clockAheadMs": node.ahead_ms,
    }
