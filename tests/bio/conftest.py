"""Pages belong to links: their tests have the same context, two domains and two workspaces."""

from tests.links.conftest import actor, context, home, rules, stranger

__all__ = ["actor", "context", "home", "rules", "stranger"]
