"""A room's last entries in memory, for those who come in and those who come back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from chat.entry import Entry


class Recent:
    """The last `most` entries, without holes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: deque[Entry] = deque()
        self._whole = False

    def begin(self, entries: Sequence[Entry], *, whole: bool) -> None:
        """The last that the log has; `whole`: there are no others before them."""
        self._entries.clear()
        self._whole = whole
        self.add(entries)

    def add(self, entries: Iterable[Entry]) -> None:
        """What follows on the last. What is there already is left out; a hole begins anew."""
        for entry in entries:
            if self._entries and entry.seq <= self._entries[-1].seq:
                continue
            if self._entries and entry.seq != self._entries[-1].seq + 1:
                self._entries.clear()
                self._whole = False
            self._entries.append(entry)
            if len(self._entries) > self._most:
                self._entries.popleft()
                self._whole = False

    def forget(self, last: int) -> None:
        """Everything up to this number: the log alone knows what is left of it."""
        while self._entries and self._entries[0].seq <= last:
            self._entries.popleft()
        self._whole = False

    def after(self, seq: int, limit: int) -> Sequence[Entry] | None:
        """The first `limit` entries whose number is larger; None where memory does not reach so
        far back."""
        if not self._entries:
            return [] if self._whole else None
        if seq < self._entries[0].seq - 1 and not self._whole:
            return None
        start = max(0, seq + 1 - self._entries[0].seq)
        return list(islice(self._entries, start, start + limit))

    def before(self, t_show: int, limit: int) -> Sequence[Entry] | None:
        """The last `limit` entries that are shown at `t_show` or earlier; None where memory may
        not have all of them."""
        found: list[Entry] = []
        for entry in reversed(self._entries):
            if entry.t_show <= t_show:
                found.append(entry)
                if len(found) == limit:
                    return found[::-1]
        return found[::-1] if self._whole else None

    def one(self, seq: int) -> Entry | None:
        found = self.after(seq - 1, 1)
        return found[0] if found else None
