"""Small mistakes put into the code one by one, to see whether the tests notice.

`python -m tests.mutations PATH…` says which they did not notice. See `manual/development.md`.
"""
