"""What the uplink carries, guessed by the sender: for far ends that send no estimate. No I/O.

Loss says that a queue has run over, a longer round trip that it fills. The shape is that of
draft-ietf-rmcat-gcc-02, sections 5.5 and 6, with the round trip in place of arrival times, which
aiortc's sender does not get, and what was sent without its losses in place of what arrived. So it
is rougher than a browser's.
"""

from __future__ import annotations

from collections import deque

LOSS_HIGH = 0.10
"""More than this share lost: the estimate falls by half the share."""
LOSS_LOW = 0.02
"""Less than this: it may grow."""
GROWTH = 1.08
"""A second, as in the draft's multiplicative increase."""
START_GROWTH = 1.5
"""A second, until the link is full for the first time, and where less is left than a new path
begins with: assumed, for the probes of a browser."""
BACK_OFF = 0.85
"""Of what arrives, when the queue fills: the draft's beta."""
DEEP_BACK_OFF = 0.6
"""When it is deep already. Assumed."""
QUEUE_S = 0.10
"""A round trip longer than the shortest by this much means a filling queue. Assumed."""
DEEP_QUEUE_S = 0.4
LEAST_SHARE = 0.5
"""One step takes no more: where little is sent, there may be little to send."""
SPACING_S = 0.6
"""A step down is given so long to show before the next. Assumed."""
HEADROOM = 1.5
"""The estimate grows to at most this times what was sent: more was never tried ..."""
PROBED_BPS = 200_000.0
"""... or to so much more. Assumed."""
BASE_WINDOW_S = 30.0
"""The shortest round trip is looked for so far back."""
CALM_S = 1.5
"""It grows only so long after the last sign of trouble."""
NEW_PATH_SHARE = 0.5
"""What a new path is trusted with, of what the old one carried. Assumed."""
START_BPS = 300_000.0
"""But at least with so much: where browsers begin ..."""
NEW_PATH_MOST_BPS = 1e6
"""... and at most with so much. Assumed."""
LEAST_BPS = 60_000.0
MOST_BPS = 20e6


class Estimate:
    """Bits per second for the whole connection. Times never fall from call to call."""

    def __init__(self, start_bps: float) -> None:
        self.bps = start_bps
        """The present estimate."""
        self._starting = True
        self._loss = 0.0
        self._round_trips: deque[tuple[float, float]] = deque()
        self._grown_at: float | None = None
        self._trouble_at: float | None = None
        self._fell_at: float | None = None

    def lost(self, now_s: float, loss: float, sent_bps: float) -> None:
        """The far end says that so much of what was sent is lost: 0 to 1."""
        self._loss = loss
        if loss > LOSS_LOW:
            self._trouble_at = now_s
        if loss > LOSS_HIGH:
            self._fall(now_s, min(self.bps, sent_bps) * (1 - 0.5 * loss))

    def answered(self, now_s: float, rtt_s: float, sent_bps: float) -> None:
        """A round trip took so long, or takes so long already."""
        while self._round_trips and self._round_trips[0][0] < now_s - BASE_WINDOW_S:
            self._round_trips.popleft()
        self._round_trips.append((now_s, rtt_s))
        # One long round trip may be a busy machine's; two in a row are a queue's.
        recent = [one for _, one in self._round_trips][-2:]
        queue_s = min(recent) - min(one for _, one in self._round_trips)
        if queue_s > QUEUE_S:
            self._trouble_at = now_s
            factor = DEEP_BACK_OFF if queue_s > DEEP_QUEUE_S else BACK_OFF
            self._fall(now_s, min(self.bps, factor * sent_bps * (1 - self._loss)))
        else:
            self._grow(now_s, sent_bps)

    def unanswered(self, now_s: float, sent_bps: float) -> None:
        """A round trip took longer than anybody waits: a deep queue, or no path at all.

        Which of them is not known, so it does not fall below where a new path begins.
        """
        self._trouble_at = now_s
        if self.bps > START_BPS:
            self._fall(now_s, max(START_BPS, min(self.bps, DEEP_BACK_OFF * sent_bps)))

    def moved(self, now_s: float, before_bps: float) -> None:
        """Begin anew on another path; the one before carried `before_bps`."""
        self._round_trips.clear()
        self._grown_at = self._fell_at = now_s
        self._trouble_at = None
        self._loss = 0.0
        self._starting = True
        self._set(max(START_BPS, min(before_bps * NEW_PATH_SHARE, NEW_PATH_MOST_BPS)))

    def _grow(self, now_s: float, sent_bps: float) -> None:
        before, self._grown_at = self._grown_at, now_s
        calm = self._trouble_at is None or now_s - self._trouble_at >= CALM_S
        if before is None or not calm:
            return
        fast = self._starting or self.bps < START_BPS
        growth = (START_GROWTH if fast else GROWTH) ** min(now_s - before, 1.0)
        most = max(HEADROOM * sent_bps, sent_bps + PROBED_BPS)
        self._set(max(self.bps, min(self.bps * growth, most)))

    def _fall(self, now_s: float, bps: float) -> None:
        self._starting = False
        if self._fell_at is None or now_s - self._fell_at >= SPACING_S:
            self._fell_at = now_s
            self._set(max(bps, LEAST_SHARE * self.bps))

    def _set(self, bps: float) -> None:
        self.bps = max(LEAST_BPS, min(bps, MOST_BPS))
