"""What the API's handlers see of a request, and the operation that it asks for."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from litestar.handlers import BaseRouteHandler

from shorty.api.operations import KEY, Operation
from shorty.errors import UnauthenticatedError
from shorty.storage.database import Lane, Transaction
from shorty.webcore.fields import (
    check_names,
    convert_fields,
    convert_given,
    telling_camel_case,
)
from shorty.webcore.requests import ServedRequest, read_body

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class ApiRequest(ServedRequest):
    """A request with a token, or an anonymous one."""

    @property
    def operation(self) -> Operation:
        return find_operation(self.route_handler)

    async def confirm(self) -> None:
        """Raises UnauthenticatedError."""
        scope = self.operation.scope
        is_known = getattr(self, "actor", None) is not None
        if is_known and scope is not None and not await self.may_still(scope):
            raise UnauthenticatedError(
                "This token expired, or lost its rights, while the body was being received."
            )

    def check_query(self) -> None:
        """Raises InvalidFieldsError where the query has a parameter that its operation has not."""
        if self.scope["query_string"]:
            check_names(self.read_query(), self.operation.query)

    def read_filters(self, kind: type[S]) -> S:
        """Reads the query into a struct of that kind; an empty parameter is one left out.

        Raises InvalidFieldsError.
        """
        given = {name: value for name, value in self.read_query().items() if value != ""}
        return convert_fields(given, kind, is_text=True, ignores_unknown=True)

    async def read_fields(self, kind: type[S]) -> S:
        """Reads the body into such a struct. Raises InvalidFieldsError and as `read_body` does."""
        return convert_fields((await read_body(self)).fields, kind)

    async def read_given(self, kind: type[msgspec.Struct]) -> dict[str, Any]:
        """As read_fields, but only the fields that were sent, by their Python names."""
        return convert_given((await read_body(self)).fields, kind)

    async def write(self, work: Callable[[Transaction], T], *lanes: Lane) -> T:
        """Runs `work` in its own transaction; its faults use the caller's field names."""
        with telling_camel_case:
            return await self.services.db.write(work, *lanes)


def find_operation(handler: BaseRouteHandler) -> Operation:
    return handler.opt[KEY]
