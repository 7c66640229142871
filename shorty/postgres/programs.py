"""Finds and runs PostgreSQL's own programs, pg_dump and pg_restore, for backups."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from shorty.errors import StartError

Name = Literal["pg_dump", "pg_restore"]

# Where packages put the programs of several versions, of which PATH has at most one.
PLACES: Final = ("/usr/lib/postgresql", "/usr/local/lib/postgresql", "/usr", "/usr/libexec")
_IN_PLACE: Final = ("*/bin/{}", "pgsql-*/bin/{}", "postgresql*/{}")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_SPOKEN: Final = re.compile(r"^pg_\w+: ")
_ERROR: Final = re.compile(r"^pg_\w+: (?:error|detail|fatal): ?")
# Parameters of a connection that nobody else may see, and the variables that libpq reads instead:
# a command line is visible to all users of the machine.
_SECRETS: Final[Mapping[str, str | None]] = {
    "password": "PGPASSWORD",
    "sslpassword": None,
    "oauth_client_secret": None,
}


class Program(NamedTuple):
    path: str
    version: int


def find_program(name: Name, server: int) -> str:
    """The path of the oldest that is not older than the server, whose version is given.

    Raises StartError if there is none.
    """
    found = list(_list_programs(name))
    fitting = [each for each in found if each.version >= server]
    if fitting:
        return min(fitting, key=lambda each: each.version).path
    newest = max((each.version for each in found), default=0)
    lack = f"only {name} {newest} was found" if newest else f"{name} was not found"
    raise StartError(
        f"The server is PostgreSQL {server}, and {lack}: install the client programs of that "
        f"version (on Debian `apt-get install postgresql-client-{server}`), or run the command on "
        "a machine that has them."
    )


def _list_programs(name: Name) -> Iterator[Program]:
    in_path = shutil.which(name)
    others = [
        str(path)
        for place in PLACES
        for pattern in _IN_PLACE
        for path in sorted(Path(place).glob(pattern.format(name)))
    ]
    for path in [in_path, *others] if in_path else others:
        asked = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - its name is ours
        if match := _VERSION.search(asked.stdout):
            yield Program(path, int(match[1]))


def split_secrets(url: str) -> tuple[str, dict[str, str]]:
    """What connects, for the command line, and the environment with the password.

    Raises StartError for a secret that these programs take from the command line alone.
    """
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    environment = {**os.environ, "LC_ALL": "C"}  # else their lines would be translated
    for parameter, variable in _SECRETS.items():
        value = parts.pop(parameter, None)
        if value is not None and variable is None:
            raise StartError(
                f"[storage] database has the parameter {parameter}, which pg_dump and pg_restore "
                "take from the command line alone, where others can read it: run the command "
                "with a URL without it."
            )
        if value is not None and variable is not None:
            environment[variable] = value
    return make_conninfo(**parts), environment


@contextmanager
def _end_with(process: "subprocess.Popen[Any]") -> Generator[None]:
    """Ends the process if the block fails, also by Ctrl-C."""
    try:
        yield
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()


def run_program(
    arguments: Sequence[str],
    *,
    url: str,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    on_line: Callable[[str], object] = len,
) -> None:
    """Lets a program work on that database, and calls `on_line` with each line that it reports.

    Raises StartError if it fails.
    """
    conninfo, environment = split_secrets(url)
    process = subprocess.Popen(  # noqa: S603 - the program's name is ours, and no shell reads this
        [*arguments, "--no-password", "--dbname", conninfo],
        env=environment,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    errors: list[str] = []
    assert process.stderr  # noqa: S101 - it is a pipe
    with _end_with(process), process.stderr:
        for line in process.stderr:
            if _ERROR.match(line):
                errors.append(_ERROR.sub("", line).strip())
            on_line(_SPOKEN.sub("", line))
    _require_success(arguments[0], process.returncode, errors)


def read_output(arguments: Sequence[str], stdin: int) -> Generator[str]:
    """What the program writes, line by line while it runs. Raises StartError if it fails.

    Close the generator where not all lines are read.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(  # noqa: S603 - the program's name is ours, and no shell reads this
            arguments,
            env={**os.environ, "LC_ALL": "C"},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert process.stdout  # noqa: S101 - it is a pipe
        with (
            _end_with(process),
            TextIOWrapper(
                process.stdout, encoding="utf-8", errors="replace", newline="\n"
            ) as lines,
        ):
            yield from lines
        errors.seek(0)
        _require_success(
            arguments[0],
            process.returncode,
            [_ERROR.sub("", line).strip() for line in errors if _ERROR.match(line)],
        )


def _require_success(program: str, code: int, errors: Sequence[str]) -> None:
    if code:
        reason = errors[0].rstrip(".") if errors else f"it ended with {code}"
        raise StartError(f"{Path(program).name} failed: {reason}.")
