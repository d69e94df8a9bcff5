"""A link as the phone meets it: a rate from a trace, a queue, delay, jitter and loss. No I/O."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from mobile_sim.uplink.trace import PACKET_BYTES, Trace

LARGEST_PACKET = 65_535


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What a link does beside its rate. Raises ValueError for what cannot be."""

    delay_s: float = 0.02
    """One way, without the queue."""
    jitter_s: float = 0.0
    """At most so much is added, evenly; packets keep their order."""
    loss: float = 0.0
    """0 to 1: share of packets lost, one by one."""
    burst_loss: float = 0.0
    """0 to 0.9: share of packets lost in bursts."""
    burst_packets: float = 5.0
    """How long a burst is on average."""
    queue_bytes: int = 256_000
    """What waits at most for its turn; what comes then is dropped."""

    def __post_init__(self) -> None:
        if not (0 <= self.delay_s <= 10 and 0 <= self.jitter_s <= 10):
            raise ValueError("delay and jitter are 0 to 10 s")
        if not (0 <= self.loss <= 1 and 0 <= self.burst_loss <= 0.9):
            raise ValueError("loss is a share")
        if not self.burst_packets >= 1:
            raise ValueError("a burst has a packet at least")
        if not PACKET_BYTES <= self.queue_bytes <= 100_000_000:
            raise ValueError("a queue takes 1500 bytes to 100 MB")


class Link:
    """One direction of a link. Times are the caller's and never fall from call to call.

    Bytes are counted as mahimahi does: a moment of the trace takes 1500 of them, of several
    small packets or of a part of a large one, and what is not used is gone.
    """

    def __init__(
        self, trace: Trace, settings: LinkSettings, rng: random.Random, start_s: float = 0.0
    ) -> None:
        """The trace begins at `start_s` on the caller's clock."""
        self._trace = trace
        self._settings = settings
        self._rng = rng
        self._start_s = start_s
        self._now_s = start_s
        self._number = 0
        """The moment of the trace in use, and ..."""
        self._left = PACKET_BYTES
        """... the bytes that it may still take."""
        self._queue: deque[tuple[float, int]] = deque()
        self._queued = 0
        self._arrived_s = start_s
        self._in_burst = False
        self._cut = False

    def offer(self, now_s: float, size: int) -> float | None:
        """Send `size` bytes at `now_s`; return when they arrive, None when they are lost.

        Raises ValueError when time falls or the size is not that of a packet.
        """
        if now_s < self._now_s:
            raise ValueError("time falls")
        if not 0 < size <= LARGEST_PACKET:
            raise ValueError(f"a packet of {size} bytes")
        waiting = self.queued_bytes(now_s)
        if self._cut or waiting + size > self._settings.queue_bytes:
            return None
        leaves_s = self._turn(now_s, size)
        self._queue.append((leaves_s, size))
        self._queued += size
        # What the air loses has had its turn all the same.
        if self._lost():
            return None
        settings = self._settings
        arrives = leaves_s + settings.delay_s
        if settings.jitter_s:
            arrives += self._rng.uniform(0, settings.jitter_s)
        self._arrived_s = max(self._arrived_s, arrives)
        return self._arrived_s

    def queued_bytes(self, now_s: float) -> int:
        """What waits for its turn at `now_s`."""
        self._now_s = max(self._now_s, now_s)
        while self._queue and self._queue[0][0] <= now_s:
            self._queued -= self._queue.popleft()[1]
        return self._queued

    def cut(self) -> None:
        """The link is down: everything offered is lost until `mend`."""
        self._cut = True

    def mend(self) -> None:
        """The link is up again."""
        self._cut = False

    def _turn(self, now_s: float, size: int) -> float:
        """Take the next free moments of the trace and return when the last byte leaves."""
        first = self._trace.next_number((now_s - self._start_s) * 1000)
        if first > self._number:
            self._number, self._left = first, PACKET_BYTES
        while size > self._left:
            size -= self._left
            self._number, self._left = self._number + 1, PACKET_BYTES
        self._left -= size
        return max(now_s, self._start_s + self._trace.moment_ms(self._number) / 1000)

    def _lost(self) -> bool:
        settings, rng = self._settings, self._rng
        lost = settings.loss > 0 and rng.random() < settings.loss
        if settings.burst_loss > 0:
            end = 1 / settings.burst_packets
            begin = end * settings.burst_loss / (1 - settings.burst_loss)
            if self._in_burst:
                self._in_burst = rng.random() >= end
            else:
                self._in_burst = rng.random() < begin
            lost = lost or self._in_burst
        return lost
