"""How patient the log in Redis is, and how sure it wants to be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """All times in milliseconds."""

    prefix: str = "sluice"
    """Keys are `prefix:{room}:...`."""
    lease_ms: int = 3_000
    """A node that was not heard of for so long loses its rooms."""
    deadline_ms: int = 5_000
    """How long an append may take by way of another node; longer than a lease and a look."""
    idle_ms: int = 60_000
    """A room that nobody here followed or asked for in so long is let go."""
    replicas: int = 0
    """So many must have an entry before it is acknowledged.

    With 0, a promotion may lose what was acknowledged in the moment before (replication is not
    waited for); the chain declares it. With 1 and one replica, it loses nothing acknowledged.
    """
    confirm_ms: int = 1_000
    """How long replicas may take for that."""

    @property
    def look_ms(self) -> int:
        """How often a node looks after its rooms."""
        return min(1_000, max(10, self.lease_ms // 3))
