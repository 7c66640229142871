"""Moving in and out: links, their tags, logos and counts, and single clicks.

A *source* is a file of another product, or of ours: `sources` knows them, and each has a module
that reads it: `csv_file`, `shorty_file`, `yourls`, `kutt`, `shlink`, `bitly`. They give the items
of `model`, one by one, out of the tables and documents that `files` opens. `imports` takes items
into a workspace (`conflicts` says what becomes of taken slugs), `exports` writes them out in the
`lines` of our own format or as a table. `tally` tells how far a transfer has come.
"""
