"""Which recordings have lost the thread that writes them, and which wait for a disk that hangs.

A writer that meets trouble says so, and its recording ends. One that is gone without a word died.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from recorder.capture import Health

STUCK_MS: Final = 30_000
"""Media that waits so long for the disk: it hangs."""
RACE_S: Final = 0.1
"""So long may news from a writer's thread be on their way into the loop."""


class Written(Protocol):
    """A recording that grows."""

    @property
    def health(self) -> Health: ...

    @property
    def over(self) -> bool:
        """It ends, or has been told of what ends it."""
        ...


W = TypeVar("W", bound=Written)


def all_written(recordings: Iterable[Written]) -> bool:
    """Whether each of them has a thread that writes it, and none of these hangs."""
    health = [one.health for one in recordings if not one.over]
    return not any(one.closed or one.waiting_ms > STUCK_MS for one in health)


def without_writer(recordings: Iterable[W]) -> list[W]:
    """Those whose thread died."""
    return [one for one in recordings if not one.over and one.health.closed]
