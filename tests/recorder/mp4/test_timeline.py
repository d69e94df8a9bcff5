"""Recorded samples stand where they belong in the replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recorder.mp4.timeline import Placed, Sources, read_line, rising, to_ticks
from recorder.replay import Replay
from tests.recorder.broadcast import AUDIO, Broadcast


def whole(broadcast: Broadcast, replay: Replay, name: str) -> tuple[Placed, list[str]]:
    sources = Sources()
    found = read_line(replay, broadcast.media, name, range(len(replay.slots)), sources)
    assert found is not None
    return found.samples, sources.names


def test_samples_stand_on_the_replays_time(eventful: Broadcast, replay: Replay) -> None:
    samples, names = whole(eventful, replay, "source")
    assert names[:2] == ["source-000001.mp4", "source-000002.mp4"]
    for period in replay.periods:
        begin, end = (
            to_ticks(us, 90_000) for us in (period.at_us, period.at_us + period.duration_us)
        )
        inside = samples.time[(samples.time >= begin) & (samples.time < end)]
        # Each begins with a keyframe, and no period takes anything from its neighbours.
        assert inside[0] == begin
        assert len(inside) == period.duration_us * 30 // 1_000_000


def test_each_kind_of_sample_has_its_entry(eventful: Broadcast, replay: Replay) -> None:
    found = read_line(replay, eventful.media, "source", range(len(replay.slots)), Sources())
    assert found is not None
    assert [(entry.width, entry.height) for entry in found.entries] == [
        (256, 144),
        (320, 180),
        (256, 144),
    ]
    # The last period is again as the third was.
    starts = np.flatnonzero(np.diff(found.samples.entry, prepend=-1))
    assert found.samples.entry[starts].tolist() == [0, 1, 2, 1]


def test_a_stretch_of_slots_has_its_samples_only(eventful: Broadcast, replay: Replay) -> None:
    found = read_line(replay, eventful.media, AUDIO, range(3, 5), Sources())
    assert found is not None
    assert set(found.samples.slot.tolist()) == {3, 4}
    assert found.spans == (1_024,)
    assert found.begin.tolist() == [144_000] * len(found.begin)
    assert found.end.tolist() == [264_000] * len(found.end)


def test_where_a_rendition_has_nothing_there_is_none(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(2, without={"90p": {0, 1}})
    replay = broadcast.replay()
    assert read_line(replay, broadcast.media, "90p", range(1), Sources()) is None
    assert read_line(replay, broadcast.media, "90p", range(2), Sources()) is not None


def test_times_that_do_not_rise_are_moved_up() -> None:
    assert rising(np.array([5, 5, 4, 9, 9, 20])).tolist() == [5, 6, 7, 9, 10, 20]
    assert rising(np.array([], np.int64)).tolist() == []


def test_microseconds_are_rounded_to_ticks() -> None:
    assert [to_ticks(us, 90_000) for us in (0, 33_333, 33_334, -11, 1_000_000)] == [
        0,
        3_000,
        3_000,
        -1,
        90_000,
    ]
