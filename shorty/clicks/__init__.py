"""Owns what happened to a link: who visited (never by address), how often, and that none is lost.

A *visit* is journalled before its answer leaves (`journal`), waits (`recorder`) and becomes a
stored *click* with its counters in one transaction (`store`). Links with `maxClicks` are counted
exactly (`limited`). `model`, `user_agent`, `visitor` and `geo` say what is known about a visitor.
"""
