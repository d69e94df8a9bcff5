"""The whole way of a broadcast through the process, without the process."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bridge.ladder import Rung
from bridge.transcode.overload import EASE_MS
from bridge.transcode.wire import (
    Configured,
    Encoded,
    End,
    Ended,
    Pace,
    Plan,
    Reset,
    Restored,
    Shed,
    Unit,
)
from sluice.media import Codec
from tests.bridge.transcode.sources import SMALL, Bench, decoded, in_order, sound, video, vp8_head

NAMES = ["source", "90p"]


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
def test_all_rungs_get_the_same_slots_and_the_same_keyframes(codec: Codec) -> None:
    bench = Bench(Plan(SMALL, segment_ms=500))
    bench.feed(in_order(video(codec, 60), sound(100)))
    assert bench.times("source") == [number * 3_000 for number in range(60)]
    assert bench.times("90p") == bench.times("source")
    assert bench.keyframes("source") == bench.keyframes("90p") == [0, 45_000, 90_000, 135_000]
    assert {sample.duration for sample in bench.samples("source")} == {3_000}
    assert len(bench.samples("audio")) > 90


def test_what_comes_out_can_be_decoded_from_each_keyframe() -> None:
    bench = Bench(Plan(SMALL, segment_ms=500))
    bench.feed(video(count=40))
    for name, size in zip(NAMES, ((320, 180), (160, 90)), strict=True):
        samples = bench.samples(name)
        second = next(n for n, sample in enumerate(samples) if n and sample.keyframe)
        for start in (0, second):
            frames = decoded(bench.configs(name)[0], samples[start:])
            assert len(frames) == 40 - start
            assert (frames[0].width, frames[0].height) == size


def test_each_rendition_is_configured_once_before_its_first_sample() -> None:
    bench = Bench()
    bench.feed(in_order(video(count=20), sound(40)))
    for name in (*NAMES, "audio"):
        about = [
            type(one)
            for one in bench.said
            if isinstance(one, Configured | Encoded) and one.rendition == name
        ]
        assert about[0] is Configured
        assert about.count(Configured) == 1


def test_the_sources_own_size_may_change_and_the_rungs_stay() -> None:
    bench = Bench()
    bench.feed(video(count=15))
    bench.feed(video(count=15, width=640, height=360, start_us=500_000))
    bench.feed(video(count=15, width=96, height=160, start_us=1_000_000))
    bench.feed(video(Codec.VP8, 15, width=16, height=16, start_us=1_500_000))
    for name in NAMES:
        assert bench.times(name) == [number * 3_000 for number in range(60)]
        assert len(bench.configs(name)) == 1
    frames = decoded(bench.configs("source")[0], bench.samples("source"))
    assert {(frame.width, frame.height) for frame in frames} == {(320, 180)}


def test_the_codec_may_change() -> None:
    bench = Bench()
    bench.feed(video(Codec.VP8, 15))
    bench.feed(video(Codec.H264, 15, start_us=500_000))
    assert len(bench.samples("source")) == 30


def test_a_new_plan_begins_with_keyframes_and_configs_without_waiting_for_the_source() -> None:
    bench = Bench()
    units = video(count=30)
    bench.feed(units[:10])
    bench.core.handle(Plan([Rung("low", 96, 54, 80_000)]), 0)
    bench.feed(units[10:])
    assert len(bench.samples("source")) == 10
    assert bench.times("low")[0] == 30_000
    assert bench.keyframes("low") == [30_000]
    assert bench.configs("low")[0].width == 96


def test_at_the_sources_own_pace_every_picture_keeps_its_time_and_its_kind() -> None:
    bench = Bench(Plan(SMALL, pace="source"))
    chance = random.Random(3)
    time_us, units = 0, []
    for unit in video(count=30, gop=12):
        units.append(Unit(unit.codec, time_us, unit.keyframe, unit.payload))
        time_us += chance.randrange(20, 60) * 1_000
    bench.feed(units)
    bench.core.handle(Reset(), 0)
    times = [unit.time_us * 9 // 100 for unit in units]
    for name in NAMES:
        assert bench.times(name) == times
        assert bench.keyframes(name) == [times[0], times[12], times[24]]
        durations = [sample.duration for sample in bench.samples(name)]
        assert durations[:-1] == list(np.diff(times))


def test_a_plan_without_rungs_makes_sound_only_and_silence_where_there_is_none() -> None:
    bench = Bench(Plan([]))
    pictures = [Unit(Codec.H264, unit.time_us, unit.keyframe, b"") for unit in video(count=90)]
    bench.feed(in_order(pictures, sound(50)))
    assert {one.rendition for one in bench.said if isinstance(one, Encoded)} == {"audio"}
    assert bench.times("audio")[-1] / 48 > 2_300
    assert bench.troubles("undecodable") == 0


def test_a_picture_that_stops_is_repeated_while_there_is_sound() -> None:
    bench = Bench()
    bench.feed(in_order(video(count=30), sound(200)))
    times = bench.times("source")
    assert times == [number * 3_000 for number in range(len(times))]
    assert 3_600 < times[-1] / 90 <= 3_700
    assert bench.keyframes("90p") == [0, 180_000]


def test_sound_that_never_comes_is_silence() -> None:
    bench = Bench()
    bench.feed(video(count=60))
    assert len(bench.configs("audio")) == 1
    assert set(np.diff(bench.times("audio"))) == {1_024}
    assert bench.times("audio")[-1] / 48 > 1_350


def test_while_nothing_comes_nothing_is_made() -> None:
    bench = Bench()
    bench.feed(in_order(video(count=30), sound(50)))
    bench.feed(in_order(video(count=30, start_us=30_000_000), sound(50, start_us=30_000_000)))
    assert len(bench.samples("source")) <= 62
    assert 30 * 90_000 in bench.keyframes("source")
    assert bench.times("audio")[-1] / 48 == pytest.approx(31_000, abs=90)


def test_after_a_reset_it_goes_on_with_the_next_keyframe() -> None:
    bench = Bench()
    bench.feed(video(count=10))
    bench.core.handle(Reset(), 0)
    bench.feed(video(Codec.VP8, 30, start_us=333_333)[5:])
    assert len(bench.samples("source")) == 10
    assert bench.troubles("keyframe-wanted") > 0
    bench.feed(video(Codec.VP8, 10, start_us=1_333_333))
    assert 10 * 3_000 in bench.keyframes("source")
    assert bench.times("source") == [number * 3_000 for number in range(50)]


def test_no_keyframe_for_30_seconds_asks_for_one_each_second() -> None:
    bench = Bench()
    first, second, *_ = video(count=2)
    late = [Unit(first.codec, us, False, second.payload) for us in range(0, 30_000_000, 33_333)]
    bench.feed(late)
    asked = [one for one in bench.said if getattr(one, "kind", "") == "keyframe-wanted"]
    assert 29 <= len(asked) <= 31
    assert bench.samples("source") == []


def test_a_corrupt_stream_stops_neither_the_sound_nor_what_follows() -> None:
    bench = Bench()
    chance = random.Random(9)
    noise = [
        Unit(Codec.H264, us, chance.random() < 0.3, chance.randbytes(300))
        for us in range(1_000_000, 3_000_000, 33_333)
    ]
    bench.feed(in_order(video(count=30), noise, sound(200), video(count=30, start_us=3_000_000)))
    assert bench.troubles("undecodable") > 0
    times = bench.times("source")
    assert set(np.diff(times)) == {3_000}, "the last picture stood still meanwhile"
    assert times[-1] == 119 * 3_000
    assert set(np.diff(bench.times("audio"))) == {1_024}


def test_garbage_instead_of_sound_is_counted() -> None:
    bench = Bench()
    bench.feed([Unit(Codec.OPUS, us, True, b"\xff\xff\xff") for us in range(0, 100_000, 20_000)])
    assert bench.troubles("undecodable") >= 1


def test_a_picture_too_large_is_refused_and_named() -> None:
    bench = Bench()
    bench.feed([Unit(Codec.VP8, 0, True, vp8_head(8_192, 8_192))])
    assert bench.troubles("too-large") == 1
    bench.feed(video(count=5, start_us=100_000))
    assert len(bench.samples("source")) == 5


def test_times_that_jump_back_go_on() -> None:
    bench = Bench()
    bench.feed(in_order(video(count=30, start_us=60_000_000), sound(50, start_us=60_000_000)))
    bench.feed(in_order(video(count=30), sound(50)))
    for name in ("source", "audio"):
        assert bench.times(name) == sorted(set(bench.times(name)))
        assert len(bench.times(name)) >= 59


def test_a_rung_is_shed_from_the_top_and_the_last_one_stays() -> None:
    bench = Bench()
    units = video(count=60)
    for round_number in range(4):
        start = round_number * 2_000_000
        bench.feed(
            [Unit(one.codec, start + one.time_us, one.keyframe, one.payload) for one in units],
            waited_ms=700,
        )
    assert [one for one in bench.said if isinstance(one, Shed)] == [Shed("source")]
    assert bench.times("90p")[-1] == 239 * 3_000
    assert bench.times("source")[-1] < 70 * 3_000


def test_a_shed_rung_comes_back_with_a_keyframe_of_all_rungs() -> None:
    bench = Bench()
    for second in range(40):
        waited = 700 if second < 3 else 0
        bench.feed(video(count=30, start_us=second * 1_000_000), waited_ms=waited)
    restored = next(n for n, one in enumerate(bench.said) if isinstance(one, Restored))
    after = [one for one in bench.said[restored:] if isinstance(one, Encoded)]
    first = next(one for one in after if one.rendition == "source")
    assert first.keyframe
    assert first.time in bench.keyframes("90p")
    assert first.time / 90 >= EASE_MS


def test_dropped_units_are_told_and_a_keyframe_is_waited_for() -> None:
    bench = Bench()
    units = video(count=60, gop=30)
    bench.feed(units[:10])
    bench.core.dropped(20, 400)
    assert bench.troubles("behind") == 20
    bench.feed(units[15:])
    times = bench.times("source")
    assert times == [number * 3_000 for number in range(60)]


def test_units_before_the_first_plan_are_left_alone() -> None:
    bench = Bench()
    fresh = type(bench.core)("libx264", bench.core._threads, bench.said.append)
    fresh.handle(video(count=1)[0], 0)
    fresh.handle(Reset(), 0)
    assert bench.said == []


def test_a_rung_that_cannot_be_encoded_is_trouble_and_the_others_go_on() -> None:
    bench = Bench(Plan([Rung("odd", 16_001, 3, 1), *SMALL]))
    bench.feed(video(count=5))
    assert bench.troubles("no-encoder") == 1
    assert len(bench.samples("source")) == 5


@pytest.mark.parametrize("pace", ["constant", "source"])
def test_at_the_end_all_is_given_out_and_picture_and_sound_end_together(pace: Pace) -> None:
    bench = Bench(Plan(SMALL, pace=pace))
    bench.feed(in_order(video(count=30), sound(46)))  # the sound stops 80 ms before the picture
    bench.core.handle(End(1_000_000), 0)
    for name in NAMES:
        assert len(bench.samples(name)) == 30
    picture = bench.samples("source")[-1]
    heard = bench.samples("audio")[-1]
    picture_ms = (picture.time + picture.duration) / 90
    heard_ms = (heard.time + heard.duration) / 48
    assert picture_ms == pytest.approx(1_000, abs=1)
    assert heard_ms == pytest.approx(picture_ms, abs=11)
    assert isinstance(bench.said[-1], Ended)


def test_after_the_end_nothing_is_made_any_more() -> None:
    bench = Bench(Plan(SMALL))
    bench.feed(video(count=10))
    bench.core.handle(End(333_333), 0)
    before = len(bench.said)
    bench.feed(video(count=10, start_us=400_000))
    assert len(bench.said) == before
    bench.core.handle(End(800_000), 0)
    assert isinstance(bench.said[-1], Ended)
