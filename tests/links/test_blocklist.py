"""Which hosts no link may lead to."""

from pathlib import Path

import pytest

from shorty.config import LinksConfig
from shorty.errors import StartError
from shorty.links.blocklist import BlockList, read_block_list


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
