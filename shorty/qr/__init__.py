"""Owns QR codes: settings and an address in, SVG or PNG out. Pure; logos are stored by `links`.

`design` turns settings into decisions, `symbol` the address into modules, `drawing` both into SVG
and that into PNG; `warnings` says what cameras may fail at.
"""
