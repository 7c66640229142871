"""Owns who may do what: people and workspaces (`service`), `members`, `tokens` and `roles`."""
