"""Reads the settings from shorty.toml, then SHORTY_* variables, then the command's options."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from msgspec import to_builtins

from shorty.config.conversion import Faults, Table, convert_table
from shorty.config.environment import CONFIG_VARIABLE, apply_environment, write_setting
from shorty.config.rules import apply_rules
from shorty.config.settings import Config, build_default_plans
from shorty.errors import ConfigError

USUAL_FILE = Path("shorty.toml")


def load_config(
    path: Path | None,
    environ: Mapping[str, str],
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
) -> Config:
    """The effective settings; raises all faults as one ConfigError. Those by name override.

    Relative paths start at the file's folder, or without a file at the working directory.
    """
    file = find_config_file(path, environ)
    table = read_table(file) if file else {}
    faults = Faults()
    add_built_in_plans(table)
    apply_environment(table, environ, faults)
    for name, value in (("host", host), ("port", port), ("workers", workers)):
        if value is not None:
            write_setting(table, f"server.{name}", value)
            faults.origins[f"server.{name}"] = f"--{name}"
    config: Config = convert_table(Config, table, "", faults)
    config = apply_rules(config, (file or Path.cwd() / USUAL_FILE).absolute().parent, faults)
    if faults.lines:
        raise ConfigError(describe_faults(file, faults.lines))
    return config


def find_config_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file named by the option, else by SHORTY_CONFIG, else ./shorty.toml if it exists."""
    if path:
        return path
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named)
    return USUAL_FILE if USUAL_FILE.exists() else None


def read_table(file: Path) -> Table:
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"Cannot read the configuration {file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"Cannot read the configuration {file}: it is not UTF-8 text.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(describe_syntax_fault(file, text, str(error))) from error


def add_built_in_plans(table: Table) -> None:
    """A [plans.free] in the file replaces the whole built-in plan; variables change single keys."""
    plans = table.setdefault("plans", {})
    if isinstance(plans, dict):
        for name, plan in build_default_plans().items():
            settings = to_builtins(plan)
            del settings["name"]
            plans.setdefault(name, settings)


def describe_syntax_fault(file: Path, text: str, reason: str) -> str:
    place = re.search(r" \(at line (\d+), column \d+\)$", reason)
    line = place[1] if place else str(text.count("\n") + 1)
    sentence = reason.removesuffix(place[0]) if place else reason.partition(" (at ")[0]
    return f"{file}, line {line}: invalid TOML: {sentence}."


def describe_faults(file: Path | None, lines: list[str]) -> str:
    start = f"The configuration {file} is invalid:" if file else "The settings are invalid:"
    return f"{start} {lines[0]}" if len(lines) == 1 else "\n  ".join([start, *lines])
