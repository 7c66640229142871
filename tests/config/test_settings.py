"""Derived settings: schemes, plans, the built-in domain; and their documentation."""

import os
import re
from ipaddress import ip_address
from pathlib import Path

import pytest
from msgspec.structs import replace

from shorty.config import Config, DomainConfig, Plan, ServedDomain, ServerConfig, StorageConfig
from shorty.config.environment import name_variable
from shorty.config.settings import list_paths, list_settings, split_port

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "shorty" / "manual" / "configuration.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("host", "scheme"),
    [
        ("go.example", "https"),
        ("localhost", "http"),
        ("localhost:8000", "http"),
        ("a.localhost", "http"),
        ("127.0.0.1:8000", "http"),
        ("[::1]:8000", "http"),
        ("192.168.1.2", "https"),
        ("localhost.example", "https"),
    ],
)
def test_a_domain_without_a_scheme_is_https_but_for_loopback(host: str, scheme: str) -> None:
    assert DomainConfig(host=host).scheme == scheme
    assert DomainConfig(host=host, scheme="https").scheme == "https"


def test_plans_know_their_names_and_unlimited_exists() -> None:
    plans = Config(plans={"free": Plan(links=2)}).plans
    assert plans == {"free": Plan(name="free", links=2), "unlimited": Plan(name="unlimited")}


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("127.0.0.1", 8000, "localhost:8000"),
        ("localhost", 8000, "localhost:8000"),
        ("::1", 8000, "localhost:8000"),
        ("0.0.0.0", 9000, "localhost:9000"),  # noqa: S104
        ("::", 80, "localhost"),
        ("10.0.0.2", 80, "10.0.0.2"),
        ("FD00::2", 81, "[fd00::2]:81"),
    ],
)
def test_the_built_in_domain_follows_the_server(host: str, port: int, expected: str) -> None:
    (domain,) = Config(server=ServerConfig(host=host, port=port)).served_domains()
    assert (domain.host, domain.scheme, domain.follows_server) == (expected, "http", True)


def test_named_domains_take_the_place_of_the_built_in_one() -> None:
    named = (DomainConfig(host="a.b", root_redirect="https://c.d/"), DomainConfig(host="e.f"))
    assert Config(domains=named).served_domains() == (
        ServedDomain(host="a.b", scheme="https", root_redirect="https://c.d/"),
        ServedDomain(host="e.f", scheme="https"),
    )


def test_proxies_are_networks() -> None:
    server = ServerConfig(trusted_proxies=("10.1.2.3/8", "::1"))
    inner, loopback = server.trusted_networks()
    assert ip_address("10.200.0.1") in inner
    assert ip_address("::1") in loopback


def test_a_port_is_told_from_an_address() -> None:
    assert split_port("a.b:80") == ("a.b", "80")
    assert split_port("[::1]:80") == ("[::1]", "80")
    assert split_port("[::1]") == ("[::1]", "")
    assert split_port("a.b") == ("a.b", "")


def list_documented_keys() -> dict[str, str]:
    """Each key of the shipped file by its path, with the comment above it."""
    keys: dict[str, str] = {}
    section, comment = "", ""
    for raw in (ROOT / "shorty.toml").read_text("utf-8").splitlines():
        line = raw.removeprefix("# ") if re.match(r"# (#|\[\[|\w+ = )", raw) else raw
        if heading := re.fullmatch(r"\[+([\w.]+)\]+", line):
            section, comment = heading[1], ""
        elif line.startswith("#"):
            comment += line
        elif key := re.match(r"(\w+) = ", line):
            keys[f"{section}.{key[1]}"] = comment
            comment = ""
    return keys


def list_expected_keys() -> set[str]:
    domain_keys = {f"domains.{key.name}" for key in list_settings(DomainConfig)}
    return (list_paths(["free"]).keys() - {"domains"}) | domain_keys


def test_the_shipped_file_explains_every_key_and_no_other() -> None:
    keys = list_documented_keys()
    assert keys.keys() == list_expected_keys()
    assert [path for path, comment in keys.items() if len(comment) < 20] == []


def test_the_manual_has_a_row_for_every_key_and_no_other() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|.*\| `(SHORTY_\w+)` \|$", MANUAL, re.MULTILINE))
    paths = list_paths(["name"]).keys() - {"domains"}
    expected = {(path.rpartition(".")[2], name_variable(path)) for path in paths}
    expected |= {(key.name, "SHORTY_DOMAINS") for key in list_settings(DomainConfig)}
    assert rows == expected


def test_the_manual_names_the_defaults_of_the_shipped_file() -> None:
    shipped = (ROOT / "shorty.toml").read_text("utf-8")
    for key, default in re.findall(r"^\| `(\w+)` \| `(.*?)` \|", MANUAL, re.MULTILINE):
        assert f"{key} = {default}\n" in shipped, key


def test_each_worker_has_a_name_and_a_folder_of_its_own() -> None:
    storage = StorageConfig(database="postgresql://db.example/shorty", folder="/srv/a", node="a")
    second = storage.divide(2)
    assert (second.database, second.node) == (storage.database, "a-2")
    assert second.lock == Path("/srv/a/2/shorty.node")
    assert replace(storage, node="").divide(1).node == f"{os.uname().nodename}-1"
