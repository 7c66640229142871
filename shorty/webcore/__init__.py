"""What the two doors over HTTP share, the API and the dashboard: requests, answers, services."""
