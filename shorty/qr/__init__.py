"""Owns QR codes: takes settings and a URL, returns SVG or PNG. Pure; logos are stored by `links`.

`design` turns settings into decisions, `symbol` a URL into modules, `drawing` both into SVG and SVG
into PNG; `warnings` lists what cameras may fail to read.
"""
