"""The dashboard: what a person does with shorty in a browser.

Beside `api`, its pages call the same domain functions. Read first: `guard` (how a page is
declared and who may open it), `rendering` (what every page consists of), `forms` (what was typed).
"""
