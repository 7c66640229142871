"""Runs wrk: writes its Lua scripts, starts it on the other core and reads its results."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.processes import LOAD_CORE, pin_to

HOST = "bench.test"
REFERRERS = ("https://www.example.com/articles/7", "https://t.co/a1B2c3D4", "")
ADDRESSES = 997
VISITORS = 100  # of each link
# An empty user agent is a bot's: the load looks like people with different browsers.
BROWSERS = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/142.0.0.0 Safari/537.36"
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/18.6 Safari/605.1.15"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
        " (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/142.0.0.0 Mobile Safari/537.36"
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/18.6 Mobile/15E148 Safari/604.1"
    ),
)

_COUNTING = """
local thread_of_load
sent = 0
function setup(thread) thread_of_load = thread end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"sent":%d,"answered":%d,"refused":%d,"broken":%d,"seconds":%.6f,"p50_ms":%.4f,"p99_ms":%.4f}',
    thread_of_load:get("sent"), summary.requests, e.status,
    e.connect + e.read + e.write + e.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3), "\\n")
end
"""

_LISTED = """
local requests, n = {}, 0
for line in io.lines("%(requests)s") do
  n = n + 1
  requests[n] = line:gsub("\\\\n", "\\r\\n")
end
function init() math.randomseed(%(seed)d) end
function request()
  sent = sent + 1
  return requests[math.random(n)]
end
"""

_SLUGS = """
local slugs, tails, n = {}, {}, 0
for line in io.lines("%(tails)s") do tails[#tails + 1] = line:gsub("\\\\n", "\\r\\n") end
if "%(slugs)s" ~= "" then
  for line in io.lines("%(slugs)s") do
    n = n + 1
    slugs[n] = line
  end
end
local letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
local random, byte, char = math.random, string.byte, string.char
local function letter() return byte(letters, random(62)) end
local function invent()
  return char(letter(), letter(), letter(), letter(), letter(), letter(), letter(), letter())
end
function init() math.randomseed(%(seed)d) end
function request()
  sent = sent + 1
  local slug = n > 0 and slugs[random(n)] or invent()
  return "GET /" .. slug .. tails[random(#tails)]
end
"""

_POSTS = """
local head = "POST %(path)s HTTP/1.1\\r\\nHost: %(host)s\\r\\nAuthorization: Bearer %(token)s\\r\\n"
  .. "Content-Type: application/json\\r\\nContent-Length: "
function request()
  sent = sent + 1
  local body = string.format(
    '{"url":"https://www.example.com/%(seed)d/articles/%%d?page=2","domain":"%(host)s",'
    .. '"title":"Article %%d","utmSource":"newsletter"}', sent, sent)
  return head .. #body .. "\\r\\n\\r\\n" .. body
end
"""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """The results of wrk; `refused` are statuses above 399, `sent` includes aborted requests."""

    sent: int
    answered: int
    refused: int
    broken: int
    seconds: float
    p50_ms: float
    p99_ms: float


class Scripts:
    """Lua files in one folder, each written once and passed to wrk by path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written = 0

    def write_visits(self, slugs: Sequence[str]) -> Path:
        """Random visits of `slugs`; every request is prepared, to keep wrk from being the limit."""
        requests = [
            f"GET /{slug}{tail}"
            for place, slug in enumerate(slugs)
            for tail in [write_tail(place + len(slugs) * step) for step in range(VISITORS)]
        ]
        listed = self._write("requests", "\n".join(requests) + "\n")
        return self._write_lua(_LISTED % {"requests": listed, "seed": self.written})

    def write_slugs(self, slugs: Path | None) -> Path:
        """Random visits of the slugs in a file, one per line; without a file, of invented slugs."""
        tails = self._write("tails", "".join(f"{write_tail(n)}\n" for n in range(ADDRESSES)))
        values = {"tails": tails, "slugs": slugs or "", "seed": self.written}
        return self._write_lua(_SLUGS % values)

    def write_creates(self, path: str, token: str) -> Path:
        values = {"path": path, "host": HOST, "token": token, "seed": self.written}
        return self._write_lua(_POSTS % values)

    def _write_lua(self, script: str) -> Path:
        return self._write("lua", _COUNTING + script)

    def _write(self, suffix: str, text: str) -> Path:
        self.written += 1
        path = self.folder / f"{self.written}.{suffix}"
        path.write_text(text, encoding="utf-8")
        return path


def write_tail(number: int) -> str:
    """A request's first line after the slug, and its headers, with `\\n` for each line's end."""
    address = f"{11 + number % 80}.{number % 251}.{number % 241}.{1 + number % 250}"
    referrer = REFERRERS[number % len(REFERRERS)]
    lines = [
        " HTTP/1.1",
        f"Host: {HOST}",
        f"User-Agent: {BROWSERS[number % len(BROWSERS)]}",
        f"X-Forwarded-For: {address}",
        *([f"Referer: {referrer}"] if referrer else []),
    ]
    return "\\n".join([*lines, "", ""])


def find_wrk() -> str | None:
    return shutil.which("wrk")


def run_wrk(port: int, script: Path, *, connections: int, seconds: float) -> Count:
    command = [
        *("wrk", "--threads", "1", "--connections", str(connections)),
        *("--duration", f"{max(1, round(seconds))}s", "--timeout", "10s", "--latency"),
        *("--script", str(script), f"http://127.0.0.1:{port}/"),
    ]
    with pin_to(LOAD_CORE):
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    counted = [line for line in run.stdout.splitlines() if line.startswith("{")]
    if not counted:
        raise RuntimeError(f"wrk counted nothing:\n{run.stdout}{run.stderr}")
    return msgspec.json.decode(counted[-1], type=Count)
