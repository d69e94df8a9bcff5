"""Times that jump back, made to go on.

Sans I/O. What was published cannot be taken back, so a source whose clock falls back goes on
where it was. Sound and pictures stay in step: the second of them to jump moves as far as the
first did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["sound", "picture"]

JUMP_US: Final = 2_000_000
"""A smaller step back is jitter or another order of arrival."""
APART_US: Final = 2_000_000
"""Sound and pictures of one moment come at most this far from each other."""


@dataclass(slots=True)
class _Track:
    came_us: int | None = None
    offset_us: int = 0
    newest_us: int = 0


class Timeline:
    """Maps the times of units to times that never jump back far."""

    def __init__(self) -> None:
        self._tracks: dict[Kind, _Track] = {"sound": _Track(), "picture": _Track()}
        self.jumps = 0

    def place(self, kind: Kind, time_us: int) -> int:
        """The time to use for a unit of this time."""
        track = self._tracks[kind]
        if track.came_us is not None and abs(time_us - track.came_us) > JUMP_US:
            track.offset_us = self._offset(kind, track, time_us)
        track.came_us = time_us
        placed = time_us + track.offset_us
        track.newest_us = max(track.newest_us, placed)
        return placed

    def _offset(self, kind: Kind, track: _Track, time_us: int) -> int:
        other = self._tracks["picture" if kind == "sound" else "sound"]
        if other.came_us is not None and abs(time_us - other.came_us) <= APART_US:
            return other.offset_us
        # The smallest that does not go back: after a jump ahead that is none.
        back = max(0, track.newest_us - time_us)
        self.jumps += back > track.offset_us
        return back
