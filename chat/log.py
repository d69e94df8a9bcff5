"""What a room's log must do, wherever it is kept. `tests/chat/log_conformance.py` holds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chat.entry import Draft, Entry, EpochEnd, Position, RoomId


class LogError(Exception):
    """The log cannot be reached or cannot be trusted now; nothing of the call is acknowledged.

    `maybe` is true where the drafts may have been appended nevertheless: the same drafts, with
    their keys, may be appended again.
    """

    def __init__(self, text: str, *, maybe: bool = False) -> None:
        super().__init__(text)
        self.maybe = maybe


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one draft."""

    seq: int
    t_show: int
    repeated: bool
    """There was an entry with this key before: `seq` is that one's."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a room stands."""

    position: Position
    t_show: int
    oldest: int
    """What is before this number was forgotten; `position.seq + 1` where all was."""
    chain: Sequence[EpochEnd] = field(default_factory=tuple)
    """Earlier epochs, oldest first."""


@dataclass(frozen=True, slots=True)
class News:
    """What followers get: entries in order, or a new head after a takeover (`entries` empty).

    After a new head, entries go on after `head.position.seq`. Whatever was read beyond that is
    void, and its numbers are used again. An entry may be of an epoch in the head's chain.
    """

    entries: Sequence[Entry]
    head: Head | None = None


@dataclass(frozen=True, slots=True)
class Hearts:
    """Reactions of one second of the stream. `second` is Unix seconds of stream time."""

    second: int
    kind: str
    count: int


class RoomLog(Protocol):
    """All rooms of a server. Methods raise LogError; ordering holds within one room.

    Numbers are given out without holes. Where entries were erased, theirs stay unused: who reads
    on finds the next number there is, and takes what lies between for gone.
    """

    async def open(self, room: RoomId) -> Head:
        """Begin to use a room. A process that becomes its sequencer begins a new epoch.

        Follow first, then open: what the follower gives up to the head's number is in the head.
        """
        ...

    async def append(self, room: RoomId, drafts: Sequence[Draft]) -> Sequence[Appended]:
        """Append all or nothing, in their order. Lasting as soon as this returns."""
        ...

    def follow(self, room: RoomId) -> AsyncIterator[News]:
        """Everything appended from now on, in order and without holes. Ends with `close`.

        Numbers are missing only where the follower was so slow that they are forgotten.
        """
        ...

    async def after(self, room: RoomId, seq: int, limit: int) -> Sequence[Entry]:
        """The first `limit` entries whose number is larger."""
        ...

    async def before(self, room: RoomId, t_show: int, limit: int) -> Sequence[Entry]:
        """The last `limit` entries shown at `t_show` or earlier, oldest first."""
        ...

    async def between(
        self, room: RoomId, since_ms: int, until_ms: int, limit: int
    ) -> Sequence[Entry]:
        """Entries with since <= t_show < until, oldest first, at most `limit`."""
        ...

    async def acts(self, room: RoomId) -> Sequence[Entry]:
        """All entries of the kinds in `chat.entry.ACTS`, oldest first; kept as long as the room."""
        ...

    async def add_hearts(self, room: RoomId, hearts: Sequence[Hearts]) -> None:
        """Add to the totals of those seconds."""
        ...

    async def hearts(self, room: RoomId, since_s: int, until_s: int) -> Sequence[Hearts]:
        """The totals of since <= second < until, by second and kind."""
        ...

    async def trim(self, room: RoomId, before_ms: int) -> int:
        """Forget entries (acts stay) and totals from before; how many numbers."""
        ...

    async def erase(
        self, room: RoomId, since_ms: int, until_ms: int, also: Collection[int] = ()
    ) -> int:
        """Take out what people wrote: entries of the kinds in `chat.entry.SAID` with
        since <= t_show < until, also as acts, and the totals of every second of that time; how
        many entries. Again is harmless. Other entries stay, and so do keys: nothing that was sent
        can come a second time. `also`: numbers of acts from any time that go as well.

        A failure in the middle may leave some of them; the same call finishes it.
        """
        ...

    async def drop(self, room: RoomId) -> None:
        """Forget the room: its channel is deleted."""
        ...

    async def close(self) -> None: ...


def seconds_of(since_ms: int, until_ms: int) -> tuple[int, int]:
    """The seconds that this time touches: first <= second < end."""
    return since_ms // 1_000, -(-until_ms // 1_000)
