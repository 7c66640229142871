"""The list of all settings: every section and key of shorty.toml, its type and its default."""

import os
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, field
from msgspec.structs import FieldInfo, fields, force_setattr, replace

Port: TypeAlias = Annotated[int, Meta(ge=0, le=65535)]
Workers: TypeAlias = Annotated[int, Meta(ge=1, le=64)]
PositiveInt: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Limit: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000_000)] | None
Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=31_536_000)]
Scheme: TypeAlias = Literal["http", "https", ""]
LogFormat: TypeAlias = Literal["console", "json"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]

UNLIMITED = "unlimited"
HTTP_PORT = 80
POSTGRES_SCHEMES = ("postgresql://", "postgres://")
LISTEN_ON_ALL = (str(IPv4Address(0)), str(IPv6Address(0)))


class ServerConfig(Struct, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: Port = 8000  # 0: any free port
    workers: Workers = 1  # processes that answer requests; several on PostgreSQL alone
    trusted_proxies: tuple[str, ...] = ("127.0.0.1",)
    cors_origins: tuple[str, ...] = ("*",)
    requests_per_minute: PositiveInt = 6000  # per token, if the plan has no limit of its own
    hsts: bool = False

    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(proxy, strict=False) for proxy in self.trusted_proxies)


class StorageConfig(Struct, frozen=True, kw_only=True):
    """Where everything is kept: an SQLite file, or a PostgreSQL database by its URL."""

    database: str = "data/shorty.db"
    folder: str = ""  # the node's own files; empty: the SQLite file's folder, or data
    node: str = ""  # empty: the host's name
    listen: str = ""  # where PostgreSQL is heard directly, if the database is behind a pool
    stale_s: Seconds = 600  # how long redirects go on from the cache without PostgreSQL

    @property
    def is_postgres(self) -> bool:
        return self.database.startswith(POSTGRES_SCHEMES)

    @property
    def direct(self) -> str:
        """The database where no pool of connections stands between, which cannot do everything."""
        return (self.is_postgres and self.listen) or self.database

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(self.database)

    @property
    def files(self) -> Path:
        """The folder of the node's own files: the journal, imports and the visitor key."""
        return Path(self.folder or ("data" if self.is_postgres else self.path.parent))

    @property
    def lock(self) -> Path:
        """What one server at a time holds: the SQLite file, or the node's own folder."""
        return self.place("node") if self.is_postgres else self.path

    def divide(self, number: int) -> "StorageConfig":
        """The part of one of several workers: a node of its own, with its own name and folder."""
        name = f"{self.node or os.uname().nodename}-{number}"
        return replace(self, node=name, folder=str(self.files / str(number)))

    def place(self, ending: str) -> Path:
        """One of the node's own files or folders, such as its journal."""
        name = "shorty" if self.is_postgres else self.path.name
        return self.files / f"{name}.{ending}"


class DomainConfig(Struct, frozen=True, kw_only=True):
    """A domain of the operator's; an empty scheme becomes https, or http on localhost."""

    host: str
    scheme: Scheme = ""
    root_redirect: str = ""
    not_found_redirect: str = ""
    expired_redirect: str = ""
    apple_app_site_association: str = ""  # paths of JSON files; empty: none
    asset_links: str = ""

    def __post_init__(self) -> None:
        if not self.scheme:
            force_setattr(self, "scheme", "http" if is_loopback(self.host) else "https")


class ServedDomain(DomainConfig, frozen=True, kw_only=True):
    """A domain as it is served."""

    follows_server: bool = False  # the built-in one, whose host changes with --host and --port


class Plan(Struct, frozen=True, kw_only=True):
    """What a workspace may use; None means no limit. Monthly limits follow the UTC month."""

    name: str = ""
    links: Limit = None
    links_per_month: Limit = None
    edits_per_month: Limit = None
    qr_codes: Limit = None
    bio_pages: Limit = None
    domains: Limit = None
    members: Limit = None
    webhooks: bool = True
    requests_per_minute: PositiveInt | None = None
    click_retention_days: PositiveInt | None = None


class DefaultsConfig(Struct, frozen=True, kw_only=True):
    plan: str = UNLIMITED
    workspaces_per_person: PositiveInt = 10  # that they own


class LinksConfig(Struct, frozen=True, kw_only=True):
    slug_length: Annotated[int, Meta(ge=3, le=64)] = 6
    blocked_hosts: tuple[str, ...] = ("malware.example",)
    blocked_hosts_files: tuple[Path, ...] = ()
    allow_private_destinations: bool = True
    forgiving: bool = True


class PublicLinksConfig(Struct, frozen=True, kw_only=True):
    enabled: bool = False
    per_hour_per_address: PositiveInt = 20
    report_url: str = ""


class WebhooksConfig(Struct, frozen=True, kw_only=True):
    allow_private: bool = False
    concurrency: PositiveInt = 16
    timeout_s: Seconds = 10.0
    retries_s: tuple[Seconds, ...] = (5, 30, 120, 600, 3600, 21600, 86400)


class PrivacyConfig(Struct, frozen=True, kw_only=True):
    honour_dnt: bool = True


class DashboardConfig(Struct, frozen=True, kw_only=True):
    at_root: bool = False


class GeoConfig(Struct, frozen=True, kw_only=True):
    database: str = ""  # a path; empty: the included data

    @property
    def path(self) -> Path | None:
        return Path(self.database) if self.database else None


class SmtpConfig(Struct, frozen=True, kw_only=True):
    """With an empty host, no mail is sent."""

    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""  # empty: no authentication
    password: str = ""
    sender: str = ""  # an email, or "Name <email>"


class LogConfig(Struct, frozen=True, kw_only=True):
    format: LogFormat = "console"
    level: LogLevel = "info"
    access: bool = False  # a line for each request


class MetricsConfig(Struct, frozen=True, kw_only=True):
    token: str = ""


def build_default_plans() -> dict[str, Plan]:
    free = Plan(
        links=1000,
        links_per_month=500,
        edits_per_month=1000,
        qr_codes=100,
        bio_pages=3,
        domains=2,
        members=3,
        requests_per_minute=100,
        click_retention_days=365,
    )
    return {"free": free}


class Config(Struct, frozen=True, kw_only=True):
    server: ServerConfig = field(default_factory=ServerConfig)
    storage: StorageConfig = field(default_factory=StorageConfig)
    domains: tuple[DomainConfig, ...] = ()
    plans: dict[str, Plan] = field(default_factory=build_default_plans)
    defaults: DefaultsConfig = field(default_factory=DefaultsConfig)
    links: LinksConfig = field(default_factory=LinksConfig)
    public_links: PublicLinksConfig = field(default_factory=PublicLinksConfig)
    webhooks: WebhooksConfig = field(default_factory=WebhooksConfig)
    privacy: PrivacyConfig = field(default_factory=PrivacyConfig)
    dashboard: DashboardConfig = field(default_factory=DashboardConfig)
    geo: GeoConfig = field(default_factory=GeoConfig)
    smtp: SmtpConfig = field(default_factory=SmtpConfig)
    log: LogConfig = field(default_factory=LogConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)

    def __post_init__(self) -> None:
        plans = {name: replace(plan, name=name) for name, plan in self.plans.items()}
        plans.setdefault(UNLIMITED, Plan(name=UNLIMITED))
        force_setattr(self, "plans", plans)

    def served_domains(self) -> tuple[ServedDomain, ...]:
        """The operator's domains, the default one first; without any, the built-in one."""
        if not self.domains:
            return (build_own_domain(self.server),)
        return tuple(
            ServedDomain(
                host=domain.host,
                scheme=domain.scheme,
                root_redirect=domain.root_redirect,
                not_found_redirect=domain.not_found_redirect,
                expired_redirect=domain.expired_redirect,
                apple_app_site_association=domain.apple_app_site_association,
                asset_links=domain.asset_links,
            )
            for domain in self.domains
        )


def list_settings(struct: type[Struct]) -> tuple[FieldInfo, ...]:
    """The keys of a section; a plan's name is its table's name, not a key."""
    return tuple(item for item in fields(struct) if struct is not Plan or item.name != "name")


def list_paths(plans: Iterable[str]) -> dict[str, Any]:
    """Every setting's path with its type: `server.port`, `domains`, `plans.free.links` …"""
    paths: dict[str, Any] = {}
    for section in fields(Config):
        if section.name == "plans":
            for plan in plans:
                paths |= {f"plans.{plan}.{key.name}": key.type for key in list_settings(Plan)}
        elif section.name == "domains":
            paths["domains"] = section.type
        else:
            paths |= {f"{section.name}.{key.name}": key.type for key in list_settings(section.type)}
    return paths


def build_own_domain(server: ServerConfig) -> ServedDomain:
    """The built-in domain: `localhost:PORT` if that reaches the server, else its host.

    Port 80 is left out, as browsers do.
    """
    port = "" if server.port == HTTP_PORT else f":{server.port}"
    own = format_host(server.host)
    reached_by_loopback = is_loopback(own) or server.host in LISTEN_ON_ALL
    host = "localhost" if reached_by_loopback else own
    return ServedDomain(host=f"{host}{port}", scheme="http", follows_server=True)


def format_host(address: str) -> str:
    """A host as a URL writes it: IPv6 in brackets, names in lower case."""
    if ":" in address and not address.startswith("["):
        return f"[{address.lower()}]"
    return address.lower()


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine by name or address."""
    name = split_port(host)[0].strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def split_port(host: str) -> tuple[str, str]:
    """`name:80` or `[::1]:80` into name and port; the port is empty if there is none."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]") or not port.isdigit():
        return host, ""
    return name, port
