"""What commands share: the --config option, tables and JSON."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import rich_click as click
from click import get_current_context

from shorty.config import Config, load_config

F = TypeVar("F", bound=Callable[..., Any])

CONFIG_FILE: Final = "shorty.config_file"  # where click's context keeps the value of --config


def remember_config(ctx: click.Context, _option: click.Parameter, file: Path | None) -> None:
    if file is not None:
        ctx.meta[CONFIG_FILE] = file


def config_option(command: F) -> F:
    """`--config FILE`, before or after the command's name."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The configuration file. Default: SHORTY_CONFIG, then ./shorty.toml if it exists.",
        expose_value=False,
        callback=remember_config,
    )(command)


def find_named_config() -> Path | None:
    return get_current_context().meta.get(CONFIG_FILE)


def read_config(*, host: str | None = None, port: int | None = None) -> Config:
    """The settings that apply to this command. Raises ConfigError."""
    return load_config(find_named_config(), os.environ, host=host, port=port)


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def print_json(value: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns wide enough for every value, nothing cut, so that other programs can read them."""
    table = [headings, *([show_cell(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def print_facts(facts: Mapping[str, object]) -> None:
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name.ljust(width)}  {show_cell(value)}")


def show_cell(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def show_time(at: int | None) -> str:
    """Formats UTC milliseconds for people."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M}" if at is not None else "-"
