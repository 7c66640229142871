"""User agents of the browsers inside apps, beside crawlers of the same companies.

Collected in practice: from public logs and other projects' tests.
"""

from importlib import resources
from typing import Literal, NamedTuple


class KnownAgent(NamedTuple):
    kind: str
    maker: str
    user_agent: str


def list_agents(kind: Literal["person", "preview", "bot"]) -> list[KnownAgent]:
    text = resources.files("tests.clicks").joinpath("user_agents.tsv").read_text("utf-8")
    agents = (KnownAgent(*line.split("\t")) for line in text.splitlines())
    return [agent for agent in agents if agent.kind == kind]
