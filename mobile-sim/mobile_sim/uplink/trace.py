"""When packets may go: mahimahi's trace format, read with care.

A line of the file is a moment in milliseconds at which one packet of 1500 bytes may leave. A
moment that is there twice lets two go. mm-link(1) describes the format.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

PACKET_BYTES = 1500
"""What one line of a trace lets through."""

MOST_BYTES = 16_000_000
MOST_LINES = 1_000_000
LONGEST_MS = 2 * 3600 * 1000
LOWEST_BPS = 12_000
HIGHEST_BPS = 200_000_000


class TraceError(ValueError):
    """A trace that cannot be used; the text is `file:line: reason`."""


class Trace:
    """Moments at which 1500 bytes may leave, in ms from the trace's beginning.

    At its end, which is its last moment, it begins anew, so that it lasts as long as anybody
    asks. Immutable.
    """

    def __init__(self, times_ms: Iterable[int], name: str = "trace") -> None:
        """Raises TraceError for moments that are none, negative, falling, or too many."""
        times = array("I")
        last = 0
        for line, moment in enumerate(times_ms, start=1):
            if moment < 0:
                raise TraceError(f"{name}:{line}: {moment} is negative")
            if moment < last:
                raise TraceError(f"{name}:{line}: {moment} comes after {last}: time falls")
            if moment > LONGEST_MS:
                raise TraceError(f"{name}:{line}: longer than {LONGEST_MS} ms")
            if line > MOST_LINES:
                raise TraceError(f"{name}:{line}: more than {MOST_LINES} lines")
            times.append(moment)
            last = moment
        if not times:
            raise TraceError(f"{name}:1: the trace is empty")
        if last == 0:
            raise TraceError(f"{name}:{len(times)}: the trace has no length: all moments are 0")
        self.name = name
        self._times = times
        self._length_ms = last

    @classmethod
    def read(cls, path: Path) -> Trace:
        """Read a file. Raises TraceError, also when it cannot be read."""
        try:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise TraceError(f"{path.name}:1: {error.strerror or error}") from error
        if len(data) > MOST_BYTES:
            raise TraceError(f"{path.name}:1: the file has more than {MOST_BYTES} bytes")
        try:
            return cls.parse(data.decode("ascii"), path.name)
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise TraceError(f"{path.name}:{line}: not a number") from error

    @classmethod
    def parse(cls, text: str, name: str = "trace") -> Trace:
        """Read the text format: one moment a line. Raises TraceError."""
        return cls(_moments(text, name), name)

    @classmethod
    def constant(cls, bps: float) -> Trace:
        """A link that is always the same. Raises TraceError unless 12 kbit/s to 200 Mbit/s."""
        if not LOWEST_BPS <= bps <= HIGHEST_BPS:
            raise TraceError(f"constant:1: not between {LOWEST_BPS} and {HIGHEST_BPS} bit/s")
        length_ms = 10_000
        packets = round(bps * length_ms / 1000 / (PACKET_BYTES * 8))
        return cls((length_ms * (i + 1) // packets for i in range(packets)), f"{bps:.0f} bit/s")

    def text(self) -> str:
        """Return it in the text format."""
        return "".join(f"{moment}\n" for moment in self._times)

    def __len__(self) -> int:
        return len(self._times)

    @property
    def duration_s(self) -> float:
        """Seconds until it begins anew."""
        return self._length_ms / 1000

    @property
    def mean_bps(self) -> float:
        """Bits per second that it lets through on average."""
        return len(self._times) * PACKET_BYTES * 8 / self.duration_s

    def moment_ms(self, number: int) -> float:
        """Return when packet number `number` may leave; the first is 0."""
        round_, index = divmod(number, len(self._times))
        return round_ * self._length_ms + self._times[index]

    def next_number(self, at_ms: float) -> int:
        """Return the first packet number that may leave at `at_ms` or later."""
        round_, rest = divmod(max(at_ms, 0.0), self._length_ms)
        if rest == 0 and round_ > 0:
            # The last moments of one round and the beginning of the next are the same.
            round_, rest = round_ - 1, float(self._length_ms)
        return int(round_) * len(self._times) + bisect_left(self._times, rest)

    def rate_bps(self, at_s: float, window_s: float = 1.0) -> float:
        """Bits per second that it lets through in the window that begins at `at_s`."""
        packets = self.next_number((at_s + window_s) * 1000) - self.next_number(at_s * 1000)
        return packets * PACKET_BYTES * 8 / window_s


def _moments(text: str, name: str) -> Iterable[int]:
    for line, word in enumerate(text.splitlines(), start=1):
        word = word.strip()
        # A ninth digit is longer than any trace may be, and int() of a million digits is slow.
        if not word.removeprefix("-").isascii() or not word.removeprefix("-").isdigit():
            raise TraceError(f"{name}:{line}: {word[:20]!r} is no whole number of milliseconds")
        if len(word) > 9:
            raise TraceError(f"{name}:{line}: {word[:20]} is too large")
        yield int(word)
