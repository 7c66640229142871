"""Imports and exports links with their tags, logos and counts, bio pages, and single clicks.

`sources` names the reader of each product's files: `csv_file` for any table of links, `shorty_file`
for our own format, `yourls`, `dub`, and its own ones for Kutt, Shlink and Bitly. They turn what
`files`, `tables`, `json_file` and `sql` read into the items of `model`, with `times` as they come.
`imports` takes the items into a workspace: `import_links` stores links, or says what it would do,
`conflicts` decides about taken slugs, and `history`, `pictures` and `pages` take in the rest.
`jobs` runs the dashboard's imports.

`exports` writes links as a table, which `csv_file` reads again, or as `lines` of our own format.
`progress` counts in both directions and reports problems. `backups` checks databases before they
are restored.
"""
