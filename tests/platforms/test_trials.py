"""What the README says is what is tried, and its outcome is read from what was printed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.platforms.readme import README, read_commands, use_port
from tests.platforms.trials import TrialError, find_server, find_summary, leads_to


def test_the_readme_has_two_commands_and_a_first_link() -> None:
    commands = read_commands(README.read_text())
    assert commands.start.endswith(".venv/bin/shorty serve")
    assert commands.tests.endswith(".venv/bin/pytest")
    assert commands.first_link.startswith("TOKEN=$(.venv/bin/shorty token create)\n")
    assert commands.destination == "https://example.com/a/rather/long/address"


def test_a_readme_without_them_is_noticed() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        read_commands("# shorty\n\n    python3 -m venv .venv\n")


def test_another_port_takes_the_place_of_the_default() -> None:
    commands = 'curl http://127.0.0.1:8000/ -d \'{"domain": "localhost:8000", "n": 80001}\''
    assert use_port(commands, 9) == (
        'curl http://127.0.0.1:9/ -d \'{"domain": "localhost:9", "n": 80001}\''
    )


@pytest.mark.parametrize(
    ("last", "summary"),
    [
        ("20 passed in 0.07s", "20 passed in 0.07s"),
        (
            "7 failed, 7185 passed, 89 skipped, 1 error in 880.94s (0:14:40)",
            "7 failed, 7185 passed, 89 skipped, 1 error in 880.94s (0:14:40)",
        ),
        ("1 error in 0.20s", "1 error in 0.20s"),
        ("INTERNALERROR> 3 passed", None),
    ],
)
def test_the_outcome_of_the_tests_is_their_last_line(last: str, summary: str | None) -> None:
    assert find_summary(f"3 workers\n....  [100%]\nFAILED tests/a.py::b\n{last}\n") == summary


@pytest.mark.parametrize(
    ("shown", "leads"),
    [
        ("HTTP/1.1 302 Found\r\nLocation: https://a.example/\r\n\r\n", True),
        ("HTTP/1.1 302 Found\nlocation: https://a.example/b\n", False),
        ("HTTP/1.1 302 Found\n", False),
        ("HTTP/1.1 404 Not Found\nlocation: https://a.example/\n", False),
    ],
)
def test_a_first_link_leads_to_its_destination(shown: str, *, leads: bool) -> None:
    assert leads_to(shown, "https://a.example/") == leads


SERVER = """
import os
until_we_end, held = os.pipe()
if os.fork():
    print(os.getpid(), flush=True)
    input()
else:
    os.close(held)
    os.read(until_we_end, 1)
"""


def test_the_server_is_found_below_what_started_it(tmp_path: Path) -> None:
    """Neither another program that serves, nor a process that the server has started itself."""
    program = tmp_path / "shorty"
    program.write_text(SERVER)
    shell_that_serves = ("bash", "-c", f"{sys.executable} {program} serve; true", "bash", "serve")
    with subprocess.Popen(
        shell_that_serves, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout
        try:
            server = int(shell.stdout.readline())
            assert find_server(os.getpid()) == server
        finally:
            shell.communicate("\n")
    with pytest.raises(TrialError, match="no process"):
        find_server(os.getpid())
