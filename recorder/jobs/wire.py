"""What a worker and its child say to each other: an order, then a line of JSON at a time."""

from __future__ import annotations

from typing import Final

import msgspec

from recorder.work.task import Spec, Value

LINE_BYTES: Final = 1 << 20
"""A longer line is nonsense."""


class MediaFrom(msgspec.Struct, frozen=True):
    """Where chunks are that are no longer in the recording's folder."""

    opener: str
    """`module:function`, called with (folder: Path, settings); it returns a Media."""
    settings: dict[str, Value] = {}
    """May hold secrets: they reach the child through a pipe only."""

    def __repr__(self) -> str:
        return f"MediaFrom({self.opener!r})"


class Order(msgspec.Struct, frozen=True):
    """All that a child is told, on its standard input."""

    spec: Spec
    version: int
    """Of the work that the key was made for."""
    work: str
    """`module:function`."""
    folder: str
    """Of the recording."""
    out: str
    """An empty folder."""
    memory_bytes: int
    cpu_s: int
    media: MediaFrom | None = None
    """None: all chunks are in the folder."""


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """So much is done, 0 to 1. Also a sign of life."""

    done: float


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The output is complete and on the disk. The last word."""

    facts: dict[str, Value] = {}


class Refused(msgspec.Struct, frozen=True, tag="error"):
    """It came to nothing. The last word."""

    error: str
    again: bool = True
    """Trying again may help."""


Said = Progress | Finished | Refused
