"""shorty as it is served, except that it asks the test's name server about domains.

`python -m tests.serve.small_app tests.browser.served:App` serves it.
"""

import os
from contextlib import AsyncExitStack
from typing import Final

from msgspec.structs import replace

import shorty.app
from shorty.domains.resolver import DnsSettings
from shorty.domains.verification import DomainVerifier
from shorty.webcore.services import Services

COMMAND: Final = ("-m", "tests.serve.small_app", "tests.browser.served:App")
NAME_SERVER: Final = "NAME_SERVER_OF_TEST"


class App(shorty.app.App):
    async def _open_services(self, stack: AsyncExitStack) -> Services:
        services = await super()._open_services(stack)
        verifier = DomainVerifier(
            services.db,
            services.domains,
            services.fetcher,
            services.challenges,
            DnsSettings(nameservers=(os.environ[NAME_SERVER],)),
        )
        return replace(services, verifier=verifier)
