"""Owns webhooks: notifies receivers of clicks at least once, signed, through any crash.

A click is written to the `outbox` in its own transaction: one *delivery* for each endpoint URL of
its link, which is a *receiver*. The `worker` takes *turns* of deliveries from the `queue`, fairly
by host and receiver, and stores the result of each attempt. `model`, `signature` and `rules` are
pure.
"""
