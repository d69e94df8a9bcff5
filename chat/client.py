"""One client of a room: a place in the ring, and the few answers that are its alone."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from chat.closing import Reason
from chat.entry import Epoch, Position
from chat.feed import Feed
from chat.frame import Frame
from chat.judge import Speaker
from chat.people import Person
from chat.protocol import You
from sluice.auth import Grant


class Line(Protocol):
    """The transport's end. When it becomes ready again, its owner calls `Client.pump`."""

    @property
    def ready(self) -> bool:
        """Whether it takes a frame now."""
        ...

    def write(self, frame: Frame) -> None:
        """In order and without loss, as long as the line holds. Only while it is ready."""
        ...

    def write_hearts(self, frame: Frame) -> None:
        """May be lost. Only while it is ready."""
        ...

    def close(self, reason: Reason, detail: str) -> None:
        """Say `bye` and close."""
        ...


class Allowance:
    """A token bucket for one connection."""

    __slots__ = ("_burst", "_left", "_rate", "_then_ms")

    def __init__(self, rate: float, burst: int, now_ms: int) -> None:
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._then_ms = now_ms

    def take(self, now_ms: int, n: int = 1) -> int:
        """0 where there were n tokens, else the milliseconds until there are."""
        passed_ms = now_ms - self._then_ms
        self._then_ms = now_ms
        self._left = min(self._burst, self._left + passed_ms * self._rate / 1000)
        if self._left >= n:
            self._left -= n
            return 0
        return max(1, int((n - self._left) * 1000 / self._rate))


class Client:
    """Belongs to one connection, and after `hello` to one room."""

    __slots__ = (
        "_answers", "_answers_bytes", "_drained", "_seen_writes", "_stuck_ms", "_writes",
        "address", "closed", "connected_ms", "cursor", "epoch", "feed", "fetches", "fetching",
        "frames", "grant", "greeted", "last", "line", "live", "malformed", "person", "reactions",
        "refused", "speaker", "staff", "until_ms", "welcomed", "you",
    )  # fmt: skip

    def __init__(
        self, line: Line, connection: str, address: str, frames: Allowance,
        reactions: Allowance, fetches: Allowance, now_ms: int,
    ) -> None:  # fmt: skip
        self.line = line
        self.address = address
        self.connected_ms = now_ms
        self.frames = frames
        self.reactions = reactions
        self.fetches = fetches
        self.greeted = False
        """Its `hello` came."""
        self.welcomed = False
        """It was told `welcome`, and may send anything."""
        self.live = False
        """It gets what happens from its place in the ring on."""
        self.closed = False
        self.malformed = 0
        self.refused = 0
        """Frames over its rate, one after the other."""
        self.fetching = False
        self.staff = False
        self.person: Person | None = None
        self.speaker = Speaker(None, connection, address)
        self.you: You | None = None
        self.grant: Grant | None = None
        self.until_ms: int | None = None
        """Monotonic: its permission ends then."""
        self.feed: Feed | None = None
        self.cursor = 0
        self.epoch = Epoch("")
        self.last = 0
        self._answers: deque[Frame] = deque()
        self._answers_bytes = 0
        self._drained: asyncio.Future[None] | None = None
        self._writes = 0
        self._seen_writes = 0
        self._stuck_ms: int | None = None

    def join(self, person: Person | None) -> None:
        """Who it is, as the room's rules admitted it."""
        self.person = person
        self.speaker = Speaker(person, self.speaker.connection, self.address)

    def tell(self, frame: Frame, most_bytes: int) -> bool:
        """An answer for this client alone. False: too many wait already."""
        if self.closed:
            return True
        if self._answers_bytes + frame.size > most_bytes and self._answers:
            return False
        self._answers.append(frame)
        self._answers_bytes += frame.size
        self.pump()
        return True

    def go_live(self, feed: Feed, position: Position) -> None:
        """Everything up to `position` was told; the ring's end is where it goes on."""
        self.feed = feed
        self.cursor = feed.ring.end
        self.epoch, self.last = position.epoch, position.seq
        self.live = True

    def pump(self) -> None:
        """Write as much as the line takes."""
        line = self.line
        while line.ready and not self.closed:
            if self._answers:
                answer = self._answers.popleft()
                self._answers_bytes -= answer.size
                line.write(answer)
                self._writes += 1
                continue
            if not self.live or self.feed is None:
                break
            slot = self.feed.ring.get(self.cursor)
            if slot is not None:
                line.write(slot.staff if self.staff else slot.public)
                self.cursor += 1
                self.epoch, self.last = slot.epoch, slot.last
            elif self.cursor < self.feed.ring.end:
                told = self.feed.skip_from(Position(self.epoch, self.last))
                self.cursor = self.feed.ring.end
                self.epoch, self.last = self.feed.epoch, self.feed.sent
                if not told.payloads:
                    continue
                line.write(told)
            else:
                break
            self._writes += 1
        if self._drained is not None and not self._answers and line.ready:
            self._wake()

    def hearts(self, frame: Frame) -> None:
        """What is worth nothing later: dropped where the line is not ready."""
        if self.live and not self.closed and self.line.ready:
            self.line.write_hearts(frame)

    async def drained(self) -> None:
        """Until all answers are with the line, or the client is closed."""
        if (self._answers or not self.line.ready) and not self.closed:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    def stuck(self, now_ms: int) -> int:
        """Milliseconds for which the line took nothing, though something waits."""
        waits = bool(self._answers) or (
            self.live and self.feed is not None and self.cursor < self.feed.ring.end
        )
        if self.line.ready or not waits or self._writes != self._seen_writes:
            self._seen_writes = self._writes
            self._stuck_ms = None
            return 0
        if self._stuck_ms is None:
            self._stuck_ms = now_ms
        return now_ms - self._stuck_ms

    def close(self, reason: Reason, detail: str = "") -> None:
        """Say why, and end the line. Idempotent."""
        if not self.closed:
            self.end()
            self.line.close(reason, detail)

    def end(self) -> None:
        """The line is gone: nobody waits for it any more."""
        self.closed = True
        self.live = False
        self._answers.clear()
        self._wake()

    def _wake(self) -> None:
        if self._drained is not None:
            if not self._drained.done():
                self._drained.set_result(None)
            self._drained = None
