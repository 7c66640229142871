"""Ready-made files with which other programs create short links on this server.

They hold a token, so they are shown once, to the person who had them made.
"""

import shlex
from collections.abc import Callable
from typing import Final

import msgspec

from shorty.webcore.addresses import API


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is made of: the server's URL, the domain of the links, and the token's text."""

    base: str
    domain: str
    token: str

    @property
    def endpoint(self) -> str:
        return f"{self.base}{API}/links"


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """`write` is None where the program takes no files, and only instructions help."""

    name: str
    about: str
    file: str = ""
    write: Callable[[Maker], str] | None = None


def write_sharex(maker: Maker) -> str:
    """A custom uploader (getsharex.org/docs/custom-uploader), for ShareX 14 and later.

    Sends a form, in which ShareX encodes the URL itself.
    """
    uploader = {
        "Version": "14.1.0",
        "Name": f"shorty ({maker.domain})",
        "DestinationType": "URLShortener",
        "RequestMethod": "POST",
        "RequestURL": maker.endpoint,
        "Headers": {"Authorization": f"Bearer {maker.token}"},
        "Body": "FormURLEncoded",
        "Arguments": {"url": "{input}", "domain": maker.domain},
        "URL": "{json:link.shortUrl}",
        "ErrorMessage": "{json:detail}",
    }
    return msgspec.json.format(msgspec.json.encode(uploader), indent=2).decode() + "\n"


def write_raycast(maker: Maker) -> str:
    """A script command; the last line of its output is shown."""
    return f"""#!/bin/bash

# @raycast.schemaVersion 1
# @raycast.title Shorten URL
# @raycast.mode compact
# @raycast.packageName shorty
# @raycast.icon 🔗
# @raycast.description Creates a short link and copies it
# @raycast.argument1 {{ "type": "text", "placeholder": "URL (or clipboard)", "optional": true }}

url=${{1:-$(pbpaste)}}
{_write_call(maker, "answer=$(", '"url=$url"')}
) || {{ echo "The server could not be reached."; exit 1; }}

short=$(printf '%s' "$answer" | sed -n 's/.*"shortUrl":"\\([^"]*\\)".*/\\1/p')
if [ -z "$short" ]; then
  printf '%s' "$answer" | sed -n 's/.*"detail":"\\([^"]*\\)".*/\\1/p'
  exit 1
fi
printf '%s' "$short" | pbcopy
echo "Copied $short"
"""


def write_shell(maker: Maker) -> str:
    """Prints the short link alone; what went wrong goes to standard error."""
    return f"""#!/bin/sh
# Creates a short link: sh shorten.sh https://example.com/a-long-page
url=${{1:?Add the URL to shorten.}}
{_write_call(maker, "answer=$(", '"url=$url"')}
) || exit 1

short=$(printf '%s' "$answer" | sed -n 's/.*"shortUrl":"\\([^"]*\\)".*/\\1/p')
if [ -z "$short" ]; then
  printf '%s\\n' "$answer" >&2
  exit 1
fi
echo "$short"
"""


def _write_call(maker: Maker, start: str, url: str) -> str:
    """The token goes through standard input, so that no list of processes shows it."""
    return f"""{start}curl --silent --show-error {shlex.quote(maker.endpoint)} \\
  --data-urlencode {url} \\
  --data-urlencode {shlex.quote(f"domain={maker.domain}")} \\
  --header @- <<'END'
Authorization: Bearer {maker.token}
END"""


RECIPES: Final = {
    "sharex": Recipe(
        name="ShareX",
        about="Screenshots and URLs on Windows.",
        file="shorty.sxcu",
        write=write_sharex,
    ),
    "shortcuts": Recipe(
        name="Apple Shortcuts", about="From the share sheet of an iPhone, iPad or Mac."
    ),
    "raycast": Recipe(
        name="Raycast", about="A command on a Mac.", file="shorten-url.sh", write=write_raycast
    ),
    "curl": Recipe(
        name="curl",
        about="A script for any shell, on Linux, macOS or Windows (WSL).",
        file="shorten.sh",
        write=write_shell,
    ),
}


def write_bookmarklet(base: str) -> str:
    """Opens the form for a new link to the page that is shown."""
    place = msgspec.json.encode(f"{base}/app/links/new?url=").decode()
    return (
        f"javascript:void(window.open({place}+encodeURIComponent(location.href)"
        "+'&title='+encodeURIComponent(document.title)))"
    )
