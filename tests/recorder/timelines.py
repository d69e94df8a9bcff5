"""Replays without media, for whoever asks only for times."""

from __future__ import annotations

from recorder.replay import Period, Replay

ORIGIN_S = 1_700_000_000
"""Stream time at which VOD time 0 was, in seconds."""


def replay(*stretches: tuple[float, float]) -> Replay:
    """Periods given as (seconds from the origin, length in seconds), back to back in the VOD."""
    found = Replay("c-1")
    at_us = 0
    for begin_s, length_s in stretches:
        stream_us, length_us = round((ORIGIN_S + begin_s) * 1e6), round(length_s * 1e6)
        found.periods.append(Period(1, 0, at_us, stream_us, length_us, range(0)))
        at_us += length_us
    return found
