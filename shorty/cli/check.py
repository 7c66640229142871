"""`shorty check`: checks the configuration and the database, and says how to fix what is wrong."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from threading import Thread
from typing import Final

import rich_click as click

from shorty.cli.database_checks import check_database, check_folders, check_journal
from shorty.cli.options import config_option, find_named_config, read_config
from shorty.config import Config, ServedDomain, find_config_file, is_loopback, split_port
from shorty.errors import ConfigError
from shorty.storage.findings import Finding, Verdict, note, ok, wrong

ANSWER_TIMEOUT_S: Final = 3
COLOURS: Final[dict[Verdict, str]] = {"ok": "green", "note": "yellow", "error": "red"}


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
    yield from check_folders(config.storage)
    yield from check_journal(config.storage)
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
