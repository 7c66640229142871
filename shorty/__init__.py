"""shorty, a self-hosted link shortener.

Three rings: *domains* contain the rules, *doors* turn requests from outside into one call of a
domain, and *storage* underneath runs statements and knows no rules. Imports go one way, down this
map:

    cli                the shell: commands
    app                the composition root; `jobs` runs periodically,
                       `serve` is the process around it, `granian_bridge` adapts granian
    api                programs: both APIs, analytics, webhooks, accounts, the OpenAPI document
    web                people: the dashboard
    webcore            shared by these two: requests, answers, services
    redirect           visitors: `route` is the hot path, `decide` chooses a visit's answer
    bio                link-in-bio pages: settings, blocks, themes
    qr                 images of QR codes, from settings alone
    transfer           imports and exports of links and bio pages, also from other products
    clicks             what happened to links: journal, recorder, counts, sums, analytics
    links              what a link is: rules, create and change, lists, lookup
    webhooks           deliveries: outbox, worker, log
    domains            which host answers, and who owns it
    accounts           people, workspaces, roles, tokens
    plans              what a workspace may use
    nodes              the servers that share a PostgreSQL database
    databases          opens the one that is configured: `sqlite` (the default) or `postgres`
    config, storage,   settings; what both engines are; and what all of them use: the one HTTP
    fetch, limits …    client, rate limits, passwords, proxies, hosts, ids, durations, a check of
                       the clock, the process's sockets
    errors             what can go wrong

Read `links/model.py`, `redirect/decide.py` and `clicks/journal.py` first: they are the core of the
product. `manual/` is for the people who use it.
"""

__version__ = "0.1.0"
