"""What a root gets of this machine: pip's settings and what they name, proxies, a mirror."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

_SECTIONS: Final = ("global", "install", ":env:")  # what `pip install` reads; later ones count
_WRITTEN: Final = {"cache-dir", "log"}  # what pip writes is each root's own
_INDEXES: Final = {"index-url", "extra-index-url"}
_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy")
_CERTIFICATES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_TARGETS: Final = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"


class MachineError(Exception):
    """Something is missing here; the message says what to do."""


class Passed(NamedTuple):
    """Variables for each command in a root, and what has to be at the same path there as here."""

    environment: dict[str, str]
    paths: tuple[Path, ...]


def collect_passed() -> Passed:
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    settings = read_settings(listed)
    certificates = {
        name: os.environ[name] for name in _CERTIFICATES if Path(os.environ.get(name, "")).is_file()
    }
    environment = {**name_variables(settings), **read_proxies(os.environ), **certificates}
    paths = (*list_named(settings), *map(Path, certificates.values()))
    return Passed(environment, tuple(dict.fromkeys(paths)))


def read_settings(listed: str) -> dict[str, str]:
    """pip's options from what `pip config list` prints, by their long names."""
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in found and option not in _WRITTEN:
            found[section][option] = str(ast.literal_eval(value))
    return {option: value for each in found.values() for option, value in each.items()}


def name_variables(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"PIP_{option.upper().replace('-', '_')}": value for option, value in settings.items()}


def list_named(settings: Mapping[str, str]) -> Iterator[Path]:
    """The files and folders of this machine that the settings name."""
    for option, value in settings.items():
        for word in value.split():
            path = _find_path(word)
            if path is not None and path.exists():
                # The pages of an index may lead to files beside it.
                yield path.parent if option in _INDEXES and len(path.parts) > 2 else path


def _find_path(word: str) -> Path | None:
    parts = urlsplit(word)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return Path(word) if word.startswith("/") else None


def read_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    names = (*_PROXIES, *(name.upper() for name in _PROXIES))
    return {name: environment[name] for name in names if name in environment}


def find_mirror() -> str:
    """Where apt gets Debian from. Raises MachineError."""
    command = ["apt-get", "indextargets", "--format", _TARGETS, "Created-By: Packages"]
    try:
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        shown = ""
    mirror = choose_mirror(shown)
    if mirror is None:
        raise MachineError("apt has no lists of Debian: run `apt-get update`, or use --mirror.")
    return mirror


def choose_mirror(shown: str) -> str | None:
    """The first of apt's sources that is Debian itself, and not its security updates."""
    targets = (line.split("|") for line in shown.splitlines())
    return next((uri for origin, label, uri in targets if origin == label == "Debian"), None)


def find_apt_proxy() -> dict[str, str]:
    """apt's own proxy, if it has one, as the variable that debootstrap reads."""
    command = ["apt-config", "dump", "--format", "%v", "Acquire::http::Proxy"]
    proxy = subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
    return {"http_proxy": proxy} if proxy else {}
