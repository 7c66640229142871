"""What the API's handlers call: the open database, the settings and the domains' own state."""

import msgspec

from shorty.clicks.recorder import Recorder
from shorty.config import Config
from shorty.domains import DomainDirectory
from shorty.fetch import Fetcher
from shorty.limits import RateLimits
from shorty.links.book import LinkBook
from shorty.links.titles import TitleFiller
from shorty.proxies import TrustedProxies
from shorty.storage.database import Database
from shorty.webhooks.outbox import Outbox


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Made once by the composition root and handed to every handler as `services`."""

    config: Config
    db: Database
    domains: DomainDirectory
    book: LinkBook
    recorder: Recorder
    fetcher: Fetcher
    titles: TitleFiller
    limits: RateLimits
    proxies: TrustedProxies
    outbox: Outbox
