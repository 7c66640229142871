"""The balancers of the manual's page, each with the configuration that is written there."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.nodes.pair import wait_for
from tests.output import Output

PAGE: Final = Path(__file__).parents[2] / "shorty" / "manual" / "growing.md"
SBIN: Final = "/usr/sbin"  # not in everybody's PATH
WRITTEN: Final = ("10.0.0.1:8000", "10.0.0.2:8000")
SESSIONS: Final = 4  # the column of HAProxy's `show stat` with the requests under way
NGINX: Final = """
daemon off;
pid {folder}/pid;
error_log stderr notice;
{user}
worker_processes 1;
events {{ }}
http {{
access_log off;
client_body_temp_path {folder}/body;
proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi;
scgi_temp_path {folder}/scgi;
{text}
}}
"""
CADDY: Final = """
{{
admin unix/{folder}/admin
auto_https off
}}
{text}
"""


def find_program(name: str) -> str:
    program = shutil.which(name) or shutil.which(name, path=SBIN)
    if program is None:
        pytest.skip(f"{name} was not found: install it (on Debian `apt-get install {name}`).")
    return program


def read_configuration(language: str, port: int, nodes: Sequence[str]) -> str:
    """As the manual has it, with the nodes' real addresses, on that port of the loopback."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for written, address in zip(WRITTEN, nodes, strict=True):
        assert text.count(written) == 1
        text = text.replace(written, address)
    for written, real in (
        ("bind :80", f"bind 127.0.0.1:{port}"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("go.example.com {", f"http://:{port} {{\nbind 127.0.0.1"),
    ):
        text = text.replace(written, real)
    assert str(port) in text
    return text


class Balancer:
    """`command` runs the program with its configuration, and `form` makes that a whole file."""

    language: str
    program: str

    def __init__(self, folder: Path, nodes: Sequence[str]) -> None:
        self.folder = folder
        self.nodes = nodes
        self.path = find_program(self.program)
        self.file = folder / f"{self.program}.conf"
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port: int = free.getsockname()[1]

    @property
    def command(self) -> list[str]:
        raise NotImplementedError

    def form(self, text: str) -> str:
        return text

    def drain(self, number: int) -> None:
        """Gives the node nothing more, and returns once it has answered what it got."""
        raise NotImplementedError

    def restore(self) -> None:
        """Gives each node its part again."""
        raise NotImplementedError

    def write(self, change: Callable[[str], str] = str) -> None:
        text = read_configuration(self.language, self.port, self.nodes)
        self.file.write_text(self.form(change(text)))

    @contextmanager
    def run(self) -> Generator[None]:
        self.write()
        environment = {**os.environ, "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        self.process = subprocess.Popen(
            [self.path, *self.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            start_new_session=True,
        )
        assert self.process.stderr
        self.output = Output(self.process.stderr)
        try:
            wait_for(self.is_listening)
            yield
        finally:
            self.process.terminate()
            self.process.wait()
            self.output.read_all()

    def is_listening(self) -> bool:
        assert self.process.poll() is None, self.output.read_all()
        with closing(socket.socket()) as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0


class HAProxy(Balancer):
    language = program = "haproxy"

    @property
    def command(self) -> list[str]:
        return ["-q", "-db", "-f", str(self.file)]

    def form(self, text: str) -> str:
        assert "/run/haproxy/admin.sock" in text
        return text.replace("/run/haproxy/admin.sock", f"{self.folder}/admin")

    def drain(self, number: int) -> None:
        self._say(f"set server shorty/{'ab'[number]} state drain")
        wait_for(lambda: self._find(number)[SESSIONS] == "0")

    def restore(self) -> None:
        for number in range(len(self.nodes)):
            self._say(f"set server shorty/{'ab'[number]} state ready")
        wait_for(lambda: all("UP" in self._find(number) for number in range(len(self.nodes))))

    def _find(self, number: int) -> list[str]:
        start = f"shorty,{'ab'[number]},"
        lines = self._say("show stat").splitlines()
        (line,) = [each for each in lines if each.startswith(start)]
        return line.split(",")

    def _say(self, words: str) -> str:
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.connect(str(self.folder / "admin"))
            client.sendall(f"{words}\n".encode())
            with client.makefile() as answer:
                return answer.read()


class Nginx(Balancer):
    language = program = "nginx"

    @property
    def command(self) -> list[str]:
        return ["-c", str(self.file), "-e", "stderr"]

    def form(self, text: str) -> str:
        user = "user root;" if os.geteuid() == 0 else ""
        return NGINX.format(folder=self.folder, user=user, text=text)

    def drain(self, number: int) -> None:
        given = f"server {self.nodes[number]} max_fails=1 fail_timeout=5s;"
        self._reload(lambda text: text.replace(given, f"server {self.nodes[number]} down;"))

    def restore(self) -> None:
        self._reload(str)

    def _reload(self, change: Callable[[str], str]) -> None:
        """The former worker ends when it has answered everything."""
        self.write(change)
        subprocess.run([self.path, *self.command, "-s", "reload"], check=True, capture_output=True)
        self.output.wait_for("exited with code 0")


class Caddy(Balancer):
    language, program = "caddyfile", "caddy"

    @property
    def command(self) -> list[str]:
        return ["run", "--config", str(self.file), "--adapter", "caddyfile"]

    def form(self, text: str) -> str:
        return CADDY.format(folder=self.folder, text=text)

    def drain(self, number: int) -> None:
        self._reload(lambda text: text.replace(f"{self.nodes[number]} ", "", 1))

    def restore(self) -> None:
        self._reload(str)

    def _reload(self, change: Callable[[str], str]) -> None:
        self.write(change)
        options = [*self.command[1:], "--address", f"unix/{self.folder}/admin"]
        subprocess.run([self.path, "reload", *options], check=True, capture_output=True)


BALANCERS: Final[tuple[type[Balancer], ...]] = (HAProxy, Nginx, Caddy)
