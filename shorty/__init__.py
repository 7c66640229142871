"""shorty, a self-hosted link shortener.

Three rings: *domains* hold the rules, *doors* turn the outside world into one call of a domain,
*storage* underneath runs statements and knows no business. Imports go one way:

    errors → config, storage, fetch, limits → plans → accounts → domains → webhooks → links → clicks
    → qr, bio, transfer → redirect → api, web → app → cli

`links` owns what a link is; `clicks` what happened to it; `redirect` answers visitors; `api`
answers callers. Read `links/model.py`, `redirect/decide.py` and `clicks/journal.py` first: they
are the product in three pages. `manual/` tells the people who use it.
"""

__version__ = "0.1.0"
