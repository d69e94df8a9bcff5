"""How long to wait before the next attempt."""

from __future__ import annotations

import random

BASE_S = 0.5
CAP_S = 15.0
RETRY_AFTER_CAP_S = 120.0


def delay_s(attempt: int, rng: random.Random, retry_after_s: float | None = None) -> float:
    """Return the seconds to wait after failure number `attempt` (0 is the first).

    Full jitter: anything between nothing and the exponential step, so that a crowd that lost its
    server at the same moment does not come back at the same moment. A server's Retry-After is
    a lower bound; the jitter comes on top of it. A Retry-After over two minutes is cut.
    """
    step = min(CAP_S, BASE_S * 2.0 ** min(attempt, 32))
    floor = min(max(retry_after_s or 0.0, 0.0), RETRY_AFTER_CAP_S)
    return floor + rng.uniform(0.0, step)
