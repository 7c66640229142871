"""Shared by the API and the dashboard: requests, answers, services."""
