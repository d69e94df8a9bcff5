"""The bounds of the hub, as the front door takes them from its settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Times in milliseconds, rates a second."""

    connections: int = 20_000
    """In all rooms together, those without a `hello` too."""
    per_address: int = 200
    """From one IPv4 address or IPv6 /64."""
    rooms: int = 2_000
    """Open at once."""
    hello_ms: int = 5_000
    behind_bytes: int = 1_048_576
    """A client further behind than this, or ..."""
    behind_ms: int = 5_000
    """... than this, is brought to the end with a `gap`."""
    stuck_ms: int = 30_000
    """A client that takes nothing for so long is closed."""
    own_bytes: int = 262_144
    """Answers to one client that may wait for it; more closes it."""
    resume_entries: int = 5_000
    first_entries: int = 50
    page_entries: int = 200
    recent_entries: int = 1_000
    """Kept in memory for those who come back soon."""
    frame_rate: float = 20.0
    frame_burst: int = 60
    reaction_rate: float = 20.0
    """Reactions of one connection, each counted; more are dropped."""
    reaction_burst: int = 60
    fetch_rate: float = 4.0
    fetch_burst: int = 12
    malformed_most: int = 10
    """Unreadable frames of one connection; more closes it."""
    display_rate: int = 0
    """Messages a second that the public gets; 0: all."""
    exact_people: int = 1_000
    back_ms: int = 600_000
    """How far behind live a viewer can be."""
    pending: int = 10_000
    """Frames of one room that wait for the log; more are told to come back."""
    idle_ms: int = 60_000
    """A room without clients is forgotten after this."""
