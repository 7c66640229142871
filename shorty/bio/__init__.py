"""Owns link-in-bio pages: their settings, blocks, looks, and what a visitor sees.

A page belongs to one link and has its id. It exists while the link is marked as a bio link, even if
nobody has customised it.
"""
