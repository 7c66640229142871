"""Owns that receivers are told of clicks: at least once, signed, whatever crashes in between.

A click is written to the `outbox` in its own transaction: one *delivery* for each address of its
link, which is a *receiver*. The `worker` takes *turns* of them from the `queue`, fairly by host and
receiver, and writes down each *try*. `model`, `signature` and `rules` are pure.
"""
