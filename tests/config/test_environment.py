"""Every setting can be given by its variable, and no other SHORTY_ variable passes."""

from pathlib import Path

import pytest

from shorty.config import Config, DomainConfig, Plan, load_config
from shorty.config.environment import name_variable
from shorty.config.settings import list_paths
from shorty.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "shorty.toml"
    file.write_text('[plans.pro-plus]\nlinks = 5\nmembers = 2\n[smtp]\nsender = "a@a.example"')
    return file


ANY = {"SHORTY_STORAGE__DATABASE": "postgresql://db.example/shorty"}  # allows all settings
EXAMPLES = {
    "server.host": ("10.0.0.2", "10.0.0.2"),
    "server.port": ("9000", 9000),
    "server.workers": ("4", 4),
    "server.trusted_proxies": ("10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
    "server.cors_origins": ('["https://a.b"]', ("https://a.b",)),
    "server.requests_per_minute": ("10", 10),
    "server.hsts": ("true", True),
    "storage.database": ("/srv/a.db", "/srv/a.db"),
    "storage.folder": ("/srv/a", "/srv/a"),
    "storage.node": ("a-1", "a-1"),
    "storage.listen": ("postgresql://a/b", "postgresql://a/b"),
    "storage.stale_s": ("60", 60.0),
    "domains": ("a.b,c.d", (DomainConfig(host="a.b"), DomainConfig(host="c.d"))),
    "plans.pro-plus.links": ("", None),
    "plans.pro-plus.links_per_month": ("0", 0),
    "plans.pro-plus.edits_per_month": ("2", 2),
    "plans.pro-plus.qr_codes": ("3", 3),
    "plans.pro-plus.bio_pages": ("4", 4),
    "plans.pro-plus.domains": ("5", 5),
    "plans.pro-plus.members": ("6", 6),
    "plans.pro-plus.webhooks": ("off", False),
    "plans.pro-plus.requests_per_minute": ("7", 7),
    "plans.pro-plus.click_retention_days": ("8", 8),
    "defaults.plan": ("pro-plus", "pro-plus"),
    "defaults.workspaces_per_person": ("3", 3),
    "links.slug_length": ("9", 9),
    "links.blocked_hosts": ("Bad.example,*.worse.example", ("bad.example", "worse.example")),
    "links.blocked_hosts_files": ("/dev/null", (Path("/dev/null"),)),
    "links.allow_private_destinations": ("FALSE", False),
    "links.forgiving": ("false", False),
    "public_links.enabled": ("yes", True),
    "public_links.per_hour_per_address": ("1", 1),
    "public_links.report_url": ("mailto:abuse@a.example", "mailto:abuse@a.example"),
    "webhooks.allow_private": ("on", True),
    "webhooks.concurrency": ("1", 1),
    "webhooks.timeout_s": ("0.5", 0.5),
    "webhooks.retries_s": ("0.1, 2", (0.1, 2.0)),
    "privacy.honour_dnt": ("no", False),
    "dashboard.at_root": ("true", True),
    "geo.database": ("/dev/null", "/dev/null"),
    "smtp.host": ("mail.a.example", "mail.a.example"),
    "smtp.port": ("465", 465),
    "smtp.security": ("tls", "tls"),
    "smtp.username": ("shorty", "shorty"),
    "smtp.password": ("12345", "12345"),
    "smtp.sender": ("Shorty <shorty@a.example>", "Shorty <shorty@a.example>"),
    "log.format": ("json", "json"),
    "log.level": ("warning", "warning"),
    "log.access": ("yes", True),
    "metrics.token": ("12345", "12345"),
}


def read_setting(config: Config, path: str) -> object:
    section, _, key = path.rpartition(".")
    if section.startswith("plans."):
        return getattr(config.plans[section.removeprefix("plans.")], key)
    return getattr(getattr(config, section) if section else config, key)


def test_every_setting_has_an_example_here() -> None:
    assert EXAMPLES.keys() == list_paths(["pro-plus"]).keys()


@pytest.mark.parametrize("path", EXAMPLES)
def test_a_variable_sets_its_setting(file: Path, path: str) -> None:
    text, value = EXAMPLES[path]
    assert read_setting(load_config(file, {}), path) != value
    assert read_setting(load_config(file, ANY | {name_variable(path): text}), path) == value


def test_variables_change_single_keys_of_a_plan(file: Path) -> None:
    plans = load_config(file, {"SHORTY_PLANS__FREE__LINKS": "2"}).plans
    assert (plans["free"].links, plans["free"].links_per_month) == (2, 500)
    assert plans["pro-plus"] == Plan(name="pro-plus", links=5, members=2)


def test_a_variable_makes_a_new_plan(file: Path) -> None:
    environ = {"SHORTY_PLANS__MY_TEAM__LINKS": "2", "SHORTY_DEFAULTS__PLAN": "my_team"}
    config = load_config(file, environ)
    assert config.plans["my_team"] == Plan(name="my_team", links=2)


@pytest.mark.parametrize(
    "text",
    ['[{"host": "a.b", "scheme": "http"}]', '[{host = "a.b", scheme = "http"}]'],
    ids=["json", "toml"],
)
def test_domains_may_be_tables(file: Path, text: str) -> None:
    assert load_config(file, {"SHORTY_DOMAINS": text}).domains == (
        DomainConfig(host="a.b", scheme="http"),
    )


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        (
            "SHORTY_SERVER_PORT",
            "1",
            "SHORTY_SERVER_PORT: is not a setting; did you mean SHORTY_SER",
        ),
        ("SHORTY_PORT", "1", "did you mean SHORTY_SERVER__PORT?"),
        ("SHORTY_PLANS__FREE__LINK", "1", "did you mean SHORTY_PLANS__FREE__LINKS?"),
        ("SHORTY_SERVER__PORT", "x", "server.port (SHORTY_SERVER__PORT): expected a whole number"),
        ("SHORTY_PRIVACY__HONOUR_DNT", "si", 'expected true or false, found "si"'),
        ("SHORTY_WEBHOOKS__RETRIES_S", "1,x", "webhooks.retries_s[1]: expected a number"),
        (
            "SHORTY_DOMAINS",
            "[{",
            "domains (SHORTY_DOMAINS): expected a list, each item a table of set",
        ),
        ("SHORTY_PLANS__UNLIMITED__LINKS", "1", "plans.unlimited: this plan is built in"),
    ],
)
def test_a_faulty_variable_is_refused(file: Path, name: str, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(file, {name: text})
    assert complaint in refused.value.message


def test_a_variable_for_a_broken_section_leaves_the_file_to_blame(tmp_path: Path) -> None:
    file = tmp_path / "shorty.toml"
    file.write_text("server = 3\nplans = 4")
    with pytest.raises(ConfigError, match="server: expected a table of settings, found 3"):
        load_config(file, {"SHORTY_SERVER__PORT": "1", "SHORTY_PLANS__A__LINKS": "1"})


def test_an_option_is_blamed_by_its_name(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"server\.host \(--host\): expected an IP address"):
        load_config(file, {}, host="http://x")
