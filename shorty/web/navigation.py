"""The dashboard's sections, in the order of its menu."""

from typing import Final

import msgspec

from shorty.accounts.model import Actor, Scope
from shorty.accounts.roles import is_allowed


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """`needs` hides it from users without that scope; `key` leads there after a `g`."""

    path: str
    name: str
    icon: str
    key: str
    needs: Scope = "read"


class Section(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    entries: tuple[Entry, ...]
    current: str = ""
    """The path of the entry that is shown."""


SECTIONS: Final = (
    Section(
        name="Links",
        entries=(
            Entry(path="/app", name="Overview", icon="chart", key="o"),
            Entry(path="/app/links", name="Links", icon="link", key="l"),
            Entry(path="/app/qr-codes", name="QR codes", icon="qr", key="q"),
            Entry(path="/app/bio-pages", name="Bio pages", icon="page", key="b"),
            Entry(path="/app/tags", name="Tags", icon="tag", key="t"),
            Entry(path="/app/utm", name="UTM builder", icon="target", key="u"),
        ),
    ),
    Section(
        name="Workspace",
        entries=(
            Entry(path="/app/domains", name="Domains", icon="globe", key="d"),
            Entry(path="/app/webhooks", name="Webhooks", icon="bolt", key="w"),
            Entry(path="/app/tokens", name="API tokens", icon="key", key="k", needs="admin"),
            Entry(path="/app/members", name="Members", icon="people", key="m"),
            Entry(path="/app/usage", name="Usage", icon="gauge", key="p"),
            Entry(path="/app/import", name="Import", icon="in", key="i", needs="write"),
            Entry(path="/app/export", name="Export", icon="out", key="e"),
            Entry(path="/app/account", name="Account", icon="person", key="a"),
        ),
    ),
)


# Every page's path begins with the overview's, so its own are listed.
OVERVIEW_PAGES: Final = ("/app", "/app/breakdown")


def find_sections(actor: Actor, path: str) -> tuple[Section, ...]:
    """What the person may see; the entry with the longest path that leads here is current."""
    paths = [entry.path for section in SECTIONS for entry in section.entries]
    leading = [each for each in paths if path == each or path.startswith(f"{each}/")]
    current = max(leading, key=len, default="")
    if current == "/app" and path not in OVERVIEW_PAGES:
        current = ""
    return tuple(
        Section(
            name=section.name,
            entries=tuple(entry for entry in section.entries if is_allowed(actor, entry.needs)),
            current=current,
        )
        for section in SECTIONS
    )
