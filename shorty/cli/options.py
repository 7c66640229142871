"""What commands share: the --config option, and JSON."""

import os
from collections.abc import Callable
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
