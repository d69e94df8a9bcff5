"""What the chat counts, for /metrics. Plain numbers: they are touched on the hot path."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields


@dataclass(slots=True)
class Counts:
    """Since the start, and what there is now."""

    connections: int = 0
    """Now, those without a `hello` too."""
    rooms: int = 0
    """Open now."""
    people: int = 0
    """Clients in rooms now."""
    entries: Counter[str] = field(default_factory=Counter)
    """Entries that went to the audiences, by kind."""
    deliveries: int = 0
    """Entries times clients that they were meant for."""
    sampled_out: int = 0
    reactions: int = 0
    gaps: int = 0
    """Times that a slow client was brought to the end."""
    retracts: int = 0
    resumes: Counter[str] = field(default_factory=Counter)
    """Clients that came in, by `new`, `recovered`, `lost`."""
    errors: Counter[str] = field(default_factory=Counter)
    """Error frames by code."""
    closed: Counter[str] = field(default_factory=Counter)
    """Clients that were closed, by reason of `chat/closing.py`; `left` where they went."""
    log_failures: int = 0
    tickets: Counter[str] = field(default_factory=Counter)
    """By `issued`, `redeemed`, `refused`."""

    @property
    def figures(self) -> dict[str, int]:
        """Those that are one number."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: count for name, count in found.items() if isinstance(count, int)}

    @property
    def by_label(self) -> dict[str, dict[str, int]]:
        """Those that are counted by a label."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: dict(count) for name, count in found.items() if isinstance(count, Counter)}
