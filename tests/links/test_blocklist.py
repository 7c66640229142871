"""Which hosts are not allowed as destinations."""

from pathlib import Path

import pytest

from shorty.config import LinksConfig
from shorty.errors import StartError
from shorty.links.blocklist import BlockList, read_block_list
from shorty.links.destination import destination_host


@pytest.mark.parametrize(
    ("host", "is_blocked"),
    [
        ("evil.example", True),
        ("www.evil.example", True),
        ("a.b.evil.example", True),
        ("notevil.example", False),
        ("evil.example.org", False),
        ("example", False),
        ("xn--bse-sna.example", True),
        ("203.0.113.9", True),
        ("", False),
    ],
)
def test_a_blocked_host_blocks_its_subdomains(host: str, *, is_blocked: bool) -> None:
    blocked = BlockList(["Evil.Example.", "böse.example", "203.0.113.9", "", "*.", "localhost"])
    assert len(blocked) == 3
    assert blocked.is_blocked(host) == is_blocked


@pytest.mark.parametrize(
    ("listed", "destination"),
    [
        ("0x7f.1", "http://127.0.0.1/"),
        ("203.0.113.0x9", "http://203.0.113.9/"),
        ("2001:DB8:0:0::9", "http://[2001:db8::9]/"),
        ("[2001:db8:0::9]", "http://[2001:db8::9]:8080/"),
        ("evil.example:8080", "https://evil.example/"),
        ("ev\u00adil.example", "https://evil.example./"),
        ("%65vil.example", "https://fine.example/"),
    ],
)
def test_a_host_is_blocked_however_it_is_listed(listed: str, destination: str) -> None:
    is_blocked = BlockList([listed]).is_blocked(destination_host(destination))
    assert is_blocked == ("fine" not in destination)


def test_hosts_files_and_plain_lists_are_read(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(
        "# a hosts file\n127.0.0.1 localhost\n0.0.0.0 ads.example tracker.example # both\n::1 x.y\n"
    )
    plain = tmp_path / "plain"
    plain.write_text("malware.test\n*.wild.test\n\n")
    blocked = read_block_list(
        LinksConfig(blocked_hosts=("own.example",), blocked_hosts_files=(hosts, plain))
    )
    for host in ("own.example", "ads.example", "tracker.example", "x.y", "malware.test"):
        assert blocked.is_blocked(host)
    assert blocked.is_blocked("deep.wild.test")
    assert not blocked.is_blocked("localhost")


def test_a_missing_block_list_stops_the_start(tmp_path: Path) -> None:
    config = LinksConfig(blocked_hosts_files=(tmp_path / "none",))
    with pytest.raises(StartError, match="none cannot be read: No such file"):
        read_block_list(config)
