"""What `shorty check` finds on the disk and in the database, of either engine."""

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from shorty.accounts.service import can_anyone_sign_in, find_unknown_plans
from shorty.cli.backup_checks import (
    list_database_faults,
    list_refused_destinations,
    list_url_faults,
)
from shorty.clicks.journal import Journal
from shorty.clock import read_clock
from shorty.config import Config, StorageConfig
from shorty.databases import load_postgres, open_database
from shorty.errors import StartError
from shorty.links.checks import read_link_rules
from shorty.nodes import digest_settings, find_faults, list_nodes
from shorty.sqlite.connections import Connection, SqliteError, connect
from shorty.sqlite.inspection import SqliteColumns
from shorty.sqlite.migrations import find_history_fault, list_migrations, read_applied
from shorty.storage.findings import Finding, StoredColumns, note, ok, wrong
from shorty.storage.text import limit_findings

ENOUGH_SPACE: Final = 1 << 30
TOO_LITTLE_SPACE: Final = 100 << 20


def check_folders(storage: StorageConfig) -> Iterator[Finding]:
    """Where the node keeps its own files, and where the SQLite file is."""
    folders = {} if storage.is_postgres else {storage.path.parent: "database"}
    for folder, setting in ({storage.files: "folder"} | folders).items():
        yield from check_folder(folder, setting)


def check_folder(folder: Path, setting: str) -> Iterator[Finding]:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(existing, os.W_OK | os.X_OK) or not existing.is_dir():
        yield wrong(
            f"Data folder: this user cannot write to {existing}; change its owner, or choose "
            f"another folder in [storage] {setting}."
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


def check_journal(storage: StorageConfig) -> Iterator[Finding]:
    folder = storage.place("journal")
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
    if config.storage.is_postgres:
        yield from check_server(config)
    else:
        yield from check_file(config)


def check_server(config: Config) -> Iterator[Finding]:
    try:
        engine = load_postgres()
    except StartError as error:
        yield wrong(f"Database: {error.message}")
        return
    if not (yield from engine.list_findings(config.storage, time.time)):
        return
    yield from asyncio.run(check_accounts(config))
    with engine.open_columns(config.storage) as columns:
        faults = limit_findings(list_url_faults(columns))
        for text in faults:
            yield wrong(f"Database: {text}; undo this change or restore a backup.")
        if not faults:
            yield from check_destinations(columns, config)


def check_file(config: Config) -> Iterator[Finding]:
    path = config.storage.path
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
    except SqliteError as error:
        yield wrong(f"Database: {path} is damaged ({error}); restore a backup.")
        return


def inspect_database(connection: Connection, config: Config) -> Iterator[Finding]:
    path = config.storage.path
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
    yield from check_destinations(SqliteColumns(connection), config)


def check_destinations(columns: StoredColumns, config: Config) -> Iterator[Finding]:
    try:
        rules = read_link_rules(config)
    except StartError as error:
        yield wrong(f"Links: {error.message}")
        return
    for text in limit_findings(list_refused_destinations(columns, rules)):
        yield note(f"Links: {text}; new links could not use this destination.")


async def check_accounts(config: Config) -> list[Finding]:
    db = await open_database(config.storage, is_command=True)
    try:
        unknown = await find_unknown_plans(db, config.plans)
        can_sign_in = await db.read(can_anyone_sign_in)
        nodes = await db.read(lambda rows: list_nodes(rows, read_clock()))
    finally:
        await db.close()
    findings = [
        wrong(
            f"Plans: workspaces have the plan {plan!r}, which is not in the configuration, so "
            f"they have no limits; add [plans.{plan}]."
        )
        for plan in unknown
    ]
    settings = dict(digest_settings(config))
    findings += [note(f"Nodes: {fault}.") for fault in find_faults(nodes, settings)]
    if not can_sign_in:
        findings.append(
            note(
                "Accounts: no one can sign in yet; create an account with `shorty user add EMAIL`."
            )
        )
    return findings
