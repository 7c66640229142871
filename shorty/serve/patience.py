"""How long each thing may take that the process waits for, in seconds."""

import msgspec


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Ten seconds are promised for a stop; a worker that takes longer than `stop_s` is killed.

    `reading_s` is for connections that were accepted and not read yet, `grace_s` for requests under
    way; the rest until then is for storing. Whoever starts shorty again waits `lock_s` for the
    lock, a little longer than the `orphan_grace_s` of a worker whose supervisor is gone.
    """

    lock_s: float = 3.0
    orphan_grace_s: float = 1.0
    reading_s: float = 0.25
    grace_s: float = 4.0
    stop_s: float = 8.5
