"""Owns the settings: what they are (`settings`), where they come from (`reader`, `environment`),
and how they are checked (`conversion`, `rules`).

Other packages import from here: `from shorty.config import Config, load_config`.
"""

from shorty.config.reader import find_config_file, load_config
from shorty.config.settings import (
    LISTEN_ON_ALL,
    UNLIMITED,
    Config,
    DashboardConfig,
    DefaultsConfig,
    DomainConfig,
    LinksConfig,
    MetricsConfig,
    Plan,
    PrivacyConfig,
    PublicLinksConfig,
    ServedDomain,
    ServerConfig,
    SmtpConfig,
    StorageConfig,
    WebhooksConfig,
    format_host,
    is_loopback,
    split_port,
)

__all__ = [
    "LISTEN_ON_ALL",
    "UNLIMITED",
    "Config",
    "DashboardConfig",
    "DefaultsConfig",
    "DomainConfig",
    "LinksConfig",
    "MetricsConfig",
    "Plan",
    "PrivacyConfig",
    "PublicLinksConfig",
    "ServedDomain",
    "ServerConfig",
    "SmtpConfig",
    "StorageConfig",
    "WebhooksConfig",
    "find_config_file",
    "format_host",
    "is_loopback",
    "load_config",
    "split_port",
]
