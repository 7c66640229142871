"""Owns what happened to a link: who visited (never by address), how often, and that none is lost.

A *visit* is journalled before its answer leaves (`journal`), waits (`recorder`) and becomes a
stored *click* with its counters in one transaction (`store`). Links with `maxClicks` are counted
exactly (`limited`). In the same transaction it is added to sums (`rollups`, `rollup_store`), which
are folded into days (`days`, `folding`) and answer every question (`stats`, `periods`); `rebuild`
recounts them, `retention` removes old clicks, `loading` takes in other products'. `model`,
`user_agent`, `visitor` and `geo` say what is known about a visitor.
"""
