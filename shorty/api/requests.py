"""What the API's handlers see of a request."""

from shorty.http.requests import ServedRequest


class ApiRequest(ServedRequest):
    """Of somebody with a token, or of nobody known."""
