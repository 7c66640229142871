"""`shorty check`: checks the configuration and the database, and says how to fix what is wrong."""

import asyncio
import os
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from typing import Final, NamedTuple

import rich_click as click

from shorty.accounts.service import can_anyone_sign_in, find_unknown_plans
from shorty.cli.options import config_option, find_named_config, read_config
from shorty.clicks.journal import Journal
from shorty.config import Config, ServedDomain, find_config_file, is_loopback, split_port
from shorty.errors import ConfigError, StartError
from shorty.links.rules import read_link_rules
from shorty.storage.connections import connect
from shorty.storage.database import Database
from shorty.storage.inspection import limit_findings
from shorty.storage.migrations import find_history_fault, list_migrations, read_applied
from shorty.transfer.backups import list_database_faults, list_refused_destinations

ENOUGH_SPACE: Final = 1 << 30
TOO_LITTLE_SPACE: Final = 100 << 20
ANSWER_TIMEOUT_S: Final = 3


class Finding(NamedTuple):
    verdict: str
    text: str


def ok(text: str) -> Finding:
    return Finding("ok", text)


def note(text: str) -> Finding:
    return Finding("note", text)


def wrong(text: str) -> Finding:
    return Finding("error", text)


COLOURS: Final = {"ok": "green", "note": "yellow", "error": "red"}


@click.command("check")
@config_option
def command() -> None:
    """Check the configuration and the database, and say how to fix each error.

    Changes nothing; the server can keep running. Exits with 1 if it finds an error.
    """
    has_fault = False
    for verdict, text in list_findings():
        has_fault = has_fault or verdict == "error"
        click.echo(f"{click.style(verdict.ljust(5), fg=COLOURS[verdict])}  {text}")
    sys.exit(1 if has_fault else 0)


def list_findings() -> Iterator[Finding]:
    try:
        config = read_config()
    except ConfigError as error:
        yield wrong(error.message)
        return
    yield describe_config_file()
    yield from check_domains(config)
    yield check_proxies(config)
    yield from check_plans(config)
    yield from check_folder(config.storage.database)
    yield from check_journal(config.storage.database)
    yield from check_database(config)
    yield check_port(config)


def describe_config_file() -> Finding:
    file = find_config_file(find_named_config(), os.environ)
    if file is None:
        return ok("Configuration: no file; using the defaults and SHORTY_ variables.")
    return ok(f"Configuration: {file.absolute()}.")


def check_domains(config: Config) -> Iterator[Finding]:
    for number, domain in enumerate(config.served_domains()):
        role = " (the default)" if number == 0 else ""
        if is_found_by_name(domain):
            yield ok(f"Domain: {domain.scheme}://{domain.host}{role}.")
        else:
            yield note(
                f"Domain: {domain.scheme}://{domain.host}{role} was not found in the DNS from "
                "here; add an A, AAAA or CNAME record that points to this server."
            )


def is_found_by_name(domain: ServedDomain) -> bool:
    name, _ = split_port(domain.host)
    if is_loopback(name):
        return True
    addresses: list[object] = []
    # An unreachable resolver may block its caller for half a minute.
    thread = Thread(target=collect_addresses, args=(name.strip("[]"), addresses), daemon=True)
    thread.start()
    thread.join(ANSWER_TIMEOUT_S)
    return bool(addresses)


def collect_addresses(name: str, addresses: list[object]) -> None:
    with suppress(OSError, UnicodeError):
        addresses += socket.getaddrinfo(name, None)


def check_proxies(config: Config) -> Finding:
    """The server itself speaks only plain http, so https needs a proxy in front."""
    trusted = ", ".join(config.server.trusted_proxies)
    is_needed = any(domain.scheme == "https" for domain in config.served_domains())
    if not is_needed or trusts_neighbours(config):
        return ok(f"Proxies: X-Forwarded-For is trusted from {trusted or 'no proxy'}.")
    return note(
        "Proxies: domains use https, so a proxy must be in front; X-Forwarded-For is trusted "
        f"from {f'{trusted} only' if trusted else 'no proxy'}. If the proxy has another IP "
        "address, add it to [server] trusted_proxies: until then, all clients behind it count as "
        "one."
    )


def trusts_neighbours(config: Config) -> bool:
    """Whether a trusted proxy can reach the IP address that the server listens on."""
    networks = config.server.trusted_networks()
    if is_loopback(config.server.host):
        return any(network.is_loopback for network in networks)
    return any(not network.is_loopback for network in networks)


def check_plans(config: Config) -> Iterator[Finding]:
    yield ok(f"Plans: {', '.join(config.plans)}; new workspaces get {config.defaults.plan!r}.")


def check_folder(database: Path) -> Iterator[Finding]:
    folder = database.parent
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(existing, os.W_OK | os.X_OK) or not existing.is_dir():
        yield wrong(
            f"Data folder: this user cannot write to {existing}; change its owner, or choose "
            "another folder in [storage] database."
        )
        return
    locked = [file.name for file in sorted(folder.glob("*")) if not os.access(file, os.W_OK)]
    if locked:
        yield wrong(f"Data folder: this user cannot write {', '.join(locked)} in {folder}.")
    elif existing == folder:
        yield ok(f"Data folder: {folder} is writable.")
    else:
        yield ok(f"Data folder: `shorty serve` will create {folder}.")
    yield check_space(existing)


def check_space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"Disk: {free >> 20} MiB are free for {folder}"
    if free < TOO_LITTLE_SPACE:
        return wrong(f"{text}; clicks are lost once it is full. Free up space.")
    return ok(f"{text}.") if free >= ENOUGH_SPACE else note(f"{text}, which is little.")


def check_journal(database: Path) -> Iterator[Finding]:
    folder = database.with_name(f"{database.name}.journal")
    for damaged in sorted(folder.parent.glob(f"{folder.name}.damaged-*")):
        yield note(
            f"Journal: {damaged} is a damaged part; its readable clicks have been counted. Delete "
            "it when you no longer need it."
        )
    for aside in sorted(folder.parent.glob(f"{folder.name}.set-aside-*")):
        yield note(
            f"Journal: {aside} contains clicks of another state of the database, for example from "
            "before a restore; delete it if you do not need them."
        )
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        yield wrong(f"Journal: this user cannot write to {folder}; change its owner.")
    elif folder.is_dir() and Journal(folder).holds_records():
        yield ok(
            f"Journal: {folder} contains clicks; the server stores them, at the latest when it "
            "starts."
        )
    else:
        yield ok("Journal: no clicks are waiting to be stored.")


def check_database(config: Config) -> Iterator[Finding]:
    path = config.storage.database
    if not path.exists():
        yield ok(f"Database: {path} does not exist yet; `shorty serve` creates it.")
        return
    if not path.is_file():
        yield wrong(
            f"Database: {path} is not a regular file; choose another in [storage] database."
        )
        return
    try:
        with closing(connect(path, read_only=True)) as connection:
            yield from inspect_database(connection, config)
    except sqlite3.Error as error:
        yield wrong(f"Database: {path} is damaged ({error}); restore a backup.")
        return


def inspect_database(connection: sqlite3.Connection, config: Config) -> Iterator[Finding]:
    path = config.storage.database
    applied, latest = read_applied(connection), list_migrations()[-1].version
    version = applied[-1][0] if applied else 0
    if applied and (fault := find_history_fault(connection)):
        yield wrong(f"Database: {path} {fault}.")
        return
    faults = limit_findings(list_database_faults(connection, is_thorough=False))
    for text in faults:
        yield wrong(f"Database: {path}: {text}; restore a backup or undo this change.")
    if faults:
        return
    if version < latest:
        yield ok(f"Database: {path} has schema {version}; `shorty serve` upgrades it to {latest}.")
    else:
        yield ok(f"Database: {path} is sound and has schema {version}.")
        yield from asyncio.run(check_accounts(config))
    yield from check_destinations(connection, config)


def check_destinations(connection: sqlite3.Connection, config: Config) -> Iterator[Finding]:
    try:
        rules = read_link_rules(config)
    except StartError as error:
        yield wrong(f"Links: {error.message}")
        return
    for text in limit_findings(list_refused_destinations(connection, rules)):
        yield note(f"Links: {text}; new links could not use this destination.")


async def check_accounts(config: Config) -> list[Finding]:
    db = await Database.open(config.storage.database)
    try:
        unknown = await find_unknown_plans(db, config.plans)
        can_sign_in = can_anyone_sign_in(db)
    finally:
        await db.close()
    findings = [
        wrong(
            f"Plans: workspaces have the plan {plan!r}, which is not in the configuration, so "
            f"they have no limits; add [plans.{plan}]."
        )
        for plan in unknown
    ]
    if not can_sign_in:
        findings.append(
            note(
                "Accounts: no one can sign in yet; create an account with `shorty user add EMAIL`."
            )
        )
    return findings


def check_port(config: Config) -> Finding:
    host, port = config.server.host, config.server.port
    where = f"Port: {port} on {host}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if answers_health(host, port):
            return ok(f"{where} is in use by a running server.")
        return wrong(
            f"{where} cannot be used ({error.strerror}); choose others in [server] host and port."
        )
    return ok(f"{where} is free; no server is running there.")


def answers_health(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200  # noqa: PLR2004 - OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
