"""Moving in and out: links with their tags, logos and counts, bio pages, and single clicks.

A *source* is a file of another product, or of ours: `sources` knows them, and each has a module
that reads it: `csv_file`, `shorty_file`, `yourls`, `kutt`, `shlink`, `bitly`. They give the items
of `model`, one by one, out of the tables, documents and dumps that `files`, `documents` and `sql`
open. `imports` takes items into a workspace: `import_links` fits links in and stores them,
`conflicts` says what becomes of a taken slug; `history` stores clicks, `pictures`, `templates` and
`pages` (how bio pages look) what they are named after; `dry_run` only says what would happen.
`exports` writes links out, as a table or in the `lines` of our own format. `progress` says how far
a transfer has come; `jobs` runs the dashboard's imports. `backups` judges whole databases that are
restored or checked, with the URLs that `stored_urls` finds in them.
"""
