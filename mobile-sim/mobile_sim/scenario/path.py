"""The phone's way to the server in simulated time: up, restarting, or lost.

It stands for what `live.py` does with real media: ICE restart first, then a new POST with
jittered backoff. How long each takes is assumed, in round-trip times.
"""

from __future__ import annotations

import random

from mobile_sim.backoff import delay_s
from mobile_sim.scenario.timeline import Connected

SILENCE_S = 3.0
"""Nothing comes back for so long: the path is taken for dead."""
RESTART_RTTS = 4
RESTART_S = 0.25
"""Gathering addresses; with the offer, the answer and the checks on top."""
RESTART_AGAIN_S = 2.0
RESTARTS_FOR_S = 12.0
"""When no restart has worked for so long, the session is given up."""
POST_RTTS = 7
POST_S = 0.4
"""Gathering, the handshakes of TLS and DTLS, and the first keyframe on top."""


class Path:
    """Knows only whether packets would pass, and which address the phone has."""

    def __init__(self, rng: random.Random) -> None:
        self.connected = Connected.LIVE
        self.restarts = 0
        self.posts = 0
        self._rng = rng
        self._address: int | None = None
        self._silent_since: float | None = None
        self._trying_since = 0.0
        self._due_s = 0.0
        self._attempt = 0

    def feed(self, now_s: float, address: int, passes: bool, rtt_s: float) -> Connected:
        """Take what is so now; return how the phone is connected."""
        if self._address is None:
            self._address = address
        moved, self._address = address != self._address, address
        if self.connected is Connected.LIVE:
            self._while_live(now_s, moved, passes, rtt_s)
        elif moved and self.connected is Connected.RESTARTING:
            # The system tells of a new network at once: no need to wait for the next try.
            self._due_s = now_s + RESTART_S + RESTART_RTTS * rtt_s
        elif now_s >= self._due_s:
            self._try(now_s, passes, rtt_s)
        return self.connected

    def _while_live(self, now_s: float, moved: bool, passes: bool, rtt_s: float) -> None:
        if passes:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = now_s
        silent = self._silent_since is not None and now_s - self._silent_since >= SILENCE_S
        if moved or silent:
            self.connected = Connected.RESTARTING
            self._silent_since = None
            self._trying_since = now_s
            self._due_s = now_s + RESTART_S + RESTART_RTTS * rtt_s

    def _try(self, now_s: float, passes: bool, rtt_s: float) -> None:
        if passes:
            if self.connected is Connected.RESTARTING:
                self.restarts += 1
            else:
                self.posts += 1
            self.connected = Connected.LIVE
            self._attempt = 0
        elif self.connected is Connected.RECONNECTING:
            self._back_off(now_s, rtt_s)
        elif now_s - self._trying_since >= RESTARTS_FOR_S:
            self.connected = Connected.RECONNECTING
            self._back_off(now_s, rtt_s)
        else:
            self._due_s = now_s + RESTART_AGAIN_S

    def _back_off(self, now_s: float, rtt_s: float) -> None:
        self._due_s = now_s + delay_s(self._attempt, self._rng) + POST_S + POST_RTTS * rtt_s
        self._attempt += 1
