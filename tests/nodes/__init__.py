"""Several real `shorty serve` on one PostgreSQL server, under load, while parts of them fail.

`networks` gives each a host of its own where that is possible, `site` starts them, `load` keeps
them busy, `ledger` keeps what was answered and compares it with what is stored. `scenarios` says
what fails when. `python -m tests.nodes --minutes 10` runs all of it for longer than the tests do.
"""
