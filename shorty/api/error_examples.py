"""One example of each error for the reference, and which of them an operation may return."""

from typing import Final

from shorty.api.operations import Operation
from shorty.errors import (
    AlreadyExistsError,
    BusyError,
    ConflictError,
    FeatureOffError,
    FetchError,
    ForbiddenError,
    InvalidFieldsError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    ShortyError,
    SlugRestingError,
    SlugTakenError,
    StorageUnavailableError,
    UnauthenticatedError,
)
from shorty.webcore.errors import (
    BodyTooLargeError,
    InternalError,
    KeyReusedError,
    MalformedRequestError,
    MethodNotAllowedError,
    UnsupportedMediaTypeError,
)
from shorty.webcore.requests import BODY_LIMIT

SAMPLES: Final[dict[type[ShortyError], ShortyError]] = {
    type(sample): sample
    for sample in (
        MalformedRequestError("The body is not JSON: JSON is malformed (byte 17)."),
        UnauthenticatedError("This token is unknown, expired or revoked."),
        ForbiddenError("This token has the scope 'read' and can't make changes."),
        FeatureOffError("webhooks", "free"),
        NotFoundError("link", 17),
        SlugTakenError("sale", "go.example.com"),
        SlugRestingError("sale", "go.example.com"),
        AlreadyExistsError("domain", "go.example.com"),
        ConflictError("A request with this Idempotency-Key is in progress; try again."),
        BodyTooLargeError(BODY_LIMIT),
        UnsupportedMediaTypeError("text/plain", "application/json"),
        InvalidFieldsError({"name": "must be text of at most 100 characters"}),
        KeyReusedError(),
        QuotaExceededError("links_per_month", 500, 777_600),
        RateLimitedError(42),
        MethodNotAllowedError("GET, POST"),
        InternalError(),
        FetchError("The host could not be reached."),
        BusyError(2),
        StorageUnavailableError(),
    )
}


def list_samples(operation: Operation, path: str, *, checks_query: bool) -> list[ShortyError]:
    kinds = list_error_kinds(operation, path, checks_query=checks_query)
    return [SAMPLES[kind] for kind in kinds]


def list_error_kinds(
    operation: Operation, path: str, *, checks_query: bool
) -> list[type[ShortyError]]:
    """The errors that the operation raises itself, and those common to its kind."""
    kinds: list[type[ShortyError]] = []
    if operation.scope is not None:
        kinds += [UnauthenticatedError, RateLimitedError]
        kinds += [ForbiddenError] * (operation.scope != "read")
    if "{" in path:
        kinds.append(NotFoundError)
    if operation.body is not None or operation.query is not None or checks_query:
        kinds += [MalformedRequestError, InvalidFieldsError]
    if operation.body is not None:
        kinds += [BodyTooLargeError, UnsupportedMediaTypeError]
    if operation.is_repeatable:
        kinds += [KeyReusedError, ConflictError]
    kinds += [*operation.errors, StorageUnavailableError]
    if SlugTakenError in kinds:
        kinds.insert(kinds.index(SlugTakenError) + 1, SlugRestingError)
    return list(dict.fromkeys(kinds))
