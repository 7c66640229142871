"""Pictures of the dashboard for the README and the manual: `python -m tests.screenshots`."""
