"""What can go wrong, as facts with a stable code and the values that explain it.

Domains raise these; each door turns them into its own shape. A message is one sentence that says
what to do, fit to be shown to the caller: it never holds SQL, a path of the server or a secret.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class ShortyError(Exception):
    """Base of every expected failure. `code` is stable and documented in the manual."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidFieldsError(ShortyError):
    """Input that was understood but cannot be accepted; `fields` maps each name to its fault.

    Those of `unread` could not be read, and are under the caller's own names already.
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
        """The same with the domain's names spelled as the caller knows them."""
        return InvalidFieldsError(spell(self._judged), self._unread)


class NotFoundError(ShortyError):
    code = "not-found"

    def __init__(self, what: str, name: str | int = "") -> None:
        self.what = what
        subject = f"{what} {name}".rstrip()
        super().__init__(f"{subject[0].upper()}{subject[1:]} not found.")


class SlugTakenError(ShortyError):
    code = "slug-taken"

    def __init__(self, slug: str, domain: str) -> None:
        self.slug = slug
        self.domain = domain
        super().__init__(f"The slug {slug!r} is already taken on {domain}; choose another.")


class AlreadyExistsError(ShortyError):
    code = "already-exists"

    def __init__(self, what: str, name: str) -> None:
        self.what = what
        super().__init__(f"A {what} named {name!r} already exists.")


class ConflictError(ShortyError):
    """A request that is right by itself but cannot be met in the present state."""

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
    """A plan's limit is reached. `retry_after_s` is None where waiting does not help."""

    code = "quota-exceeded"

    def __init__(self, quota: str, limit: int, retry_after_s: int | None = None) -> None:
        self.quota = quota
        self.limit = limit
        self.retry_after_s = retry_after_s
        super().__init__(f"The plan's limit of {limit} {quota.replace('_', ' ')} is reached.")


def _write_wait(seconds: int) -> str:
    """For people, who would not count 596 seconds."""
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
    """What the work needs is in use and the queue for it is full; nothing was begun."""

    code = "busy"

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"The server is busy; try again in {_write_wait(retry_after_s)}.")


class FetchError(ShortyError):
    """An outgoing request that failed or was refused; the message says why without inner detail."""

    code = "fetch-failed"


class StorageUnavailableError(ShortyError):
    """The database cannot be read or written now: locked, full or broken."""

    code = "storage-unavailable"

    def __init__(
        self, message: str = "The database cannot be used right now; try again soon."
    ) -> None:
        super().__init__(message)


class StartError(ShortyError):
    """Why a command cannot start: one plain sentence for the operator, who may see paths."""

    code = "start-failed"


class ConfigError(StartError):
    """A setting that is unknown or ill-typed; the message names its path and what was expected."""

    code = "config-invalid"
