"""The thread that writes: in groups, in the right order, and to a good end when the disk fails."""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from recorder import index
from recorder.cutter import Cutter, Init, Media, Track
from recorder.disk import RESERVE, LocalDisk
from recorder.index import IndexWriter
from recorder.media import LocalMedia
from recorder.recording import Recording
from recorder.records import Closed, Part, Record, Sealed, Session
from recorder.verify import verify
from recorder.writer import Listener, Trouble, Writer
from sluice.clock import VirtualClock
from tests.recorder.studio import BEGAN

SIZE = 10_000
INIT = Init("source", 0, b"init", Track("avc1", 90_000, 320, 180))


@dataclass
class Watched(LocalDisk):
    """A disk that notes what is done, waits where it is told to, and fails where it is told to."""

    done: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    """Syncs wait for it."""
    entered: threading.Event = field(default_factory=threading.Event)
    failures: dict[str, int] = field(default_factory=dict)
    """Error number of the next call, by its name."""
    room: int = 1 << 40

    def __post_init__(self) -> None:
        self.gate.set()

    def create(self, path: Path) -> int:
        self._note("create")
        return super().create(path)

    def write(self, file: int, data: bytes, offset: int) -> None:
        if "write" in self.failures:
            super().write(file, data[: len(data) // 2], offset)
        self._note("write")
        super().write(file, data, offset)

    def sync(self, file: int) -> None:
        self.entered.set()
        assert self.gate.wait(30)
        self._note("sync")
        super().sync(file)

    def free(self, folder: Path) -> int:
        return self.room

    def _note(self, what: str) -> None:
        self.done.append(what)
        if what in self.failures:
            number = self.failures.pop(what)
            raise OSError(number, errno.errorcode[number])


@dataclass
class Desk:
    """A writer, and what it says."""

    folder: Path
    disk: Watched = field(default_factory=Watched)
    clock: VirtualClock = field(default_factory=VirtualClock)
    lasting: list[Sequence[Record]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        opened = IndexWriter(self.folder / index.FILE)
        opened.append([BEGAN])
        self.writer = Writer(
            self.folder,
            opened,
            Cutter(BEGAN, 3_000, {}),
            queue_bytes=5 * SIZE,
            reserve_bytes=1_000,
            disk=self.disk,
            clock=self.clock,
            listener=Listener(self._hear, self.troubles.append, self.ended.set),
        )
        self.writer.start()
        self.writer.put(Session(1, "one", 0), 0)
        self.writer.put(INIT, 0)

    def part(self, n: int) -> None:
        """The nth part of half a second; two make up a segment."""
        data = bytes([n % 256]) * SIZE
        media = Media("source", n // 2, n % 2, n * 45_000, 45_000, n % 2 == 0, False, data)
        self.writer.put(media, SIZE)

    def written(self, parts: int) -> None:
        """Wait until so many parts are lasting."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.parts) >= parts, 30)

    def finish(self) -> None:
        self.writer.put(Closed(5, "end"), 0)
        assert self.ended.wait(30)

    @property
    def parts(self) -> list[Part]:
        """That were said to be lasting."""
        return [one for records in self.lasting for one in records if isinstance(one, Part)]

    @property
    def kept(self) -> list[tuple[int, int]]:
        """Segments and parts that are in the index."""
        recording = Recording.read(self.folder)
        spans = recording.renditions["source"].spans if recording.renditions else []
        return [(span.s, span.p) for _, span in spans if isinstance(span, Part)]

    def _hear(self, records: Sequence[Record]) -> None:
        with self.changed:
            self.lasting.append(records)
            self.changed.notify_all()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def numbered(count: int) -> list[tuple[int, int]]:
    return [(n // 2, n % 2) for n in range(count)]


def test_all_that_was_put_is_kept_and_sealed(desk: Desk) -> None:
    for n in range(14):
        desk.part(n)
    desk.finish()
    assert desk.kept == numbered(14)
    assert verify(desk.folder, LocalMedia(desk.folder)) == []
    recording = Recording.read(desk.folder)
    assert recording.closed == Closed(5, "end")
    assert [one.sealed is not None for one in recording.renditions["source"].chunks.values()] == [
        True,
        True,
        True,
    ]
    assert not (desk.folder / RESERVE).exists()
    assert [name.name for name in sorted(desk.folder.iterdir())] == [
        index.FILE,
        *(f"source-00000{n}.mp4" for n in (1, 2, 3)),
    ]


def test_all_that_waits_is_written_together(desk: Desk) -> None:
    desk.disk.gate.clear()
    desk.part(0)
    assert desk.disk.entered.wait(30)
    for n in range(1, 5):
        desk.part(n)
    assert desk.parts == [], "nothing is lasting before it is on the disk"
    desk.disk.gate.set()
    desk.written(5)
    assert desk.disk.done.count("sync") == 2
    desk.finish()
    assert desk.kept == numbered(5)


def test_the_index_is_never_ahead_of_the_media(desk: Desk) -> None:
    desk.disk.gate.clear()
    desk.part(0)
    assert desk.disk.entered.wait(30)
    assert desk.kept == []
    desk.disk.gate.set()
    desk.finish()
    assert desk.kept == numbered(1)


def test_what_waits_has_its_bounds_and_can_be_seen(desk: Desk) -> None:
    writer = desk.writer
    desk.disk.gate.clear()
    desk.part(0)
    assert desk.disk.entered.wait(30)
    since_ms = desk.clock.now_ms()
    assert writer.waiting_since_ms == since_ms
    assert writer.queued_bytes == SIZE
    desk.clock.advance(9_000)
    for n in range(1, 5):
        assert writer.fits(SIZE)
        desk.part(n)
    assert not writer.fits(SIZE)
    assert writer.fits(0)
    assert writer.waiting_since_ms == since_ms
    assert writer.last_commit_ms == since_ms
    desk.disk.gate.set()
    desk.written(5)
    desk.finish()
    assert writer.last_commit_ms == since_ms + 9_000
    assert [writer.waiting_since_ms, writer.queued_bytes] == [None, 0]
    assert writer.written_bytes == sum(
        path.stat().st_size for path in desk.folder.glob("source-*.mp4")
    )


@pytest.mark.parametrize(
    ("call", "number", "reason"),
    [
        ("write", errno.ENOSPC, "disk full"),
        ("write", errno.EDQUOT, "disk full"),
        ("write", errno.EIO, "write error"),
        ("sync", errno.EIO, "write error"),
        ("sync", errno.ENOSPC, "disk full"),
        ("create", errno.EMFILE, "write error"),
    ],
)
def test_a_disk_that_fails_closes_the_recording_and_what_was_written_stays(
    desk: Desk, call: str, number: int, reason: str
) -> None:
    for n in range(6):
        desk.part(n)
        desk.written(n + 1)
    desk.disk.failures[call] = number
    desk.part(6)
    assert desk.ended.wait(30)
    assert [trouble.kind for trouble in desk.troubles] == [reason]
    assert errno.errorcode[number] in desk.troubles[0].text
    assert desk.kept == numbered(6)
    recording = Recording.read(desk.folder)
    assert recording.closed is not None
    assert recording.closed.reason == reason
    assert recording.closed.wall_ms == desk.clock.wall_ms()
    assert verify(desk.folder, LocalMedia(desk.folder)) == []
    assert not (desk.folder / RESERVE).exists()


def test_parts_that_were_whole_before_the_failure_are_kept(desk: Desk) -> None:
    """They are in one group with the part that failed, so the index has not heard of them."""
    desk.disk.gate.clear()
    desk.part(0)
    assert desk.disk.entered.wait(30)
    for n in range(1, 5):
        desk.part(n)
    disk, write = desk.disk, desk.disk.write
    left = [6]  # two for each part: its bytes and its note

    def failing(file: int, data: bytes, offset: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            disk.failures["write"] = errno.ENOSPC
        write(file, data, offset)

    disk.write = failing  # type: ignore[method-assign]
    disk.gate.set()
    assert desk.ended.wait(30)
    assert desk.kept == numbered(4)
    assert verify(desk.folder, LocalMedia(desk.folder)) == []


def test_a_disk_with_almost_no_room_left_closes_the_recording(desk: Desk) -> None:
    desk.part(0)
    desk.written(1)
    desk.disk.room = 999
    desk.part(1)
    assert desk.ended.wait(30)
    assert desk.kept == numbered(2), "what was written before it was seen counts"
    assert [trouble.kind for trouble in desk.troubles] == ["disk full"]
    closed = Recording.read(desk.folder).closed
    assert closed is not None
    assert closed.reason == "disk full"


def test_an_impossible_part_ends_the_recording_and_nothing_else(desk: Desk) -> None:
    desk.part(0)
    desk.written(1)
    desk.part(-1)
    assert desk.ended.wait(30)
    assert [trouble.kind for trouble in desk.troubles] == ["write error"]
    assert desk.kept == numbered(1)


def test_seals_come_behind_their_parts(desk: Desk) -> None:
    for n in range(8):
        desk.part(n)
    desk.finish()
    records = index.read(desk.folder / index.FILE).records
    seal = next(n for n, one in enumerate(records) if isinstance(one, Sealed))
    assert sum(isinstance(one, Part) and one.c == 1 for one in records[:seal]) == 6
    assert not any(isinstance(one, Part) and one.c == 1 for one in records[seal:])
