"""The small lasting facts: channels, hashed keys, revoked tokens, secrets. SQLite, WAL.

Synchronous on purpose: callers run it in a thread. One lock makes the connection safe to share.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sluice.ids import ChannelId

Access = Literal["public", "token"]
"""Who may watch: anybody, or bearers of a viewer token."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS channels (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, access TEXT NOT NULL,
    key_hash BLOB, created_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS revoked (jti TEXT PRIMARY KEY, expires_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS probes (id INTEGER PRIMARY KEY, writes INTEGER NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Channel:
    """A streamer's lasting place. `key_hash` is None while its key is revoked."""

    id: ChannelId
    title: str
    access: Access
    key_hash: bytes | None
    created_ms: int


class Store:
    """One SQLite file in the storage folder. Raises sqlite3.Error, or OSError at opening."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "sluice.db"
        # The file holds the secret that signs viewer tokens: nobody else may read it.
        path.touch(mode=0o600)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, timeout=5.0)
        with self._lock:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            self._db.commit()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def version(self) -> int:
        """A number that changes when another process (the CLI) wrote to the file."""
        with self._lock:
            row = self._db.execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def channels(self) -> list[Channel]:
        with self._lock:
            rows = self._db.execute(
                "SELECT id, title, access, key_hash, created_ms FROM channels ORDER BY id"
            ).fetchall()
        return [Channel(ChannelId(i), t, a, k, int(c)) for i, t, a, k, c in rows]

    def add_channel(self, channel: Channel) -> bool:
        """False when the name is taken."""
        with self._writing() as db:
            cursor = db.execute(
                "INSERT OR IGNORE INTO channels VALUES (?, ?, ?, ?, ?)",
                (channel.id, channel.title, channel.access, channel.key_hash, channel.created_ms),
            )
            return cursor.rowcount == 1

    def update_channel(self, channel: Channel) -> bool:
        """False when there is no such channel."""
        with self._writing() as db:
            cursor = db.execute(
                "UPDATE channels SET title = ?, access = ?, key_hash = ? WHERE id = ?",
                (channel.title, channel.access, channel.key_hash, channel.id),
            )
            return cursor.rowcount == 1

    def delete_channel(self, channel: ChannelId) -> bool:
        with self._writing() as db:
            return db.execute("DELETE FROM channels WHERE id = ?", (channel,)).rowcount == 1

    def revoke_token(self, jti: str, expires_ms: int) -> None:
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO revoked VALUES (?, ?)", (jti, expires_ms))

    def revoked_tokens(self, now_ms: int) -> dict[str, int]:
        """Ids of revoked tokens and when they would have expired; expired ones are deleted."""
        with self._writing() as db:
            db.execute("DELETE FROM revoked WHERE expires_ms < ?", (now_ms,))
            return dict(db.execute("SELECT jti, expires_ms FROM revoked").fetchall())

    def secret(self, name: str) -> bytes | None:
        with self._lock:
            row = self._db.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def set_secret(self, name: str, value: bytes) -> None:
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO secrets VALUES (?, ?)", (name, value))

    def probe(self) -> None:
        """Whether a write reaches the disk: raises sqlite3.Error where it does not."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO probes VALUES (0, 1) ON CONFLICT DO UPDATE SET writes = writes + 1"
            )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._db:
            yield self._db
