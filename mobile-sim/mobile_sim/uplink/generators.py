"""Traces out of dice: mobile radio, Wi-Fi, a tunnel, handovers. The same seed, the same trace.

They show the shapes that such links are known for, at rates that the caller chooses; they are
drawn, not recorded. For recorded ones read mahimahi's files (`trace.py`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator

from mobile_sim.uplink.trace import LONGEST_MS, PACKET_BYTES, Trace, TraceError

SLOT_MS = 100
"""A rate holds so long; scheduling within it is even."""
FADING_S = 2.5
"""How long a mobile link stays better or worse than usual."""


def lte(seed: int, duration_s: float, mean_bps: float, spread: float = 0.45) -> Trace:
    """Mobile radio: the rate wanders for seconds, by `spread` (of its logarithm) either way.

    Raises TraceError for a duration or rate that no trace can have, as all generators here.
    """
    rates = _wander(random.Random(seed), duration_s, mean_bps, spread)
    return _trace(rates, duration_s, "lte")


def wifi(seed: int, duration_s: float, mean_bps: float) -> Trace:
    """Wi-Fi: steady, but others' turns stop it for 0.1 to 0.3 s, some ten times a minute."""
    rng = random.Random(seed)
    rates = list(_wander(rng, duration_s, mean_bps, 0.15))
    slot = 0
    while slot < len(rates):
        if rng.random() < SLOT_MS / 1000 * 10 / 60:
            busy = rng.randint(1, 3)
            rates[slot : slot + busy] = [0.0] * len(rates[slot : slot + busy])
            slot += busy + 1000 // SLOT_MS
        slot += 1
    return _trace(rates, duration_s, "wifi")


def tunnel(seed: int, duration_s: float, mean_bps: float, enter_s: float, dark_s: float) -> Trace:
    """Mobile radio with a tunnel: it fades for 2 s, passes nothing for `dark_s`, and returns."""
    rates = list(_wander(random.Random(seed), duration_s, mean_bps, 0.45))
    fade_s = 2.0
    for slot in range(len(rates)):
        at_s = slot * SLOT_MS / 1000
        before, after = enter_s - at_s, at_s - (enter_s + dark_s)
        outside = max(before, after)
        rates[slot] *= min(1.0, max(0.0, outside / fade_s))
    return _trace(rates, duration_s, "tunnel")


def handover(
    seed: int, duration_s: float, mean_bps: float, every_s: float = 30.0, gap_s: float = 0.3
) -> Trace:
    """Mobile radio on the move: a new cell every so often, after a gap, worse or better."""
    if not every_s > gap_s > 0:
        raise TraceError("handover:1: a cell must last longer than the gap before it")
    rng = random.Random(seed)
    rates = list(_wander(rng, duration_s, mean_bps, 0.3))
    next_s, factor = every_s * rng.uniform(0.5, 1.5), 1.0
    for slot in range(len(rates)):
        at_s = slot * SLOT_MS / 1000
        if at_s >= next_s + gap_s:
            next_s, factor = at_s + every_s * rng.uniform(0.5, 1.5), rng.uniform(0.4, 1.6)
        rates[slot] = 0.0 if next_s <= at_s < next_s + gap_s else rates[slot] * factor
    return _trace(rates, duration_s, "handover")


def _wander(
    rng: random.Random, duration_s: float, mean_bps: float, spread: float
) -> Iterator[float]:
    """Rates, slot by slot, whose logarithm comes back to its mean in some seconds."""
    if not 1 <= duration_s <= LONGEST_MS / 1000:
        raise TraceError(f"generator:1: a trace lasts 1 to {LONGEST_MS // 1000} s")
    if not mean_bps > 0:
        raise TraceError("generator:1: a rate must be more than 0")
    keep = math.exp(-SLOT_MS / 1000 / FADING_S)
    kick = math.sqrt(1 - keep * keep)
    state = rng.gauss(0, 1)
    for _ in range(round(duration_s * 1000 / SLOT_MS)):
        state = keep * state + kick * rng.gauss(0, 1)
        # The half square makes the mean of the rates, not of their logarithms, what was asked.
        swing = min(max(spread * state, -2.5), 1.5) - spread * spread / 2
        yield mean_bps * math.exp(swing)


def _trace(rates: Iterable[float], duration_s: float, name: str) -> Trace:
    return Trace(_moments(rates, round(duration_s * 1000)), name)


def _moments(rates: Iterable[float], length_ms: int) -> Iterator[int]:
    credit = 0.0
    last = -1
    for slot, rate in enumerate(rates):
        credit += rate * SLOT_MS / 1000 / (PACKET_BYTES * 8)
        packets = int(credit)
        credit -= packets
        for i in range(packets):
            last = slot * SLOT_MS + SLOT_MS * i // packets
            yield last
    if last < length_ms:
        # One packet at the end: a trace is as long as its last line.
        yield length_ms
