"""The tables of the log in SQLite, and what is written to and read from them. Synchronous.

Numbers stand in the tables alone: every batch reads them in its own transaction, so that nothing
in memory can disagree with the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chat.entry import ACTS, SAID, Draft, Entry, Epoch, EpochEnd, Kind, Position, RoomId
from chat.lineage import CHAIN_LENGTH
from chat.log import Head, Hearts, LogError, seconds_of
from chat.numbering import Known, Numbered, number

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS rooms (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL, t_show INTEGER NOT NULL, oldest INTEGER NOT NULL,
    swept_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS epochs (
    id INTEGER PRIMARY KEY, room INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, last INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS epochs_of_room ON epochs (room, id);
CREATE TABLE IF NOT EXISTS entries (
    room INTEGER NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL,
    t_recv INTEGER NOT NULL, t_seen INTEGER, t_show INTEGER NOT NULL, kind TEXT NOT NULL,
    body BLOB NOT NULL, key TEXT, staff INTEGER NOT NULL, act INTEGER NOT NULL,
    PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS acts_of_room ON entries (room, seq) WHERE act = 1;
CREATE TABLE IF NOT EXISTS keys (
    room INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, t_show INTEGER NOT NULL,
    until INTEGER, PRIMARY KEY (room, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hearts (
    room INTEGER NOT NULL, second INTEGER NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (room, second, kind)
) STRICT, WITHOUT ROWID;
"""
_ENTRY: Final = (
    "SELECT epochs.name, seq, t_recv, t_seen, t_show, kind, body, key, staff"
    " FROM entries JOIN epochs ON epochs.id = entries.epoch WHERE entries.room = ?"
)
_SAID: Final = ",".join(f"'{kind}'" for kind in sorted(SAID))
_KEYS_AT_ONCE: Final = 500
_SWEEP_MS: Final = 60_000

_Row = tuple[str, int, int, int | None, int, Kind, bytes, str | None, int]


@dataclass(frozen=True, slots=True)
class _Room:
    id: int
    epoch: int
    name: Epoch
    seq: int
    t_show: int
    oldest: int
    swept_ms: int


class Rows:
    """One connection; used by one thread at a time. Raises sqlite3.Error and LogError."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, timeout=5.0, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # A power loss may take the last moments with it. That is why every opening begins a new
        # epoch: what is gone is then void by the chain, not another entry under an old number.
        self._db.execute("PRAGMA synchronous=NORMAL")
        # What is erased must not be read out of the file's free pages.
        self._db.execute("PRAGMA secure_delete=ON")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written meanwhile."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    # --- written

    def begin(self, name: RoomId, epoch: Epoch) -> None:
        """A new epoch of the room, which is made where there is none."""
        old = self._find(name)
        if old is None:
            self._db.execute(
                "INSERT INTO rooms (name, epoch, seq, t_show, oldest, swept_ms)"
                " VALUES (?, 0, 0, 0, 1, 0)",
                (name,),
            )
        else:
            self._db.execute("UPDATE epochs SET last = ? WHERE id = ?", (old.seq, old.epoch))
        room = self._db.execute("SELECT id FROM rooms WHERE name = ?", (name,)).fetchone()[0]
        made = self._db.execute("INSERT INTO epochs (room, name) VALUES (?, ?)", (room, epoch))
        self._db.execute("UPDATE rooms SET epoch = ? WHERE id = ?", (made.lastrowid, room))

    def append(self, name: RoomId, epoch: Epoch, drafts: Sequence[Draft]) -> Numbered:
        """Raises LogError when the epoch is no longer the room's."""
        room = self._room(name)
        if room.name != epoch:
            raise LogError("Another process has opened the room.")
        known = self._known(room.id, [draft.key for draft in drafts if draft.key is not None])
        numbered = number(drafts, epoch, room.seq, room.t_show, known.get)
        if not numbered.entries:
            return numbered
        self._db.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (room.id, e.seq, room.epoch, e.t_recv, e.t_seen, e.t_show, e.kind, e.body, e.key,
                 e.staff, e.kind in ACTS)
                for e in numbered.entries
            ],
        )  # fmt: skip
        self._db.executemany(
            "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)",
            [(room.id, key, k.seq, k.t_show, k.until) for key, k in numbered.keys.items()],
        )
        last = numbered.entries[-1]
        self._db.execute(
            "UPDATE rooms SET seq = ?, t_show = ? WHERE id = ?", (last.seq, last.t_show, room.id)
        )
        if last.t_show - room.swept_ms >= _SWEEP_MS:
            self._db.execute(
                "DELETE FROM keys WHERE room = ? AND until <= ?", (room.id, last.t_show)
            )
            self._db.execute("UPDATE rooms SET swept_ms = ? WHERE id = ?", (last.t_show, room.id))
        return numbered

    def add_hearts(self, name: RoomId, hearts: Sequence[Hearts]) -> None:
        room = self._room(name)
        self._db.executemany(
            "INSERT INTO hearts VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(room.id, one.second, one.kind, one.count) for one in hearts],
        )

    def trim(self, name: RoomId, before_ms: int) -> int:
        room = self._room(name)
        oldest = self._first(room, lambda t_show: t_show >= before_ms)
        self._db.execute(
            "DELETE FROM entries WHERE room = ? AND seq < ? AND act = 0", (room.id, oldest)
        )
        self._db.execute("UPDATE rooms SET oldest = ? WHERE id = ?", (oldest, room.id))
        self._db.execute(
            "DELETE FROM hearts WHERE room = ? AND second * 1000 < ?", (room.id, before_ms)
        )
        return oldest - room.oldest

    def erase(
        self, name: RoomId, since_ms: int, until_ms: int, also: Collection[int], most: int
    ) -> int:
        """At most so many entries; when that many went, there may be more."""
        room = self._room(name)
        begin = self._first(room, lambda t_show: t_show >= since_ms)
        end = self._first(room, lambda t_show: t_show >= until_ms)
        gone = self._db.execute(
            "DELETE FROM entries WHERE room = ?1 AND seq IN (SELECT seq FROM entries"
            f" WHERE room = ?1 AND seq >= ?2 AND seq < ?3 AND kind IN ({_SAID}) LIMIT ?4)",
            (room.id, begin, end, most),
        ).rowcount
        if gone == most:
            return gone
        # Acts outlive what was trimmed around them.
        gone += self._db.execute(
            "DELETE FROM entries WHERE room = ? AND act = 1 AND t_show >= ? AND t_show < ?"
            f" AND kind IN ({_SAID})",
            (room.id, since_ms, until_ms),
        ).rowcount
        for seq in also:
            gone += self._db.execute(
                f"DELETE FROM entries WHERE room = ? AND seq = ? AND act = 1 AND kind IN ({_SAID})",
                (room.id, seq),
            ).rowcount
        self._db.execute(
            "DELETE FROM hearts WHERE room = ? AND second >= ? AND second < ?",
            (room.id, *seconds_of(since_ms, until_ms)),
        )
        return gone

    def drop(self, name: RoomId) -> None:
        room = self._find(name)
        if room is not None:
            for table in ("entries", "keys", "hearts", "epochs"):
                self._db.execute(f"DELETE FROM {table} WHERE room = ?", (room.id,))
            self._db.execute("DELETE FROM rooms WHERE id = ?", (room.id,))

    # --- read

    def head(self, name: RoomId) -> Head:
        room = self._room(name)
        ends = self._db.execute(
            "SELECT name, last FROM epochs WHERE room = ? AND last IS NOT NULL"
            " ORDER BY id DESC LIMIT ?",
            (room.id, CHAIN_LENGTH),
        ).fetchall()
        chain = tuple(EpochEnd(Epoch(epoch), last) for epoch, last in reversed(ends))
        return Head(Position(room.name, room.seq), room.t_show, room.oldest, chain)

    def after(self, name: RoomId, seq: int, limit: int) -> Sequence[Entry]:
        room = self._room(name)
        return self._entries(
            "AND seq > ? ORDER BY seq LIMIT ?", room, max(seq, room.oldest - 1), max(0, limit)
        )

    def before(self, name: RoomId, t_show: int, limit: int) -> Sequence[Entry]:
        room = self._room(name)
        end = self._first(room, lambda shown: shown > t_show)
        found = self._entries(
            "AND seq >= ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            room, room.oldest, end, max(0, limit),
        )  # fmt: skip
        return found[::-1]

    def between(self, name: RoomId, since_ms: int, until_ms: int, limit: int) -> Sequence[Entry]:
        room = self._room(name)
        start = self._first(room, lambda shown: shown >= since_ms)
        return self._entries(
            "AND seq >= ? AND t_show < ? ORDER BY seq LIMIT ?", room, start, until_ms, max(0, limit)
        )

    def acts(self, name: RoomId) -> Sequence[Entry]:
        return self._entries("AND act = 1 ORDER BY seq", self._room(name))

    def hearts(self, name: RoomId, since_s: int, until_s: int) -> Sequence[Hearts]:
        rows = self._db.execute(
            "SELECT second, kind, count FROM hearts WHERE room = ? AND second >= ? AND second < ?"
            " ORDER BY second, kind",
            (self._room(name).id, since_s, until_s),
        )
        return [Hearts(second, kind, count) for second, kind, count in rows]

    # --- inside

    def _find(self, name: RoomId) -> _Room | None:
        row = self._db.execute(
            "SELECT rooms.id, epochs.id, epochs.name, seq, t_show, oldest, swept_ms"
            " FROM rooms JOIN epochs ON epochs.id = rooms.epoch WHERE rooms.name = ?",
            (name,),
        ).fetchone()
        return None if row is None else _Room(*row)

    def _room(self, name: RoomId) -> _Room:
        room = self._find(name)
        if room is None:
            raise LogError("The room is gone.")
        return room

    def _known(self, room: int, keys: Sequence[str]) -> dict[str, Known]:
        known: dict[str, Known] = {}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(
                f"SELECT key, seq, t_show, until FROM keys WHERE room = ? AND key IN ({marks})",
                (room, *some),
            )
            known.update({key: Known(seq, t_show, until) for key, seq, t_show, until in rows})
        return known

    def _first(self, room: _Room, reached: Callable[[int], bool]) -> int:
        """The first kept number whose `t_show` is as asked; times grow with numbers. Where there
        is none, the next number that will be given out."""
        low, high, found = room.oldest, room.seq + 1, room.seq + 1
        while low < high:
            middle = (low + high) // 2
            row = self._db.execute(
                "SELECT seq, t_show FROM entries WHERE room = ? AND seq >= ? AND seq < ?"
                " ORDER BY seq LIMIT 1",
                (room.id, middle, high),
            ).fetchone()
            if row is not None and not reached(row[1]):
                low = row[0] + 1
                continue
            high, found = middle, found if row is None else row[0]
        return found

    def _entries(self, where: str, room: _Room, *values: int) -> Sequence[Entry]:
        rows: Iterator[_Row] = iter(self._db.execute(f"{_ENTRY} {where}", (room.id, *values)))
        return [
            Entry(Epoch(epoch), seq, t_recv, t_seen, t_show, kind, body, key, bool(staff))
            for epoch, seq, t_recv, t_seen, t_show, kind, body, key, staff in rows
        ]
