"""Idempotency-Key: a retry within a day returns the response to the first request.

The response is stored in the same transaction as what it created, so that neither exists without
the other. A retry waits while the first request is in progress. Errors are not stored, as they
changed nothing.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final, Protocol, TypeVar

import msgspec

from shorty.accounts import token_store
from shorty.accounts.model import KeptAnswer
from shorty.api.requests import ApiRequest
from shorty.durations import DAY_MS
from shorty.errors import ConflictError, InvalidFieldsError, ShortyError
from shorty.storage.database import Database, Transaction
from shorty.webcore.addresses import API
from shorty.webcore.answers import Answer, answer_created
from shorty.webcore.errors import KeyReusedError
from shorty.webcore.requests import Body


class Numbered(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T")
Created = TypeVar("Created", bound=Numbered)
Remember = Callable[[Transaction, T], None]

HEADER: Final = "Idempotency-Key"
KEY_LENGTH: Final = 255
KEPT_MS: Final = DAY_MS
DELETED_AT_ONCE: Final = 500


async def answer_once(
    request: ApiRequest,
    body: Body,
    create: Callable[[Remember[T] | None], Awaitable[T]],
    show: Callable[[T], Answer],
) -> Answer:
    """Runs `create` and shows the result, or repeats the response to the same earlier request.

    `create` gets a function that it calls inside its transaction with what it has created; None
    without a key. Of several processes that get the same request at once, one creates, and the
    others repeat its answer. Raises KeyReusedError.
    """
    key = read_key(request)
    if key is None:
        return show(await create(None))
    token_id = request.actor.token_id or 0
    digest = digest_request(request, body)

    async def find_kept() -> KeptAnswer | None:
        return await request.services.db.read_by_key(
            lambda rows: token_store.find_kept_answer(rows, token_id, key, request.now - KEPT_MS)
        )

    async with request.services.attempts.run_alone(token_id, key):
        kept = await find_kept()
        if kept is not None:
            return replay(kept, digest)

        def remember(tx: Transaction, made: T) -> None:
            answer = keep_answer(show(made), digest, request.now)
            if not token_store.insert_kept_answer(tx, token_id, key, answer, request.now - KEPT_MS):
                raise ConflictError(f"A request with this {HEADER} is in progress; try again.")

        try:
            return show(await create(remember))
        except ShortyError:  # such as a slug that the same request took at another node
            kept = await find_kept()
            if kept is None:
                raise
            return replay(kept, digest)


async def create_once(
    request: ApiRequest,
    body: Body,
    place: str,
    work: Callable[[Transaction], Created],
    show: Callable[[Created], msgspec.Struct],
) -> Answer:
    """Answers 201 with what `work` creates in its own transaction, and a Location below `place`."""

    async def create(remember: Remember[Created] | None) -> Created:
        def work_and_remember(tx: Transaction) -> Created:
            made = work(tx)
            if remember is not None:
                remember(tx, made)
            return made

        return await request.write(work_and_remember)

    return await answer_once(
        request,
        body,
        create,
        lambda made: answer_created(show(made), f"{API}{place}/{made.id}"),
    )


def read_key(request: ApiRequest) -> str | None:
    key = request.find_header(b"idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_LENGTH:
        raise InvalidFieldsError({HEADER: f"must be 1 to {KEY_LENGTH} characters long"})
    return key


def digest_request(request: ApiRequest, body: Body) -> str:
    scope = request.scope
    parts = (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body.raw)
    return sha256(b"\0".join(parts)).hexdigest()


def keep_answer(answer: Answer, digest: str, now: int) -> KeptAnswer:
    location = dict(answer.extra_headers).get(b"location", b"")
    return KeptAnswer(
        request_digest=digest,
        status=answer.status_code,
        body=answer.body,
        location=location.decode(),
        created_at=now,
    )


def replay(kept: KeptAnswer, digest: str) -> Answer:
    if kept.request_digest != digest:
        raise KeyReusedError
    headers = [(b"idempotency-replayed", b"true")]
    if kept.location:
        headers.append((b"location", kept.location.encode()))
    return Answer(kept.status, kept.body, headers=headers)


async def delete_old_keys(db: Database, now: int) -> int:
    """Deletes a small batch of expired responses; returns how many."""
    return await db.write(
        lambda tx: token_store.delete_kept_answers(tx, now - KEPT_MS, DELETED_AT_ONCE)
    )
