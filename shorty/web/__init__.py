"""The dashboard: what a person does with shorty in a browser.

A door beside `api`: its pages call the same domain functions. To read first: `doors` says how a
page is declared and who gets in, `rendering` what every page is made of, `forms` what was typed.
"""
