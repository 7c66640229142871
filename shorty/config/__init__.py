"""What the settings are (`settings`), where they come from (`reader`), what is wrong (`faults`).

Everyone else imports from here: `from shorty.config import Config, load_config`.
"""

from shorty.config.settings import (
    UNLIMITED,
    Config,
    DefaultsConfig,
    DomainConfig,
    LinksConfig,
    MetricsConfig,
    Plan,
    PrivacyConfig,
    PublicLinksConfig,
    ServedDomain,
    ServerConfig,
    StorageConfig,
    WebhooksConfig,
    format_host,
    is_loopback,
    split_port,
)

__all__ = [
    "UNLIMITED",
    "Config",
    "DefaultsConfig",
    "DomainConfig",
    "LinksConfig",
    "MetricsConfig",
    "Plan",
    "PrivacyConfig",
    "PublicLinksConfig",
    "ServedDomain",
    "ServerConfig",
    "StorageConfig",
    "WebhooksConfig",
    "format_host",
    "is_loopback",
    "split_port",
]
