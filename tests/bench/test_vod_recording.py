"""The recording that benches use is one."""

from __future__ import annotations

from pathlib import Path

from recorder.media import LocalMedia
from recorder.mp4.stitch import stitch
from recorder.recording import Recording
from recorder.replay import Replay
from tests.bench.vod_recording import write
from tests.recorder.mp4.playing import packets, pictures


def test_what_is_written_is_a_recording_that_plays(tmp_path: Path) -> None:
    folder = tmp_path / "short"
    total = write(folder, minutes=0.6, size=(192, 108), bitrate=100_000)
    recording = Recording.read(folder)
    replay = Replay.of(recording)
    assert recording.size == total
    assert (len(replay.periods), replay.duration_us) == (1, 36_000_000)
    file = stitch(replay, LocalMedia(folder), from_us=31_000_000)
    assert len(pictures(file)) == 150
    assert len(packets(file)) in (235, 236, 237)
