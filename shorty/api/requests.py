"""What the API's handlers see of a request."""

from shorty.api.operations import find_operation
from shorty.errors import UnauthenticatedError
from shorty.http.requests import ServedRequest


class ApiRequest(ServedRequest):
    """Of somebody with a token, or of nobody known."""

    def confirm(self) -> None:
        """Raises UnauthenticatedError."""
        scope = find_operation(self.route_handler).scope
        is_known = getattr(self, "actor", None) is not None
        if is_known and scope is not None and not self.may_still(scope):
            raise UnauthenticatedError("This token ended, or lost its rights, as the body arrived.")
