"""Reads the rules of a link from a file or from standard input."""

import json
import sys
from pathlib import Path
from typing import Final, cast

import rich_click as click
from click import get_current_context

INPUT_TAKEN: Final = "shorty.input_taken"  # where click's context says that it was read


class RulesType(click.ParamType[list[object] | str]):
    """Reads a file with a JSON list, or an object that has it as `rules`; `-` is standard input.

    An empty text stays empty. What the rules say is checked with the link.
    """

    name = "file"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[object] | str:
        if not isinstance(value, str) or not value:
            return ""
        name = "Standard input" if value == "-" else value
        try:
            return _find_rules(json.loads(_read_text(value)))
        except OSError as error:
            self.fail(f"{name} cannot be read: {error.strerror}.", param, ctx)
        except UnicodeDecodeError:
            self.fail(f"{name} is not text in UTF-8.", param, ctx)
        except RecursionError:
            self.fail(f"{name} is nested too deeply.", param, ctx)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            self.fail(f"{name} is not JSON: {error.msg} in {where}.", param, ctx)
        except ValueError as error:
            self.fail(f"{name} {error}", param, ctx)


def require_input(option: str) -> None:
    """Raises UsageError if the rules took standard input, which this option reads too."""
    if INPUT_TAKEN in get_current_context().meta:
        raise click.UsageError(
            f"--rules - and {option} both read standard input; name a file with the rules."
        )


def _read_text(name: str) -> str:
    """Raises OSError and UnicodeDecodeError."""
    if name != "-":
        return Path(name).read_text(encoding="utf-8")
    get_current_context().meta[INPUT_TAKEN] = True
    return sys.stdin.read()


def _find_rules(document: object) -> list[object]:
    """Also of a link as `shorty link show --json` prints it. Raises ValueError."""
    rules = document
    if isinstance(document, dict):
        rules = cast("dict[str, object]", document).get("rules")
    if isinstance(rules, list):
        return cast("list[object]", rules)
    raise ValueError('must contain a list of rules, or {"rules": […]}.')
