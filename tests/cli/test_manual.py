"""The manual's page of commands names every command and option, and only existing ones."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from shorty.cli import root

PAGE = Path(__file__).parents[2] / "shorty" / "manual" / "commands.md"
SECTIONS = dict(
    re.findall(
        r"^## `shorty ([\w -]+)`\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
)
EVERYWHERE = {"config", "help"}


def list_commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from list_commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


COMMANDS = dict(list_commands(root, ""))


def list_documented_options(section: str) -> set[str]:
    return set(re.findall(r"^\| `(--[\w-]+)", section, re.MULTILINE))


def list_options(command: click.Command) -> list[click.Option]:
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    return [option for option in options if option.name not in EVERYWHERE]


def test_every_command_has_its_section_and_no_other() -> None:
    assert SECTIONS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_has_its_row_and_no_other(path: str) -> None:
    options = list_options(COMMANDS[path])
    documented = list_documented_options(SECTIONS[path])
    if path == "link edit":
        documented |= list_documented_options(SECTIONS["link add"])
    for option in options:
        assert documented & {*option.opts, *option.secondary_opts}, option.opts
    known = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    assert documented <= known


@pytest.mark.parametrize("path", COMMANDS)
def test_every_second_form_of_an_option_is_told(path: str) -> None:
    section = SECTIONS["link add" if path == "link edit" else path]
    for option in list_options(COMMANDS[path]):
        for name in (*option.opts, *option.secondary_opts):
            assert f"`{name}" in section or name in list_documented_options(SECTIONS[path])


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_explains_itself(path: str) -> None:
    command = COMMANDS[path]
    assert command.help
    for option in list_options(command):
        assert option.help, option.opts


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_may_name_the_configuration(path: str) -> None:
    assert any("--config" in parameter.opts for parameter in COMMANDS[path].params)
