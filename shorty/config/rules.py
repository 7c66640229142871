"""Checks what a setting's type cannot express; normalises IP addresses, hosts, URLs and files."""

import re
from difflib import get_close_matches
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path

import can_ada
from msgspec.structs import replace

from shorty.addresses import fold_host
from shorty.config.conversion import Faults
from shorty.config.settings import (
    UNLIMITED,
    Config,
    DomainConfig,
    GeoConfig,
    LinksConfig,
    Plan,
    PublicLinksConfig,
    ServerConfig,
    SmtpConfig,
    StorageConfig,
    format_host,
)

NODE_NAME = re.compile(r"[A-Za-z0-9._-]{0,63}")
PLAN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
REPORT_MAIL = re.compile(r"mailto:[!-~]+@[!-~]+")
A_HOST = 'a host name without a scheme or path, like "go.example.com"'
A_URL = 'a URL that starts with "https://" or "http://"'


def apply_rules(config: Config, folder: Path, faults: Faults) -> Config:
    """The normalised configuration, with relative paths resolved against `folder`."""
    check_plans(config, faults)
    check_workers(config, faults)
    return replace(
        config,
        server=settle_server(config.server, faults),
        storage=settle_storage(config.storage, folder, faults),
        domains=settle_domains(config.domains, folder, faults),
        links=settle_links(config.links, folder, faults),
        public_links=settle_public_links(config.public_links, faults),
        geo=settle_geo(config.geo, folder, faults),
        smtp=settle_smtp(config.smtp, faults),
    )


def settle_storage(storage: StorageConfig, folder: Path, faults: Faults) -> StorageConfig:
    if not storage.database:
        faults.add("storage.database", "expected the path of a file, or a postgresql:// URL")
        return storage
    if not NODE_NAME.fullmatch(storage.node):
        expected = "a name of up to 63 letters, digits, dots, hyphens and underscores"
        faults.add_value("storage.node", expected, storage.node)
    if storage.is_postgres:
        return replace(storage, folder=str(folder / storage.files))
    own = str(folder / storage.folder) if storage.folder else ""
    return replace(storage, database=str(folder / storage.path), folder=own)


def check_workers(config: Config, faults: Faults) -> None:
    if config.server.workers > 1 and not config.storage.is_postgres:
        faults.add(
            "server.workers",
            "only one process can write to an SQLite file, so that more would gain nothing; leave "
            "it at 1, or use PostgreSQL",
        )


def check_plans(config: Config, faults: Faults) -> None:
    for name in config.plans:
        if not PLAN_NAME.fullmatch(name):
            faults.add(
                f"plans.{name}",
                "a plan name of lower-case letters, digits, hyphens and underscores",
            )
    if config.plans[UNLIMITED] != Plan(name=UNLIMITED):
        faults.add(
            f"plans.{UNLIMITED}", "this plan is built in and has no limits; choose another name"
        )
    if config.defaults.plan not in config.plans:
        near = get_close_matches(config.defaults.plan, config.plans, n=1, cutoff=0)
        expected = f"the name of a plan ({', '.join(config.plans)})"
        faults.add_value("defaults.plan", expected, config.defaults.plan, near=near[0])


def settle_server(server: ServerConfig, faults: Faults) -> ServerConfig:
    host = server.host.strip("[]")
    if fold_host(format_host(host)) is None:
        faults.add_value(
            "server.host", 'an IP address or host name to listen on, like "127.0.0.1"', server.host
        )
    for index, proxy in enumerate(server.trusted_proxies):
        if not is_network(proxy):
            expected = 'an IP address or network, like "10.0.0.0/8"'
            faults.add_value(f"server.trusted_proxies[{index}]", expected, proxy)
    origins = tuple(
        settle_origin(f"server.cors_origins[{index}]", origin, faults)
        for index, origin in enumerate(server.cors_origins)
    )
    return replace(server, host=host, cors_origins=origins)


def is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def settle_origin(path: str, origin: str, faults: Faults) -> str:
    if origin == "*":
        return origin
    url = parse_web_url(origin)
    if url is None or url.pathname != "/" or url.search or url.hash:
        faults.add_value(path, '"*" or an origin, like "https://app.example.com"', origin)
        return origin
    return url.origin


def settle_domains(
    domains: tuple[DomainConfig, ...], folder: Path, faults: Faults
) -> tuple[DomainConfig, ...]:
    settled = tuple(
        settle_domain(f"domains[{index}]", domain, folder, faults)
        for index, domain in enumerate(domains)
    )
    hosts = [domain.host for domain in settled]
    for index, host in enumerate(hosts):
        if host in hosts[:index]:
            faults.add(f"domains[{index}].host", f'"{host}" is listed twice; list each domain once')
    return settled


def settle_domain(path: str, domain: DomainConfig, folder: Path, faults: Faults) -> DomainConfig:
    return replace(
        domain,
        host=settle_host(f"{path}.host", domain.host, domain.scheme, faults),
        root_redirect=settle_url(f"{path}.root_redirect", domain.root_redirect, faults),
        not_found_redirect=settle_url(
            f"{path}.not_found_redirect", domain.not_found_redirect, faults
        ),
        expired_redirect=settle_url(f"{path}.expired_redirect", domain.expired_redirect, faults),
        apple_app_site_association=settle_file(
            f"{path}.apple_app_site_association", domain.apple_app_site_association, folder, faults
        ),
        asset_links=settle_file(f"{path}.asset_links", domain.asset_links, folder, faults),
    )


def settle_file(path: str, name: str, folder: Path, faults: Faults) -> str:
    """The file's whole path; empty stays empty."""
    if not name:
        return ""
    file = folder / name
    check_readable(path, file, faults)
    return str(file)


def settle_url(path: str, text: str, faults: Faults) -> str:
    """The URL as browsers write it; an empty one stays empty."""
    url = parse_web_url(text) if text else None
    if text and url is None:
        faults.add_value(path, A_URL, text)
    return url.href if url else text


def settle_host(path: str, text: str, scheme: str, faults: Faults) -> str:
    """In lower case and punycode, without the scheme's default port."""
    host = fold_host(text, scheme)
    if host is None:
        faults.add_value(path, A_HOST, text)
    return host or text


def parse_web_url(text: str) -> can_ada.URL | None:
    try:
        url = can_ada.parse(text)
    except ValueError:
        return None
    return url if url.protocol in {"http:", "https:"} and url.hostname else None


def settle_links(links: LinksConfig, folder: Path, faults: Faults) -> LinksConfig:
    hosts = tuple(
        settle_host(f"links.blocked_hosts[{index}]", host.removeprefix("*."), "https", faults)
        for index, host in enumerate(links.blocked_hosts)
    )
    files = tuple(folder / file for file in links.blocked_hosts_files)
    for index, file in enumerate(files):
        check_readable(f"links.blocked_hosts_files[{index}]", file, faults)
    return replace(links, blocked_hosts=hosts, blocked_hosts_files=files)


def settle_public_links(links: PublicLinksConfig, faults: Faults) -> PublicLinksConfig:
    url = links.report_url.strip()
    if url and parse_web_url(url) is None and not REPORT_MAIL.fullmatch(url):
        faults.add_value("public_links.report_url", f'{A_URL} or "mailto:"', links.report_url)
        return links
    report_url = url if not url or REPORT_MAIL.fullmatch(url) else can_ada.parse(url).href
    return replace(links, report_url=report_url)


def settle_geo(geo: GeoConfig, folder: Path, faults: Faults) -> GeoConfig:
    return GeoConfig(database=settle_file("geo.database", geo.database, folder, faults))


def settle_smtp(smtp: SmtpConfig, faults: Faults) -> SmtpConfig:
    if smtp.host and not is_sender(smtp.sender):
        expected = 'a sender, like "shorty@example.com" or "Shorty <shorty@example.com>"'
        faults.add_value("smtp.sender", expected, smtp.sender)
    return replace(smtp, host=smtp.host.strip("[]"))


def is_sender(text: str) -> bool:
    local, _, host = parseaddr(text)[1].rpartition("@")
    return bool(local and host) and text.isprintable()


def check_readable(path: str, file: Path, faults: Faults) -> None:
    try:
        file.open("rb").close()
    except OSError as error:
        faults.add(path, f"cannot read {file} ({error.strerror})")
