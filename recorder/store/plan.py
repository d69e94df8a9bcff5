"""What is to be uploaded, in which order and when: the core of the uploader, without I/O.

while (job := plan.take(now_ms)) is not None:
    begin it; at its end call done, failed or refused
look again at plan.due_ms(now_ms), or when something was sealed, closed or ended
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from recorder.records import Sealed

FIRST_MS: Final = 500
MOST_MS: Final = 30_000
"""Between two attempts, at the most."""
INDEX_MS: Final = 30_000
"""Between two uploads of an index that grows, at the least."""
INDEX_BYTES_S: Final = 128 * 1024
"""Uploading the index of a long broadcast again and again takes no more than this on average."""

Key = tuple[str, int]
"""Rendition and number of a chunk."""


@dataclass(frozen=True, slots=True)
class Job:
    """One object that is to be uploaded."""

    recording: str
    sealed: Sealed | None
    """None: the index."""
    again: bool = False
    """The store may have it already."""
    last: bool = False
    """The index after all that it will ever say."""


@dataclass(frozen=True, slots=True)
class Health:
    """How uploads go."""

    waiting: int
    """Objects that the store does not have yet, with those under way."""
    waiting_bytes: int
    """Of chunks."""
    oldest_ms: int
    """How long the oldest of them waits."""
    running: int
    failures: int
    """In a row: 0 while the store takes what comes."""
    failed: int
    """Attempts since the start."""
    stored: int
    """Objects since the start."""
    error: str
    """The last failure; empty once the store takes something again."""
    retry_ms: int
    """Until the next attempt, while the store fails."""
    refused: tuple[str, ...]
    """Chunks that cannot be uploaded, each with the reason."""


@dataclass(slots=True)
class _Item:
    job: Job
    since_ms: int
    not_before_ms: int
    tries: int = 0
    running: bool = False


@dataclass(slots=True)
class _Recording:
    chunks: dict[Key, _Item] = field(default_factory=dict)
    known: set[Key] = field(default_factory=set)
    """Chunks that were stored or refused."""
    refused: dict[Key, str] = field(default_factory=dict)
    index: _Item | None = None
    index_from_ms: int = 0
    """The index may be uploaded again from then on."""
    behind: bool = False
    """A chunk was stored while the index was under way."""
    closed: bool = False
    finished: bool = False


class UploadPlan:
    """Of one machine, for all its recordings."""

    def __init__(self, seed: int, *, parallel: int = 2) -> None:
        """`seed`: of the jitter, so that machines do not come back to a store all at once."""
        self._random = random.Random(seed)
        self._parallel = parallel
        self._recordings: dict[str, _Recording] = {}
        self._running = 0
        self._failures = 0
        self._pause_until_ms = 0
        self._failed = self._stored = 0
        self._error = ""

    def open(self, recording: str, now_ms: int) -> None:
        """It grows, for the first time or again. What was given up may come once more."""
        one = self._recordings.setdefault(recording, _Recording())
        one.closed = one.finished = False
        one.known -= one.refused.keys()
        one.refused.clear()
        if one.index is not None and one.index.job.last and not one.index.running:
            one.index.job = Job(recording, None)

    def sealed(self, recording: str, sealed: Sealed, now_ms: int, *, again: bool = False) -> None:
        """A chunk is complete. What was told before is not told again."""
        one = self._recordings.get(recording)
        key = (sealed.rendition, sealed.number)
        if one is None or key in one.chunks or key in one.known:
            return
        one.chunks[key] = _Item(Job(recording, sealed, again=again), now_ms, now_ms)

    def close(self, recording: str, now_ms: int) -> None:
        """Nothing is added any more. The index follows when all chunks are there."""
        if (one := self._recordings.get(recording)) is not None and not one.closed:
            one.closed = True
            self._close_index(recording, one, now_ms)

    def drop(self, recording: str) -> None:
        """Forget it: it was deleted, or nothing of it waits. What runs for it counts no more."""
        if (one := self._recordings.pop(recording, None)) is not None:
            self._running -= sum(item.running for item in _items(one))

    def take(self, now_ms: int) -> Job | None:
        """The next one to begin now. While the store fails, one at a time."""
        most = 1 if self._failures else self._parallel
        if now_ms < self._pause_until_ms or self._running >= most:
            return None
        ready = [one for one in self._resting() if one.not_before_ms <= now_ms]
        if not ready:
            return None
        # An index is small, and without it nobody can use the chunks.
        item = min(ready, key=lambda one: (one.job.sealed is not None, one.since_ms))
        item.running = True
        self._running += 1
        return item.job

    def due_ms(self, now_ms: int) -> int | None:
        """When `take` may have something; None: not before something happens."""
        if self._running >= (1 if self._failures else self._parallel):
            return None
        times = [one.not_before_ms for one in self._resting()]
        return max(now_ms, self._pause_until_ms, min(times)) if times else None

    def done(self, job: Job, now_ms: int, *, size: int = 0) -> None:
        """The store has it. `size`: bytes of an index."""
        found = self._end(job)
        self._failures, self._pause_until_ms, self._error = 0, 0, ""
        self._stored += 1
        if found is None:
            return
        one, _ = found
        if job.sealed is not None:
            self._settle_chunk(one, job.sealed, now_ms, job.recording)
            return
        one.index = None
        one.index_from_ms = now_ms + max(INDEX_MS, size * 1_000 // INDEX_BYTES_S)
        behind, one.behind = one.behind, False
        one.finished = job.last and one.closed
        if one.closed and not one.finished:
            self._close_index(job.recording, one, now_ms)
        elif behind and not one.closed:
            one.index = _Item(Job(job.recording, None), now_ms, one.index_from_ms)

    def failed(self, job: Job, now_ms: int, error: str, *, store: bool = True) -> None:
        """Try it later. `store`: others would fail too, so they wait as well."""
        found = self._end(job)
        self._failed += 1
        self._error = error
        if store and now_ms >= self._pause_until_ms:  # several at once are one failure
            self._failures += 1
            self._pause_until_ms = now_ms + self._wait_ms(self._failures)
        if found is None:
            return
        one, item = found
        item.tries += 1
        item.not_before_ms = now_ms + self._wait_ms(item.tries)
        item.job = Job(job.recording, job.sealed, again=True, last=job.last and one.closed)
        if job.sealed is None and one.closed:
            self._close_index(job.recording, one, now_ms)

    def refused(self, job: Job, now_ms: int, why: str) -> None:
        """Give a chunk up: no attempt will help."""
        found = self._end(job)
        self._failed += 1
        if found is not None and job.sealed is not None:
            key = (job.sealed.rendition, job.sealed.number)
            found[0].refused[key] = why
            self._settle_chunk(found[0], job.sealed, now_ms, job.recording)

    def stored_of(self, recording: str) -> set[Key]:
        """Chunks that the store took since the recording was opened here."""
        one = self._recordings.get(recording)
        return set() if one is None else one.known - one.refused.keys()

    def is_whole(self, recording: str) -> bool:
        """None of its chunks was given up."""
        one = self._recordings.get(recording)
        return one is not None and not one.refused

    def is_finished(self, recording: str) -> bool:
        """It is closed, and the store has all that could be uploaded."""
        one = self._recordings.get(recording)
        return one is None or one.finished

    def health(self, now_ms: int) -> Health:
        items = [item for one in self._recordings.values() for item in _items(one)]
        refused = (why for one in self._recordings.values() for why in one.refused.values())
        return Health(
            waiting=len(items),
            waiting_bytes=sum(one.job.sealed.size for one in items if one.job.sealed),
            oldest_ms=max((now_ms - one.since_ms for one in items), default=0),
            running=self._running,
            failures=self._failures,
            failed=self._failed,
            stored=self._stored,
            error=self._error,
            retry_ms=max(0, self._pause_until_ms - now_ms),
            refused=tuple(refused),
        )

    def _settle_chunk(self, one: _Recording, sealed: Sealed, now_ms: int, recording: str) -> None:
        key = (sealed.rendition, sealed.number)
        one.chunks.pop(key, None)
        one.known.add(key)
        if one.closed:
            self._close_index(recording, one, now_ms)
        elif one.index is None:
            one.index = _Item(Job(recording, None), now_ms, max(now_ms, one.index_from_ms))
        elif one.index.running:
            one.behind = True

    def _close_index(self, recording: str, one: _Recording, now_ms: int) -> None:
        """Once no chunk waits, the next upload of the index is the last."""
        if one.chunks:
            return
        if one.index is None:
            one.index = _Item(Job(recording, None, last=True), now_ms, now_ms)
        elif not one.index.running:
            one.index.job = Job(recording, None, again=one.index.job.again, last=True)
            if not one.index.tries:
                one.index.since_ms = one.index.not_before_ms = now_ms

    def _resting(self) -> Iterator[_Item]:
        for one in self._recordings.values():
            for item in _items(one):
                if not item.running:
                    yield item

    def _end(self, job: Job) -> tuple[_Recording, _Item] | None:
        one = self._recordings.get(job.recording)
        if one is None:
            return None
        if job.sealed is None:
            item = one.index
        else:
            item = one.chunks.get((job.sealed.rendition, job.sealed.number))
        if item is None or item.job is not job:
            return None  # dropped meanwhile
        item.running = False
        self._running -= 1
        return one, item

    def _wait_ms(self, failures: int) -> int:
        most = min(MOST_MS, FIRST_MS << min(failures - 1, 16))
        return int(most * self._random.uniform(0.5, 1.0))


def _items(one: _Recording) -> Iterator[_Item]:
    yield from one.chunks.values()
    if one.index is not None:
        yield one.index
