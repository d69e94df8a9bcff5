"""Whether requests should be sent here: what is looked at, and what follows from it.

`judge` decides. The rest looks: at memory when asked, and at the disk every few seconds in a
thread, because a disk that hangs must not hang the answer too.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import structlog

from sluice.storage import Store

log = structlog.get_logger(__name__)

LOOK_S: Final = 10.0
HUNG_S: Final = 15.0
"""A disk that has not answered for so long does not work."""
LOW_BYTES: Final = 256 << 20

Status = Literal["ok", "starting", "stopping", "busy", "broken"]
Part = Literal["events", "engine", "loop", "store", "recorder", "disk"]


@dataclass(frozen=True, slots=True)
class Signs:
    """What was seen."""

    open: bool
    """The house has been opened, and not closed."""
    stopping: bool
    events: bool
    """Engine events are being read."""
    engine: bool
    """The media plane lives."""
    lagging: bool
    """The event loop is late again and again."""
    store: bool
    """The last write to the store worked, and not too long ago."""
    recorder: bool
    """Every recording has a thread that writes it, and none of them hangs."""
    disk: bool
    """There is room."""


@dataclass(frozen=True, slots=True)
class Verdict:
    status: Status
    problems: tuple[Part, ...] = ()
    """Why it is not `ok`."""
    warnings: tuple[Part, ...] = ()
    """What will be a problem, and is none for those who watch."""


def judge(signs: Signs) -> Verdict:
    if signs.stopping:
        return Verdict("stopping")
    if not signs.open:
        return Verdict("starting")
    working: dict[Part, bool] = {
        "events": signs.events,
        "engine": signs.engine,
        "store": signs.store,
        "recorder": signs.recorder,
    }
    broken = tuple(part for part, works in working.items() if not works)
    warnings: tuple[Part, ...] = () if signs.disk else ("disk",)
    if broken:
        return Verdict("broken", broken, warnings)
    if signs.lagging:
        return Verdict("busy", ("loop",), warnings)
    return Verdict("ok", (), warnings)


class DiskWatch:
    """Writes to the store and asks for room, every few seconds."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        *,
        low_bytes: int = LOW_BYTES,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._folder = folder
        self._low_bytes = low_bytes
        self._now = now
        self._begun: float | None = None
        """When the look that has no answer yet began."""
        self._writable = True
        self._roomy = True

    @property
    def writable(self) -> bool:
        hung = self._begun is not None and self._now() - self._begun > HUNG_S
        return self._writable and not hung

    @property
    def roomy(self) -> bool:
        return self._roomy

    async def look(self) -> None:
        self._begun = self._now()
        try:
            trouble, free = await asyncio.to_thread(self._look)
        finally:
            self._begun = None
        full = _is_full(trouble)
        writable, roomy = trouble is None or full, not full and free >= self._low_bytes
        if writable != self._writable:
            if writable:
                log.info("the store can be written again")
            else:
                log.error("the store cannot be written", error=str(trouble))
        if self._roomy and not roomy:
            log.warning("the disk is almost full", folder=str(self._folder), free_mb=free >> 20)
        self._writable, self._roomy = writable, roomy

    async def look_forever(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> tuple[Exception | None, int]:
        trouble: Exception | None = None
        free = 0
        try:
            self._store.probe()
        except sqlite3.Error as error:
            trouble = error
        try:
            room = os.statvfs(self._folder)
            free = room.f_bavail * room.f_frsize
        except OSError as error:
            trouble = trouble or error
        return trouble, free


def _is_full(trouble: Exception | None) -> bool:
    """A full disk is a warning: who watches and chats needs no room on it."""
    return (
        isinstance(trouble, sqlite3.Error)
        and getattr(trouble, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    )
