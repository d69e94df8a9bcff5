"""The bounds of jobs, as the front door takes them from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recorder.work.task import Kind


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attempt may take."""

    memory_bytes: int = 4 << 30
    """Address space of its process, and of each process that it starts."""
    cpu_s: int = 8 * 3_600
    """Processor time, of all its threads together."""
    time_s: float = 6 * 3_600.0
    """On the clock, from start to end."""
    silence_s: float = 300.0
    """Without a word of its progress."""


@dataclass(frozen=True, slots=True)
class JobSettings:
    """How many at once, how often, how patient."""

    concurrency: int = 1
    """Processes at a time. With 0, jobs are only submitted and watched here."""
    urgent: int = 1
    """So many more for jobs whose priority is above 0: a click does not wait for an hour of
    captions. Not on many machines, where `concurrency` is all."""
    attempts: int = 4
    pauses_s: tuple[float, ...] = (5.0, 30.0, 120.0)
    """After the first failed attempt, the second, and so on; the last one stands for all more."""
    lease_s: float = 10.0
    """A job whose worker was not heard of for so long is somebody else's."""
    look_s: float = 1.0
    """How often a worker looks for what other processes submitted."""
    keep_days: int = 14
    """Jobs that are done or failed are forgotten after this; their outputs stay."""
    limits: Limits = field(default_factory=Limits)
    limits_of: Mapping[Kind, Limits] = field(default_factory=dict)
    """For kinds that need others."""

    @property
    def lease_ms(self) -> int:
        return int(self.lease_s * 1_000)

    @property
    def longest_pause_ms(self) -> int:
        return int(max(self.pauses_s, default=0.0) * 1_000)

    def pause_ms(self, attempts: int) -> int:
        """Before the next attempt, after so many."""
        if not self.pauses_s:
            return 0
        return int(self.pauses_s[min(max(attempts, 1), len(self.pauses_s)) - 1] * 1_000)

    def limits_for(self, kind: Kind) -> Limits:
        return self.limits_of.get(kind, self.limits)
