"""Who may do what, and for whom: `service` people and workspaces, `members`, `tokens`, `roles`."""
