"""Writers that die or hang are noticed; the dead are replaced."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from recorder.capture import Health
from signaling.writer_watch import STUCK_MS, all_written, without_writer
from tests.signaling.recording_world import LIVE, Recorder, recorder_on


@dataclass
class One:
    health: Health
    over: bool = False


def health(*, waiting_ms: int = 0, closed: bool = False) -> Health:
    return Health(0, waiting_ms, 0, 0, 0, 0, closed)


def test_one_that_writes_is_well() -> None:
    assert all_written([])
    assert all_written([One(health(waiting_ms=STUCK_MS))])


def test_one_that_waits_too_long_hangs_and_is_not_dead() -> None:
    hangs = One(health(waiting_ms=STUCK_MS + 1))
    assert not all_written([One(health()), hangs])
    assert without_writer([hangs]) == []


def test_one_that_is_closed_without_a_word_is_dead() -> None:
    dead = One(health(closed=True))
    assert not all_written([dead])
    assert without_writer([One(health()), dead]) == [dead]


def test_one_that_ends_is_neither() -> None:
    ends = One(health(waiting_ms=STUCK_MS + 1, closed=True), over=True)
    assert all_written([ends])
    assert without_writer([ends]) == []


def writing(recorder: Recorder) -> bool:
    return recorder.recordings.writing


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_recording_whose_writer_died_is_closed_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recorder_on(tmp_path) as recorder:
        recording, studio = await recorder.begin()
        studio.run(6_000)
        writer = recorder.recordings._running[LIVE].capture._writer

        def dies(item: object) -> None:
            raise SystemExit  # unlike an error, it is not reported by anybody

        # Looked up with each item; its thread has fetched its own methods already.
        monkeypatch.setattr(writer._cutter, "take", dies)
        studio.run(1_000)
        await asyncio.to_thread(writer._thread.join, 10)
        assert not writing(recorder)
        await recorder.recordings.look()
        assert writing(recorder)
        assert recorder.counted("sluice_recorder_troubles_total", kind="writer died") == 1
        again = recorder.recordings.running(LIVE)
        assert again == recording  # within the grace time it is the same one
        studio.run(6_000)
        await recorder.end(studio)
        await recorder.over(recording)
        told = recorder.read(recording)
        assert told.closed is not None
        assert told.closed.reason == "end"
        assert len(told.sessions) == 2


async def test_a_disk_that_stands_still_is_seen(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        _, studio = await recorder.begin()
        assert writing(recorder)
        writer = recorder.recordings._running[LIVE].capture._writer
        writer.waiting_since_ms = recorder.clock.now_ms() - STUCK_MS - 1
        assert not writing(recorder)
        await recorder.recordings.look()  # it is no dead one
        assert recorder.counted("sluice_recorder_troubles_total", kind="writer died") == 0
        await recorder.end(studio)
