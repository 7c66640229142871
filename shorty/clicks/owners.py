"""Numbers the owners of sums: a link is its id, a workspace its negative id.

A workspace on one domain has an owner of its own, below every workspace, so that workspaces which
share a domain never share sums.
"""

from typing import Final

WORKSPACE_BITS: Final = 31
# The owners of domains are smaller; so are their numbers than 62 bits.
LEAST_WORKSPACE: Final = -(1 << WORKSPACE_BITS) + 1


def number_workspace(workspace_id: int) -> int:
    return -workspace_id


def number_domain(workspace_id: int, domain_id: int) -> int:
    """The owner of a workspace's clicks by one domain."""
    return -(domain_id << WORKSPACE_BITS | workspace_id)


def is_domain(owner: int) -> bool:
    return owner < LEAST_WORKSPACE


def find_workspace(owner: int) -> int:
    """The workspace of sums that are not a link's."""
    return -owner & -LEAST_WORKSPACE
