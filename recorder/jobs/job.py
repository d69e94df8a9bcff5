"""One job: what is to be made, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recorder.work.task import Spec

State = Literal["waiting", "running", "done", "failed"]
"""Failed: it was tried often enough, or trying again would not help."""


@dataclass(frozen=True, slots=True)
class Job:
    """How it stood when it was read. All times are Unix milliseconds."""

    id: int
    key: str
    """Of its output. There is one job a key."""
    spec: Spec
    version: int
    """Of the work that the key was made for."""
    state: State
    progress: float
    """0 to 1, of the attempt that runs."""
    attempts: int
    """Begun so far; the number of the one that runs. It never falls."""
    priority: int
    """The highest goes first; 0 is usual."""
    made_ms: int
    begun_ms: int | None = None
    """When the newest attempt began."""
    ended_ms: int | None = None
    """When it was done, or failed for good."""
    not_before_ms: int = 0
    """A pause before the next attempt."""
    worker: str = ""
    """Who has it, or had it last."""
    error: str = ""
    """What the newest failure was; empty where there was none."""

    @property
    def settled(self) -> bool:
        """Nothing more happens to it by itself."""
        return self.state in ("done", "failed")


def channel_of(recording: str) -> str:
    """The channel in a recording's id: what stands before its date, time and random end."""
    return recording.rsplit("-", 3)[0]
