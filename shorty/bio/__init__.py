"""Link-in-bio pages: what a page is, its blocks, its looks, and what a visitor is shown of it.

A page belongs to one link and has its id; it is there as long as the link is one in a bio, whether
anybody has set anything of it or not.
"""
