"""Token buckets for many keys, in a table that cannot grow without end."""

from __future__ import annotations

import math
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address


class TokenBuckets:
    """`burst` requests at once, then `rate` a second, for each key on its own.

    The table holds `size` keys. When it is full the key that was quiet for longest is
    forgotten, which gives that key a full bucket: a flood of new keys costs others nothing.
    """

    def __init__(self, rate: float, burst: int, size: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._size = size
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now_ms: int) -> int | None:
        """Take one token: None when there was one, else whole seconds until there is (>= 1)."""
        tokens = self._tokens(key, now_ms)
        if tokens < 1.0:
            self._store(key, tokens, now_ms)
            return max(1, math.ceil((1.0 - tokens) / self._rate))
        self._store(key, tokens - 1.0, now_ms)
        return None

    def wait_s(self, key: str, now_ms: int) -> int | None:
        """Like `take`, without taking."""
        tokens = self._tokens(key, now_ms)
        return None if tokens >= 1.0 else max(1, math.ceil((1.0 - tokens) / self._rate))

    def _tokens(self, key: str, now_ms: int) -> float:
        tokens, then_ms = self._buckets.get(key, (self._burst, now_ms))
        return min(self._burst, tokens + max(0, now_ms - then_ms) * self._rate / 1000)

    def _store(self, key: str, tokens: float, now_ms: int) -> None:
        self._buckets[key] = (tokens, now_ms)
        self._buckets.move_to_end(key)
        while len(self._buckets) > self._size:
            self._buckets.popitem(last=False)


def address_key(address: str) -> str:
    """What an IP address is counted by: itself, or for IPv6 its /64.

    One IPv6 customer has at least a /64, so counting single addresses would count nothing.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(IPv6Address(int(ip) >> 64 << 64)) + "/64"
    return str(ip)
