"""What the uplink carries, as a sender learns it: by delay, by loss and by what arrives.

A simple relative of Google congestion control, for simulated time; the live simulator listens to
the server's own estimate instead. Factors are those of draft-ietf-rmcat-gcc-02 (sections 5.5 and
6): down to 0.85 of what arrives when the queue grows, up by 8 % a second, never above 1.5 times
what arrives; loss over 10 % takes half of its share, over 2 % forbids growth. Thresholds of the
queue, and what stands for probing, are assumed.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 1.0
"""What arrived is counted over so long."""
LEARNED_S = 0.5
"""After so long there is a first estimate."""
LOSS_WINDOW_S = 1.0
BASE_WINDOW_S = 20.0
"""The shortest delay of so long is the delay of the empty queue."""
QUEUE_S = 0.06
"""A queue that takes longer, and grows, is too long."""
DEEP_QUEUE_S = 0.25
"""A queue that takes longer is too long even when it shrinks."""
DOWN = 0.85
UP_PER_S = 1.08
START_UP_PER_S = 2.0
"""Until the link is full for the first time: probes would find out as fast."""
BOUND = 1.5
PROBED_BPS = 800_000.0
"""Padding may find out so much beyond what is sent."""
LOSS_HOLD, LOSS_DOWN = 0.02, 0.10
SPACING_S = 0.6
"""A step down is given so long to show before the next."""
SILENCE_S = 0.5
"""No feedback for so long halves the estimate."""
LOWEST_BPS = 30_000.0
HIGHEST_BPS = 50_000_000.0


class Estimator:
    """Feed it with what arrived and what was lost, in order of time; ask it ten times a second."""

    def __init__(self, now_s: float = 0.0) -> None:
        self.bps: float | None = None
        """Bits per second; None until something has arrived for half a second."""
        self._began_s: float | None = None
        self._updated_s = now_s
        self._heard_s = now_s
        self._stepped_s = now_s - SPACING_S
        self._arrivals: deque[tuple[float, int]] = deque()
        self._bytes = 0
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._lost = 0
        self._bases: deque[tuple[float, float]] = deque()
        self._delay_s = 0.0
        self._queue_s = 0.0
        self._starting = True
        self._dark = False

    def arrived(self, sent_s: float, arrived_s: float, size: int) -> None:
        """A packet arrived; call it when the far end's report of it is there."""
        if self._began_s is None:
            self._began_s = arrived_s
        if self._dark:
            # What was lost in the dark says nothing of what is lost in the light.
            self._dark, self._lost = False, 0
            self._outcomes.clear()
        self._arrivals.append((arrived_s, size))
        self._bytes += size
        self._outcome(arrived_s, False)
        self._delay_s = arrived_s - sent_s
        while self._bases and self._bases[-1][1] >= self._delay_s:
            self._bases.pop()
        self._bases.append((arrived_s, self._delay_s))

    def lost(self, at_s: float) -> None:
        """A packet was reported lost."""
        self._outcome(at_s, True)

    def update(self, now_s: float, sending: bool = True) -> float | None:
        """Return the estimate at `now_s`. `sending`: whether there is anything to report on."""
        dt = now_s - self._updated_s
        self._updated_s = now_s
        if self._arrivals:
            self._heard_s = max(self._heard_s, self._arrivals[-1][0])
        if self.bps is not None and sending and now_s - self._heard_s > SILENCE_S + self._delay_s:
            self._heard_s = now_s
            self._set(self.bps / 2)
            # Whatever comes after such a hole, it is to be found out anew.
            self._starting = self._dark = True
        if self._began_s is None or now_s - self._began_s < LEARNED_S:
            return self.bps
        received = self._received(now_s)
        if self.bps is None:
            self.bps = received
        if sending and received > 0 and dt > 0:
            self._step(now_s, dt, received)
        return self.bps

    def _step(self, now_s: float, dt: float, received: float) -> None:
        assert self.bps is not None
        queue_s, before_s = self._delay_s - self._base(now_s), self._queue_s
        self._queue_s = queue_s
        loss = self._loss(now_s)
        full = queue_s > DEEP_QUEUE_S or (queue_s > QUEUE_S and queue_s >= before_s)
        settled = now_s - self._stepped_s >= SPACING_S
        if full:
            # A queue that drains faster than we send is an old one, of before an outage.
            if settled and DOWN * received < self.bps:
                self._starting = False
                self._stepped_s = now_s
                self._set(DOWN * received)
        elif loss > LOSS_DOWN:
            if settled:
                self._starting = self._starting and received > self.bps
                self._stepped_s = now_s
                self._set(self.bps * (1 - 0.5 * loss))
        elif loss <= LOSS_HOLD and queue_s <= QUEUE_S:
            growth = (START_UP_PER_S if self._starting else UP_PER_S) ** dt
            bound = max(BOUND * received, received + PROBED_BPS)
            # What arrives without a queue is proven, and what was proven once is not forgotten
            # because less is sent now.
            self._set(max(received, min(self.bps * growth, max(bound, self.bps))))

    def _set(self, bps: float) -> None:
        self.bps = min(HIGHEST_BPS, max(LOWEST_BPS, bps))

    def _received(self, now_s: float) -> float:
        while self._arrivals and self._arrivals[0][0] <= now_s - WINDOW_S:
            self._bytes -= self._arrivals.popleft()[1]
        assert self._began_s is not None
        return self._bytes * 8 / min(WINDOW_S, now_s - self._began_s)

    def _outcome(self, at_s: float, lost: bool) -> None:
        self._outcomes.append((at_s, lost))
        self._lost += lost

    def _loss(self, now_s: float) -> float:
        while self._outcomes and self._outcomes[0][0] <= now_s - LOSS_WINDOW_S:
            self._lost -= self._outcomes.popleft()[1]
        return self._lost / len(self._outcomes) if self._outcomes else 0.0

    def _base(self, now_s: float) -> float:
        while len(self._bases) > 1 and self._bases[0][0] <= now_s - BASE_WINDOW_S:
            self._bases.popleft()
        return self._bases[0][1] if self._bases else 0.0
