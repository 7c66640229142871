"""Owns domains: what one is and how hosts are written (`model`), which one answers a request
(`directory`), adding, changing, removing and those of the configuration (`service`), and the proof
that a workspace's domain is theirs and leads here (`verification`).
"""

from shorty.domains.directory import DomainDirectory
from shorty.domains.model import Domain, DomainChange, NewDomain, normalise_host

__all__ = ["Domain", "DomainChange", "DomainDirectory", "NewDomain", "normalise_host"]
