"""Roots get what this machine's pip and apt are told, whatever that is."""

from pathlib import Path

import pytest

from tests.platforms.machine import (
    choose_mirror,
    list_named,
    name_variables,
    read_proxies,
    read_settings,
)

LISTED = """\
:env:.find-links='/wheels'
:env:.log='/var/log/pip.log'
download.timeout='9'
global.cache-dir='/home/ann/.cache/pip'
global.extra-index-url='https://ann:secret@pip.example/simple\\nfile:///index/simple'
global.find-links='/other'
global.timeout='60'
install.timeout='180'
"""


def test_the_settings_are_those_that_pip_install_would_take() -> None:
    settings = read_settings(LISTED)
    assert settings == {
        "extra-index-url": "https://ann:secret@pip.example/simple\nfile:///index/simple",
        "find-links": "/wheels",
        "timeout": "180",
    }
    assert name_variables(settings) == {
        "PIP_EXTRA_INDEX_URL": settings["extra-index-url"],
        "PIP_FIND_LINKS": "/wheels",
        "PIP_TIMEOUT": "180",
    }
    assert read_settings("") == {}


def test_what_settings_name_on_this_machine_comes_along(tmp_path: Path) -> None:
    """An index with the folder it is in, since its pages lead to files beside it."""
    wheels, index, certificate = (tmp_path / name for name in ("wheels", "my index", "ca.pem"))
    wheels.mkdir()
    (index / "simple").mkdir(parents=True)
    certificate.touch()
    settings = {
        "find-links": f"{wheels} relative https://wheels.example/ {tmp_path / 'gone'}",
        "index-url": (index / "simple").as_uri(),
        "extra-index-url": "https://pip.example/simple file:///",
        "cert": str(certificate),
        "timeout": "60",
    }
    assert list(list_named(settings)) == [wheels, index, Path("/"), certificate]


def test_proxies_are_read_in_either_case() -> None:
    told = {"http_proxy": "http://a.example", "NO_PROXY": "b.example", "PATH": "/bin"}
    assert read_proxies(told) == {"http_proxy": "http://a.example", "NO_PROXY": "b.example"}


TARGETS = """\
Debian|Debian-Security|http://mirror.example/security/
Debian|Debian|http://mirror.example/debian/
Debian|Debian|http://other.example/debian/
"""


@pytest.mark.parametrize(
    ("shown", "mirror"),
    [
        ("Node|Node|https://node.example/\n", None),
        ("||http://mirror.example/debian/\n", None),
        ("", None),
        (TARGETS, "http://mirror.example/debian/"),
    ],
)
def test_the_mirror_is_where_apt_gets_debian_itself(shown: str, mirror: str | None) -> None:
    assert choose_mirror(shown) == mirror
