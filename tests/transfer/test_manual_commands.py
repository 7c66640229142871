"""The commands that the manual gives for moving in are run, against stand-ins for the products."""

import asyncio
import re
import shutil
from pathlib import Path
from typing import get_args

import pytest

from shorty.transfer.model import SourceName
from tests.transfer.making import House, import_path, list_all
from tests.transfer.stand_ins import KEY, LINKS, WITH_RULES, serve_products

PAGE = Path("shorty/manual/moving.md").read_text()
SECRETS = dict.fromkeys(("KEY", "TOKEN", "SIGNATURE"), KEY) | {"GROUP": "G1"}
SOURCES: dict[str, SourceName] = {f"{name}.json": name for name in get_args(SourceName)}
ENDED = 30


def list_commands() -> list[str]:
    """The page's blocks of shell that fetch something."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [block for block in blocks if "curl" in block]


def find_file(command: str) -> str:
    (name,) = re.findall(r"> (\S+\.json)$", command, re.MULTILINE)
    return name


async def run_command(command: str, folder: Path, **secrets: str) -> str:
    """What it says of errors."""
    for program in ("bash", "curl", "jq"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with serve_products() as root:
        script = re.sub(r"https://[\w.-]+(?=/)", root, command)
        shell = await asyncio.create_subprocess_exec(
            *("bash", "-c", script),
            cwd=folder,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "NO_PROXY": "*", **SECRETS, **secrets},
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(ENDED):
            _, errors = await shell.communicate()
    return errors.decode()


def test_the_manual_has_a_command_for_each_product() -> None:
    files = [find_file(command) for command in list_commands()]
    assert files == ["yourls.json", "kutt.json", "shlink.json", "bitly.json", "dub.json"]


@pytest.mark.parametrize("command", list_commands(), ids=find_file)
async def test_a_command_of_the_manual_fetches_every_link(
    house: House, tmp_path: Path, command: str
) -> None:
    assert not await run_command(command, tmp_path)
    path = tmp_path / find_file(command)
    source = SOURCES[path.name]
    told = await import_path(house, source, path)
    assert (told.state, told.created, told.failed) == ("done", LINKS, 0)
    links = await list_all(house)
    assert {link.slug for link in links} == {f"s{number}" for number in range(LINKS)}
    closed = {link.slug for link in links if not link.is_active}
    assert closed == (set() if source == "yourls" else {"s0"})
    with_rules = {link.slug for link in links if link.rules}
    named = {f"s{number}" for number in range(1, WITH_RULES)}
    assert with_rules == (named if source == "shlink" else set())


@pytest.mark.parametrize("command", list_commands(), ids=find_file)
async def test_a_command_says_that_a_key_is_wrong(tmp_path: Path, command: str) -> None:
    errors = await run_command(command, tmp_path, KEY="no", TOKEN="no", SIGNATURE="no")
    assert "403" in errors
