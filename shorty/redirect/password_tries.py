"""Owns how often visitors may try a link's password: by address, by network, and by link.

Each limit counts wrong tries alone. A try that any of them refuses counts for none, so that nobody
uses up what others have by going on. Visitors with the link's cookie are not asked or counted.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import Final

import msgspec

from shorty.limits import Allowance, RateLimits, name_address, name_network

WRONG_BY_ADDRESS: Final = 10
"""From one address or /64, in ten minutes."""
WRONG_BY_NETWORK: Final = 50
"""From one IPv6 /48 or IPv4 /24, in ten minutes."""
WRONG_BY_LINK: Final = 100
"""From everywhere; then one more every REFILL_MS, so that those who know the password wait little
however long others guess."""
REFILL_MS: Final = 3000


class WrongPasswords:
    """Which passwords were wrong lately. Programs send one again and again that is not meant for
    the link, as to a proxy in front of it: tried once, it can succeed no more, and counts no more.

    Of each only a keyed digest is kept, and of no more than `capacity`.
    """

    def __init__(self, secret: bytes, capacity: int = 10_000) -> None:
        self._secret = secret
        self._capacity = capacity
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def remember(self, password_hash: str, password: str) -> None:
        while len(self._digests) >= self._capacity:
            self._digests.popitem(last=False)
        self._digests[self._digest(password_hash, password)] = None

    def __contains__(self, tried: tuple[str, str]) -> bool:
        """Whether this hash was tried with this password."""
        return self._digest(*tried) in self._digests

    def _digest(self, password_hash: str, password: str) -> bytes:
        # The hash has a salt of its own, and so names its link and the password of today.
        text = f"{password_hash} {password}".encode(errors="replace")
        return blake2b(text, digest_size=16, key=self._secret[:64]).digest()


class Guesser(msgspec.Struct, frozen=True, kw_only=True):
    """Who tries the password of which link, as the limits know them."""

    link_id: int
    address: str
    network: str

    @property
    def address_key(self) -> str:
        return f"{self.address} {self.link_id}"

    @property
    def network_key(self) -> str:
        return f"{self.network} {self.link_id}"


def read_guesser(link_id: int, address: str) -> Guesser:
    return Guesser(link_id=link_id, address=name_address(address), network=name_network(address))


async def look_at_tries(limits: RateLimits, guesser: Guesser, now: int) -> Allowance:
    """Whether one more try is allowed: what the limit says that refuses it for longest, if any."""
    found = (
        await limits.link_passwords.look(guesser.address_key, WRONG_BY_ADDRESS, now),
        await limits.link_password_networks.look(guesser.network_key, WRONG_BY_NETWORK, now),
        await limits.link_password_tries.look(guesser.link_id, WRONG_BY_LINK, REFILL_MS, now),
    )
    return max(found, key=lambda each: (not each.is_allowed, each.reset_at))


async def take_try(limits: RateLimits, guesser: Guesser, now: int) -> Allowance:
    """Counts one try, before it is tried: those at the same moment cannot slip past the limits."""
    allowance = await look_at_tries(limits, guesser, now)
    if not allowance.is_allowed:
        return allowance
    by_address, by_network = limits.link_passwords, limits.link_password_networks
    taken = await by_address.take(guesser.address_key, WRONG_BY_ADDRESS, now)
    if not taken.is_allowed:  # here and below: others were quicker since the look
        return taken
    taken = await by_network.take(guesser.network_key, WRONG_BY_NETWORK, now)
    if not taken.is_allowed:
        await by_address.give_back(guesser.address_key, now)
        return taken
    taken = await limits.link_password_tries.take(guesser.link_id, WRONG_BY_LINK, REFILL_MS, now)
    if not taken.is_allowed:
        await by_address.give_back(guesser.address_key, now)
        await by_network.give_back(guesser.network_key, now)
        return taken
    return allowance


async def give_back_try(limits: RateLimits, guesser: Guesser, now: int) -> None:
    """For a try that was not wrong, or was never tried."""
    await limits.link_passwords.give_back(guesser.address_key, now)
    await limits.link_password_networks.give_back(guesser.network_key, now)
    await limits.link_password_tries.give_back(guesser.link_id, REFILL_MS, now)


async def forgive_tries(limits: RateLimits, guesser: Guesser, now: int) -> None:
    """After the right password: the address starts again, and this try counts nowhere."""
    await give_back_try(limits, guesser, now)
    await limits.link_passwords.forget(guesser.address_key)
