"""What the API's handlers see of a request."""

from typing import ClassVar

from shorty.api.desk import Desk
from shorty.http.requests import ServedRequest


class ApiRequest(ServedRequest):
    """`desk` is bound once per app, as `services` are."""

    desk: ClassVar[Desk]
