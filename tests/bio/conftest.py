"""Pages belong to links: their tests have the same book, two domains and two workspaces."""

from tests.links.conftest import actor, book, home, rules, stranger

__all__ = ["actor", "book", "home", "rules", "stranger"]
