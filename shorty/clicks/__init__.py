"""Owns clicks: who visited a link (never by IP address) and how often, without losing a click.

A *visit* is journalled before its answer is sent (`journal`), waits (`recorder`) and becomes a
stored *click*, with its counters, in one transaction (`store`). Links with `maxClicks` are counted
exactly (`limited`). The same transaction adds the click to sums (`rollups`, `rollup_store`), which
are folded into days (`days`, `folding`) and answer every question (`stats`, `periods`). `rebuild`
recalculates the sums, `retention` removes old clicks, and `loading` imports those of other
products. `model`, `user_agent`, `visitor` and `geo` describe the visitor.
"""
