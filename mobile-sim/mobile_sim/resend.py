"""How much of what was lost is sent again. aiortc sends all that is asked for, as often as asked.

On a line that is full that makes it fuller: each packet sent again pushes another one out. So a
share of the bitrate is all that goes into it, as in phones' own stacks.
"""

from __future__ import annotations

from collections.abc import Callable

from aiortc import RTCRtpSender

SHARE = 0.25
"""Of the bitrate. Assumed."""
BURST_S = 0.6
"""So much of that share may go out at once: a short loss is made good at once."""
PACKET_BITS = 1200 * 8
"""What a packet is taken for: nearly all that get lost are full."""
AGAIN_S = 0.15
"""The same packet is not sent again so soon: it may be on its way. Assumed, a long round trip."""
REMEMBERED = 512


class ResendBudget:
    """Says which packets are sent again. Times never fall from call to call."""

    def __init__(self, bitrate: Callable[[], int]) -> None:
        """`bitrate` tells bits per second of video now."""
        self.refused = 0
        self._bitrate = bitrate
        self._bits: float | None = None
        self._at_s = 0.0
        self._sent: dict[int, float] = {}

    def allows(self, now_s: float, sequence_number: int) -> bool:
        """Whether this packet may be sent again now; then it counts as sent."""
        rate = SHARE * self._bitrate()
        most = max(rate * BURST_S, PACKET_BITS)
        bits = most if self._bits is None else self._bits + (now_s - self._at_s) * rate
        self._bits, self._at_s = min(most, bits), now_s
        before = self._sent.get(sequence_number)
        again = before is not None and now_s - before < AGAIN_S
        if again or self._bits < PACKET_BITS:
            self.refused += 1
            return False
        self._bits -= PACKET_BITS
        self._sent.pop(sequence_number, None)
        self._sent[sequence_number] = now_s
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]
        return True


def limit_resends(sender: RTCRtpSender, budget: ResendBudget, now: Callable[[], float]) -> None:
    """Make `sender` ask `budget` before it sends a packet again.

    Raises RuntimeError when this aiortc does that elsewhere.
    """
    resend = getattr(sender, "_retransmit", None)
    if resend is None:
        raise RuntimeError("this version of aiortc is not supported: it needs 1.16")

    async def limited(sequence_number: int) -> None:
        if budget.allows(now(), sequence_number):
            await resend(sequence_number)

    vars(sender)["_retransmit"] = limited
