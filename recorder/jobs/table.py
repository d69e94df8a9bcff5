"""The jobs of one machine in one SQLite file: `jobs.db`, WAL, on the disk when a call returns.

Synchronous on purpose: callers run it in a thread. One lock makes the connection safe to share,
and any number of processes may use the file.

A claim is a lease. Whoever holds it is heard of now and then, or loses it. The number of the
attempt is the fence: who comes with an old one changes nothing any more.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from recorder.jobs.job import Job, State, channel_of
from recorder.jobs.settings import JobSettings
from recorder.work.task import Spec

FILE: Final = "jobs.db"
DIED: Final = "Its worker died."
ANY: Final = -(1 << 31)
"""Less than any priority."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    version INTEGER NOT NULL,
    recording TEXT NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    progress REAL NOT NULL,
    attempts INTEGER NOT NULL,
    most INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    made_ms INTEGER NOT NULL,
    begun_ms INTEGER,
    heartbeat_ms INTEGER,
    ended_ms INTEGER,
    not_before_ms INTEGER NOT NULL,
    worker TEXT NOT NULL,
    error TEXT NOT NULL,
    change INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS changes (one INTEGER PRIMARY KEY, newest INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO changes VALUES (1, 0);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, priority);
CREATE INDEX IF NOT EXISTS jobs_by_recording ON jobs (recording);
CREATE INDEX IF NOT EXISTS jobs_by_channel ON jobs (channel, begun_ms);
CREATE INDEX IF NOT EXISTS jobs_by_change ON jobs (change);
CREATE TRIGGER IF NOT EXISTS jobs_made AFTER INSERT ON jobs BEGIN
    UPDATE changes SET newest = newest + 1;
    UPDATE jobs SET change = (SELECT newest FROM changes) WHERE id = new.id;
END;
CREATE TRIGGER IF NOT EXISTS jobs_changed AFTER UPDATE ON jobs WHEN new.change = old.change BEGIN
    UPDATE changes SET newest = newest + 1;
    UPDATE jobs SET change = (SELECT newest FROM changes) WHERE id = new.id;
END;
"""
# `most`: it may be begun while `attempts` is less. `change`: number of its newest change.

_COLUMNS: Final = (
    "id, key, spec, version, state, progress, attempts, priority, made_ms, begun_ms, ended_ms, "
    "not_before_ms, worker, error"
)

_Row = tuple[
    int, str, str, int, State, float, int, int, int, int | None, int | None, int, str, str
]  # fmt: skip


class Table:
    """Times are Unix milliseconds. Raises sqlite3.Error, or OSError at opening."""

    def __init__(self, folder: Path, settings: JobSettings) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / FILE
        path.touch(mode=0o600)
        self._settings = settings
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, timeout=5.0, isolation_level=None)
        with self._lock:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
        with self._writing() as db:
            for statement in _statements(_SCHEMA):
                db.execute(statement)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def submit(
        self,
        key: str,
        spec: Spec,
        version: int,
        now_ms: int,
        *,
        priority: int = 0,
        there: bool = False,
        again: bool = False,
    ) -> Job:
        """The job of this key, a new one where there is none.

        `there`: its output exists, so nothing is to be done. Where it is done and the output is
        not there any more, or where it failed and `again` is asked, it waits once more.
        """
        with self._writing() as db:
            known = self._one(db, "key = ?", key)
            if known is None:
                db.execute(
                    "INSERT INTO jobs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, NULL, NULL, "
                    "?, 0, '', '', 0)",
                    (
                        key, msgspec.json.encode(spec).decode(), version, spec.recording,
                        channel_of(spec.recording), "done" if there else "waiting",
                        1.0 if there else 0.0, self._settings.attempts, priority, now_ms,
                        now_ms if there else None,
                    ),
                )  # fmt: skip
            elif there and known.state in ("waiting", "failed"):
                self._end(db, known, "done", now_ms, "")
            elif (known.state == "done" and not there) or (known.state == "failed" and again):
                db.execute(
                    "UPDATE jobs SET state = 'waiting', progress = 0, most = attempts + ?, "
                    "priority = ?, ended_ms = NULL, not_before_ms = 0, error = '' WHERE id = ?",
                    (self._settings.attempts, priority, known.id),
                )
            elif known.state == "waiting" and (again or priority > known.priority):
                db.execute(
                    "UPDATE jobs SET priority = max(priority, ?), "
                    "not_before_ms = iif(?, 0, not_before_ms) WHERE id = ?",
                    (priority, again, known.id),
                )
            return self._known(db, key)

    def find(self, key: str) -> Job | None:
        with self._lock:
            return self._one(self._db, "key = ?", key)

    def of(self, recording: str) -> list[Job]:
        """In the order of their making."""
        with self._lock:
            return self._all(self._db, "recording = ? ORDER BY id", recording)

    def running(self) -> set[tuple[str, int]]:
        """(key, attempt) of all that are being made, by whomever."""
        with self._lock:
            rows = self._db.execute("SELECT key, attempts FROM jobs WHERE state = 'running'")
            return {(key, attempts) for key, attempts in rows}

    def claim(self, worker: str, now_ms: int, least_priority: int = ANY) -> Job | None:
        """The next job, which is this worker's now; None where nothing is due.

        Highest priority first; of equals, one of the channel that has waited longest for a turn.
        """
        with self._writing() as db:
            self._take_back(db, now_ms)
            chosen = self._one(
                db,
                "state = 'waiting' AND priority >= ? AND NOT not_before_ms BETWEEN ? AND ? "
                "ORDER BY priority DESC, (SELECT coalesce(max(begun_ms), 0) FROM jobs AS other "
                "WHERE other.channel = jobs.channel), id LIMIT 20",
                least_priority,
                # A pause that seems longer than any is one from before the clock was set back.
                now_ms + 1,
                now_ms + self._settings.longest_pause_ms,
            )
            if chosen is None:
                return None
            db.execute(
                "UPDATE jobs SET state = 'running', progress = 0, attempts = attempts + 1, "
                "begun_ms = ?, heartbeat_ms = ?, worker = ? WHERE id = ?",
                (now_ms, now_ms, worker, chosen.id),
            )
            return self._known(db, chosen.key)

    def beat(self, job: Job, progress: float, now_ms: int) -> bool:
        """Keep the lease. False: it is lost, and what is made is not wanted."""
        with self._writing() as db:
            if self._held(db, job) is None:
                return False
            db.execute(
                "UPDATE jobs SET heartbeat_ms = ?, progress = ? WHERE id = ?",
                (now_ms, progress, job.id),
            )
            return True

    def done(self, job: Job, now_ms: int) -> None:
        """Its output is there. Where the lease was lost, the new holder finds that out."""
        with self._writing() as db:
            if self._held(db, job) is not None:
                self._end(db, job, "done", now_ms, "")

    def failed(self, job: Job, error: str, again: bool, now_ms: int) -> None:
        """It waits for its next attempt, or has failed where there is none, or none would help."""
        with self._writing() as db:
            if self._held(db, job) is not None:
                self._retry(db, job, error, again, self._settings.pause_ms(job.attempts), now_ms)

    def release(self, worker: str) -> None:
        """Give back all that this worker has, as if it had not begun: it stops."""
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET state = 'waiting', progress = 0, most = most + 1 "
                "WHERE state = 'running' AND worker = ?",
                (worker,),
            )

    def forget(self, recording: str) -> None:
        """Drop all jobs of a recording. Those that run find their lease lost."""
        with self._writing() as db:
            db.execute("DELETE FROM jobs WHERE recording = ?", (recording,))

    def prune(self, now_ms: int) -> int:
        """Forget what ended long ago; how many. What failed is then tried anew, if wanted."""
        before_ms = now_ms - self._settings.keep_days * 86_400_000
        with self._writing() as db:
            return db.execute(
                "DELETE FROM jobs WHERE state IN ('done', 'failed') AND ended_ms < ?", (before_ms,)
            ).rowcount

    def changed(self, after: int) -> tuple[int, list[Job]]:
        """What changed after that change, by whomever, as it is now; and the newest change."""
        with self._lock:
            (newest,) = self._db.execute("SELECT newest FROM changes").fetchone()
            jobs = self._all(self._db, "change > ? ORDER BY change", after)
        return int(newest), jobs

    def _take_back(self, db: sqlite3.Connection, now_ms: int) -> None:
        """What nobody was heard of for a lease. Nor is a heartbeat of the future one: it is from
        before the clock was set back, and a living worker's next one is right again."""
        lease_ms = self._settings.lease_ms
        lost = self._all(
            db,
            "state = 'running' AND NOT heartbeat_ms BETWEEN ? AND ?",
            now_ms - lease_ms,
            now_ms + lease_ms,
        )
        for job in lost:
            self._retry(db, job, DIED, True, 0, now_ms)

    def _retry(
        self, db: sqlite3.Connection, job: Job, error: str, again: bool, pause_ms: int, now_ms: int
    ) -> None:
        (most,) = db.execute("SELECT most FROM jobs WHERE id = ?", (job.id,)).fetchone()
        if not again or job.attempts >= most:
            self._end(db, job, "failed", now_ms, error)
            return
        db.execute(
            "UPDATE jobs SET state = 'waiting', progress = 0, not_before_ms = ?, error = ? "
            "WHERE id = ?",
            (now_ms + pause_ms, error, job.id),
        )

    def _end(self, db: sqlite3.Connection, job: Job, state: State, now_ms: int, error: str) -> None:
        progress = 1.0 if state == "done" else 0.0
        db.execute(
            "UPDATE jobs SET state = ?, progress = ?, ended_ms = ?, error = ? WHERE id = ?",
            (state, progress, now_ms, error, job.id),
        )

    def _held(self, db: sqlite3.Connection, job: Job) -> Job | None:
        """The job, if this attempt at it is still the one that runs."""
        return self._one(db, "id = ? AND attempts = ? AND state = 'running'", job.id, job.attempts)

    def _known(self, db: sqlite3.Connection, key: str) -> Job:
        job = self._one(db, "key = ?", key)
        assert job is not None
        return job

    def _one(self, db: sqlite3.Connection, where: str, *values: str | int) -> Job | None:
        return next(iter(self._all(db, where, *values)), None)

    def _all(self, db: sqlite3.Connection, where: str, *values: str | int) -> list[Job]:
        rows = db.execute(f"SELECT {_COLUMNS} FROM jobs WHERE {where}", values)
        return _jobs(rows.fetchall())

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that has the file from its beginning: what it reads stays so."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


def _jobs(rows: Iterable[_Row]) -> list[Job]:
    """As they are read; without those whose spec only a newer version of us understands."""
    jobs = []
    # fmt: off
    for (
        number, key, text, version, state, progress, attempts, priority, made_ms, begun_ms,
        ended_ms, not_before_ms, worker, error,
    ) in rows:
        with suppress(msgspec.ValidationError):
            spec = msgspec.json.decode(text, type=Spec)
            jobs.append(
                Job(
                    number, key, spec, version, state, progress, attempts, priority, made_ms,
                    begun_ms, ended_ms, not_before_ms, worker, error,
                )
            )
    # fmt: on
    return jobs


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would end our transaction."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
