"""Defines the errors, as facts with a stable code and the values that explain them.

Domains raise them; each door shows them in its own form. A message is one sentence that says what
to do and can be shown to the caller: it never contains SQL, a path of the server or a secret.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def join_choices(choices: Iterable[str]) -> str:
    """`a, b or c`: what may be given instead."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


class ShortyError(Exception):
    """Base of every expected error. `code` is stable and documented in the manual."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidFieldsError(ShortyError):
    """Readable input that cannot be accepted; `fields` maps each field's name to its fault.

    `unread` maps fields that could not be read, already by the caller's own names.
    """

    code = "invalid-fields"

    def __init__(self, fields: Mapping[str, str], unread: Mapping[str, str] = _NONE) -> None:
        self._judged = fields
        self._unread = unread
        self.fields = {**fields, **unread}
        super().__init__("; ".join(f"{name}: {fault}" for name, fault in self.fields.items()))

    def rename(
        self, spell: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> "InvalidFieldsError":
        """The same error with the domain's field names replaced by the caller's."""
        return InvalidFieldsError(spell(self._judged), self._unread)


class NotFoundError(ShortyError):
    code = "not-found"

    def __init__(self, what: str, name: str | int = "") -> None:
        self.what = what
        subject = f"{what} {name}".rstrip()
        super().__init__(f"{subject[0].upper()}{subject[1:]} not found.")


class SlugTakenError(ShortyError):
    code = "slug-taken"
    reason = "The slug {slug!r} is already taken on {domain}; choose another."

    def __init__(self, slug: str, domain: str) -> None:
        self.slug = slug
        self.domain = domain
        super().__init__(self.reason.format(slug=slug, domain=domain))


class SlugRestingError(SlugTakenError):
    """A slug that another workspace's link with visits had until recently."""

    code = "slug-resting"
    reason = (
        "The slug {slug!r} on {domain} was in use until recently and is reserved for its previous "
        "owner; choose another."
    )


class AlreadyExistsError(ShortyError):
    code = "already-exists"

    def __init__(self, what: str, name: str) -> None:
        self.what = what
        super().__init__(f"A {what} named {name!r} already exists.")


class ConflictError(ShortyError):
    """A valid request that is not possible in the current state."""

    code = "conflict"


class UnauthenticatedError(ShortyError):
    code = "unauthenticated"


class ForbiddenError(ShortyError):
    code = "forbidden"


class FeatureOffError(ForbiddenError):
    code = "feature-off"

    def __init__(self, feature: str, plan: str) -> None:
        self.feature = feature
        super().__init__(f"The plan {plan!r} does not include {feature}.")


class QuotaExceededError(ShortyError):
    """A plan's limit is reached. `retry_after_s` is None if waiting does not help."""

    code = "quota-exceeded"

    def __init__(self, quota: str, limit: int, retry_after_s: int | None = None) -> None:
        self.quota = quota
        self.limit = limit
        self.retry_after_s = retry_after_s
        super().__init__(f"The plan's limit of {limit} {quota.replace('_', ' ')} is reached.")


def _write_wait(seconds: int) -> str:
    """Written for people, who do not count 596 seconds."""
    minutes = -(-seconds // 60)
    if minutes > 2 * 60:
        return f"{-(-minutes // 60)} hours"
    if minutes > 2:  # noqa: PLR2004 - shorter waits are given in seconds
        return f"{minutes} minutes"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


class RateLimitedError(ShortyError):
    code = "rate-limited"

    def __init__(self, retry_after_s: int, reason: str = "Too many requests") -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{reason}; try again in {_write_wait(retry_after_s)}.")


class BusyError(ShortyError):
    """The resource is in use and its queue is full; no work was begun."""

    code = "busy"

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"The server is busy; try again in {_write_wait(retry_after_s)}.")


class FetchError(ShortyError):
    """An outgoing request failed or was refused; the message says why, without internal details."""

    code = "fetch-failed"


class StorageUnavailableError(ShortyError):
    """The database cannot be read or written now: it is locked, full or broken."""

    code = "storage-unavailable"

    def __init__(
        self, message: str = "The database cannot be used right now; try again soon."
    ) -> None:
        super().__init__(message)


class StartError(ShortyError):
    """Why a command cannot start: one plain sentence for the operator, who may see paths."""

    code = "start-failed"


class ConfigError(StartError):
    """An unknown or invalid setting; the message names its path and what was expected."""

    code = "config-invalid"
