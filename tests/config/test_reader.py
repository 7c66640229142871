"""Where settings come from, which of them wins, and what a faulty one is told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from shorty.config import Config, DomainConfig, Plan, StorageConfig, find_config_file, load_config
from shorty.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "shorty.toml"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str) -> Path:
        file = tmp_path / "shorty.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write_file


def read_complaint(file: Path | None, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as refused:
        load_config(file, environ or {})
    return refused.value.message


def test_without_a_file_the_defaults_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(None, {})
    assert config == replace(
        Config(), storage=StorageConfig(database=str(tmp_path / "data" / "shorty.db"))
    )
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8000)


def test_the_shipped_file_says_what_the_defaults_are() -> None:
    shipped = load_config(SHIPPED, {})
    database = SHIPPED.parent / "data" / "shorty.db"
    assert shipped == replace(Config(), storage=StorageConfig(database=str(database)))


def test_a_file_in_the_working_directory_is_found(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("[server]\nport = 9000")
    monkeypatch.chdir(tmp_path)
    assert load_config(None, {}).server.port == 9000


def test_the_option_names_the_file_before_the_variable(tmp_path: Path) -> None:
    environ = {"SHORTY_CONFIG": str(tmp_path / "variable.toml")}
    assert find_config_file(None, environ) == tmp_path / "variable.toml"
    assert find_config_file(tmp_path / "option.toml", environ) == tmp_path / "option.toml"


def test_a_variable_wins_over_the_file_and_an_option_over_both(write: Write) -> None:
    file = write("[server]\nport = 9000\nhost = '::1'")
    environ = {"SHORTY_SERVER__PORT": "9001", "HOME": "/root"}
    assert load_config(file, environ).server.port == 9001
    chosen = load_config(file, environ, port=9002, host="10.0.0.2")
    assert (chosen.server.host, chosen.server.port) == ("10.0.0.2", 9002)
    with pytest.raises(ConfigError, match=r"server\.workers \(--workers\): only one process"):
        load_config(file, environ, workers=2)


def test_relative_paths_count_from_the_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("bad.example")
    file = write(
        '[storage]\ndatabase = "here.db"\n[links]\nblocked_hosts_files = ["bad.txt"]'
        '\n[geo]\ndatabase = "bad.txt"\n[[domains]]\nhost = "go.example"\nasset_links = "bad.txt"'
    )
    config = load_config(file, {})
    assert config.storage.path == tmp_path / "here.db"
    assert config.links.blocked_hosts_files == (tmp_path / "bad.txt",)
    assert config.geo.path == tmp_path / "bad.txt"
    assert config.domains[0].asset_links == str(tmp_path / "bad.txt")
    assert config.domains[0].apple_app_site_association == ""
    elsewhere = {"SHORTY_STORAGE__DATABASE": "/srv/shorty.db"}
    assert load_config(file, elsewhere).storage.path == Path("/srv/shorty.db")


def test_domains_get_one_spelling_and_their_scheme(write: Write) -> None:
    file = write(
        """
        [[domains]]
        host = "Go.Bücher.example:443"
        root_redirect = "https://example.com"
        [[domains]]
        host = "localhost:8000"
        """
    )
    assert load_config(file, {}).domains == (
        DomainConfig(
            host="go.xn--bcher-kva.example", scheme="https", root_redirect="https://example.com/"
        ),
        DomainConfig(host="localhost:8000", scheme="http"),
    )


def test_a_plan_of_the_file_replaces_the_built_in_one(write: Write) -> None:
    plans = load_config(write("[plans.free]\nlinks = 5\n[plans.pro]\nwebhooks = false"), {}).plans
    assert plans == {
        "free": Plan(name="free", links=5),
        "pro": Plan(name="pro", webhooks=False),
        "unlimited": Plan(name="unlimited"),
    }


def test_one_message_names_every_fault(write: Write) -> None:
    file = write(
        """
        [server]
        prot = 1
        port = 70000
        [plans.free]
        link = 3
        [links]
        blocked_hosts_files = ["missing.txt"]
        [webhooks]
        timeout_s = "soon"
        """
    )
    message = read_complaint(file, {"SHORTY_PRIVACY__HONOR_DNT": "true"})
    first, *faults = message.split("\n  ")
    missing = file.parent / "missing.txt"
    assert str(file) in first
    assert faults == [
        "SHORTY_PRIVACY__HONOR_DNT: is not a setting; did you mean SHORTY_PRIVACY__HONOUR_DNT?",
        "server.prot: is not a setting; did you mean server.port?",
        "server.port: expected a whole number from 0 to 65535, found 70000",
        "plans.free.link: is not a setting; did you mean plans.free.links?",
        (
            "webhooks.timeout_s: expected a number of seconds greater than 0, at most 31536000, "
            'found "soon"'
        ),
        f"links.blocked_hosts_files[0]: cannot read {missing} (No such file or directory)",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("port = 1", "port: is not a setting; did you mean server.port?"),
        ("[serve]", "serve: is not a setting; did you mean server?"),
        ("[defaults]\nx = 1", "defaults.x: is not a setting; expected one of defaults.plan"),
        ("server = 3", "server: expected a table of settings, found 3"),
        ("plans = 3", "plans: expected tables of settings by name, found 3"),
        ("[plans]\nfree = 3", "plans.free: expected a table of settings, found 3"),
        ("[privacy]\nhonour_dnt = 1", "privacy.honour_dnt: expected true or false, found 1"),
        (
            "[links]\nblocked_hosts = 'a.b'",
            'blocked_hosts: expected a list, each item text, found "a.b"',
        ),
        ("[links]\nblocked_hosts = ['a.b', 3]", "links.blocked_hosts[1]: expected text, found 3"),
        ("[links]\nblocked_hosts = ['http://a.b']", "blocked_hosts[0]: expected a host name"),
        ("[links]\nslug_length = 2", "slug_length: expected a whole number from 3 to 64, found 2"),
        ("[server]\nhost = ''", "server.host: expected an IP address or host name to listen on"),
        (
            "[server]\nhost = 'http://a.b'",
            "server.host: expected an IP address or host name to listen on",
        ),
        ("[server]\ntrusted_proxies = ['proxy']", "trusted_proxies[0]: expected an IP address or"),
        (
            "[server]\ncors_origins = ['https://a.b/x']",
            'cors_origins[0]: expected "*" or an origin',
        ),
        ("[server]\nworkers = 0", "server.workers: expected a whole number from 1 to 64"),
        ("[server]\nworkers = 2", "server.workers: only one process can write to an SQLite file"),
        ("[storage]\ndatabase = ''", "storage.database: expected the path of a file"),
        ("[[domains]]\nscheme = 'http'", "domains[0].host: is missing; expected text"),
        ("[[domains]]\nhost = 'https://a.b'", "domains[0].host: expected a host name without"),
        ("[[domains]]\nhost = 'a.b/c'", "domains[0].host: expected a host name without"),
        ("[[domains]]\nhost = 3", "domains[0].host: expected text, found 3"),
        (
            "[[domains]]\nhost='a.b'\nscheme='ftp'",
            'scheme: expected "http" or "https", found "ftp"',
        ),
        ("[[domains]]\nhost='a.b'\nroot_redirect='/x'", "root_redirect: expected a URL that"),
        (
            "[[domains]]\nhost='a.b'\n[[domains]]\nhost='A.b'",
            'domains[1].host: "a.b" is listed twice',
        ),
        ("[plans.unlimited]\nlinks = 3", "plans.unlimited: this plan is built in"),
        ("[plans.'a b']\nlinks = 3", "plans.a b: a plan name of lower-case letters"),
        ("[plans.free]\nlinks = -1", "plans.free.links: expected a whole number from 0 to"),
        (
            "[webhooks]\nretries_s = [0]",
            "webhooks.retries_s[0]: expected a number of seconds greater than",
        ),
        ("[metrics]\ntoken = 12345", "metrics.token: expected text, found something else"),
        (
            "[defaults]\nplan = 'fre'",
            "defaults.plan: expected the name of a plan (free, unlimited)",
        ),
    ],
)
def test_a_faulty_setting_is_named_and_explained(write: Write, text: str, complaint: str) -> None:
    assert complaint in read_complaint(write(text))


def test_the_nearest_plan_is_named(write: Write) -> None:
    complaint = read_complaint(write("[plans.pro]\n[defaults]\nplan = 'prro'"))
    assert complaint.endswith('found "prro"; did you mean pro?')


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[server]\nport = \n", "line 2: invalid TOML: Invalid value."),
        ("[server]\n\nhost = '''", "line 3: invalid TOML: Expected \"'''\"."),
        ("[server]\n[server]", "line 2: invalid TOML: Cannot declare ('server',) twice."),
    ],
)
def test_a_syntax_fault_is_found_by_its_line(write: Write, text: str, complaint: str) -> None:
    file = write(text)
    assert read_complaint(file) == f"{file}, {complaint}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.toml"
    assert read_complaint(missing) == (
        f"Cannot read the configuration {missing}: No such file or directory."
    )
    assert "Is a directory" in read_complaint(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# caf\xe9")
    assert read_complaint(latin).endswith("it is not UTF-8 text.")
