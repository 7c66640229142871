"""shorty, a self-hosted link shortener.

Three rings: *domains* hold the rules, *doors* turn the outside world into one call of a domain,
*storage* underneath runs statements and knows no business. Imports go one way, down this map:

    cli                what the shell asks for
    app                the composition root; `jobs` does what is done by the clock,
                       `serve` is the process around it, `granian_bridge` all that knows granian
    api                callers: both APIs, analytics, webhooks, accounts, their OpenAPI document
    web                people: the dashboard
    webcore            what these two share: requests, answers, services
    redirect           visitors: `route` is the hot path, `decide` what a visit gets
    bio                link-in-bio pages: settings, blocks, themes
    qr                 pictures of codes, from settings alone
    transfer           links and bio pages moving in and out: other products' files, ours, exports
    clicks             what happened to links: journal, recorder, counts, sums, analytics
    links              what a link is: rules, create and change, lists, lookup
    webhooks           deliveries: outbox, worker, log
    domains            which host answers, and whose it is
    accounts           people, workspaces, roles, tokens
    plans              what a workspace may use
    config, storage,   settings; the database; and what everybody needs: the one HTTP client,
    fetch, limits …    rate limits, passwords, proxies, addresses, ids, durations, whether the clock
                       is believed, the process's sockets
    errors             what can go wrong

Read `links/model.py`, `redirect/decide.py` and `clicks/journal.py` first: they are the product in
three pages. `manual/` is for the people who use it.
"""

__version__ = "0.1.0"
