"""The messages that acts can be about: the last ones, those that wait, and those taken away."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from chat.entry import Entry, Kind
from chat.moderation.bodies import Message, Shown, read
from chat.people import UserId

SHOWN: Final[frozenset[Kind]] = frozenset({"message", "alert"})
_WAITING: Final = 1_000
_SHADOWED: Final = 200
"""Shadowed people cannot push out what a moderator should look at."""
_RECALLED: Final = 256


@dataclass(frozen=True, slots=True)
class Line:
    """A message or an alert."""

    entry: Entry
    user: UserId | None
    name: str
    text: str


class Lines:
    def __init__(self, size: int) -> None:
        self._size = size
        self._lines: OrderedDict[int, Line] = OrderedDict()
        self._recalled: OrderedDict[int, Line | None] = OrderedDict()
        self.held = Held()
        self.deleted: set[int] = set()
        self.last = 0
        """The highest number that was seen of anything."""

    def __len__(self) -> int:
        return len(self._lines)

    def erase(self, first: int, last: int) -> None:
        """Forget what was said under these numbers."""
        for lines in (self._lines, self._recalled):
            for seq in [seq for seq in lines if first <= seq <= last]:
                del lines[seq]
        self.held.erase(first, last)

    def add(self, entry: Entry) -> Shown | None:
        """A message or alert from the log; None where it is known. Raises UNREADABLE."""
        if entry.seq in self._lines:
            return None
        shown = read(entry, Shown)
        self._lines[entry.seq] = _line(entry, shown)
        if len(self._lines) > self._size:
            self._lines.popitem(last=False)
        return shown

    def recall(self, entry: Entry) -> None:
        """One that is not among the last. Raises UNREADABLE; then it counts as none."""
        self._recalled[entry.seq] = None
        if len(self._recalled) > _RECALLED:
            self._recalled.popitem(last=False)
        if entry.kind in SHOWN and not entry.staff:
            self._recalled[entry.seq] = _line(entry, read(entry, Shown))

    def find(self, seq: int) -> Line | None:
        """Raises LookupError where only the log can know."""
        line = self._lines.get(seq)
        if line is None and 0 < seq <= self.last and not self.held.has(seq):
            return self._recalled[seq]
        return line


@dataclass(slots=True)
class Held:
    """What waits for a moderator. The oldest is forgotten where too much waits."""

    _waiting: OrderedDict[int, Message] = field(default_factory=OrderedDict)
    _shadowed: OrderedDict[int, Message] = field(default_factory=OrderedDict)
    _settled: OrderedDict[int, bool] = field(default_factory=OrderedDict)

    def add(self, seq: int, message: Message) -> None:
        shadowed = message.why == "shadow"
        queue, most = (self._shadowed, _SHADOWED) if shadowed else (self._waiting, _WAITING)
        queue[seq] = message
        if len(queue) > most:
            queue.popitem(last=False)

    def erase(self, first: int, last: int) -> None:
        for waiting in (self._waiting, self._shadowed):
            for seq in [seq for seq in waiting if first <= seq <= last]:
                del waiting[seq]

    def has(self, seq: int) -> bool:
        return seq in self._waiting or seq in self._shadowed

    def find(self, seq: int) -> Message | None:
        return self._waiting.get(seq) or self._shadowed.get(seq)

    def settle(self, seq: int, approve: bool) -> None:
        """The first word on it counts."""
        self._waiting.pop(seq, None)
        self._shadowed.pop(seq, None)
        self._settled.setdefault(seq, approve)
        if len(self._settled) > _WAITING:
            self._settled.popitem(last=False)

    def settled(self, seq: int) -> bool | None:
        """Whether it was let through; None where it waits, or nothing is known of it."""
        return self._settled.get(seq)


def _line(entry: Entry, shown: Shown) -> Line:
    # An alert is the room's: it stays when its donor is banned, and moderators may take it away.
    user = UserId(shown.user.id) if shown.user.id and entry.kind != "alert" else None
    return Line(entry, user, shown.user.name, shown.text)
