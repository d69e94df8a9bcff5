"""Layers that are passed on as they came, and what is noticed about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from bridge.passthrough import Passthrough
from bridge.track import Sample, TrackConfig, VideoConfig
from tests.bridge.pictures import coded

FRAME_US = 33_333


@dataclass
class Sink:
    configs: list[TrackConfig] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def configure(self, rendition: str, config: TrackConfig) -> None:
        assert rendition == "source"
        self.configs.append(config)

    def add(self, rendition: str, sample: Sample) -> None:
        assert rendition == "source"
        self.samples.append(sample)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def passed(sink: Sink) -> Passthrough:
    return Passthrough("source", sink, part_ms=500)


def send(passed: Passthrough, times_us: Iterable[int], gop: int = 30) -> None:
    times = list(times_us)
    for index, (time_us, unit) in enumerate(zip(times, coded(len(times), gop), strict=True)):
        passed.take(time_us, index % gop == 0, unit)


def test_pictures_become_samples_one_picture_late(passed: Passthrough, sink: Sink) -> None:
    send(passed, (index * FRAME_US for index in range(40)))
    assert len(sink.samples) == 39
    passed.flush()
    assert len(sink.samples) == 40
    assert [sample.keyframe for sample in sink.samples].count(True) == 2
    assert sink.samples[30].keyframe
    (config,) = sink.configs
    assert isinstance(config, VideoConfig)
    assert (config.width, config.height) == (320, 180)
    assert passed.odd is None


def test_lengths_leave_no_holes(passed: Passthrough, sink: Sink) -> None:
    send(passed, [0, 20_000, 60_001, 90_000, 150_007, 180_000])
    passed.flush()
    for before, after in zip(sink.samples, sink.samples[1:], strict=False):
        assert before.time + before.duration == after.time


def test_nothing_is_passed_on_before_the_first_keyframe(passed: Passthrough, sink: Sink) -> None:
    units = coded(40, 30)
    for index, unit in enumerate(units[20:], start=20):
        passed.take(index * FRAME_US, index == 30, unit)
    assert sink.samples[0].keyframe
    assert sink.samples[0].time == 30 * FRAME_US * 9 // 100


def test_another_size_is_another_config(passed: Passthrough, sink: Sink) -> None:
    for index, unit in enumerate([*coded(10, 10), *coded(10, 10, 160, 90)]):
        passed.take(index * FRAME_US, index % 10 == 0, unit)
    sizes = [(c.width, c.height) for c in sink.configs if isinstance(c, VideoConfig)]
    assert sizes == [(320, 180), (160, 90)]
    assert passed.odd is None


def test_parameters_that_change_all_the_time_are_odd(passed: Passthrough) -> None:
    for index in range(6):
        size = (320, 180) if index % 2 else (160, 90)
        passed.take(index * 1_000_000, True, coded(10, 10, *size)[0])
    assert passed.odd == "its parameters change too often"


def test_a_few_pictures_a_second_are_odd(passed: Passthrough) -> None:
    send(passed, (index * 200_000 for index in range(14)))
    assert passed.odd == "it has too few pictures a second"


def test_a_hiccup_is_not_odd_and_makes_no_long_picture(passed: Passthrough, sink: Sink) -> None:
    send(passed, [*(i * FRAME_US for i in range(20)), *(i * FRAME_US for i in range(120, 140))])
    assert passed.odd is None
    assert max(sample.duration for sample in sink.samples) < 4_000


def test_pictures_out_of_order_are_odd_and_lose_nothing(passed: Passthrough, sink: Sink) -> None:
    send(passed, [0, 100_000, 66_000, 133_000])
    assert passed.odd == "its pictures are not sent in the order in which they are shown"
    times = [sample.time for sample in sink.samples]
    assert times == sorted(set(times))


def test_parameters_that_cannot_be_read_are_odd(passed: Passthrough, sink: Sink) -> None:
    passed.take(0, True, b"\0\0\0\1\x67\xff\0\0\0\1\x68\xce\0\0\0\1\x65\x88")
    assert passed.odd is not None
    assert not sink.samples


def test_what_is_no_h264_at_all_is_odd_and_harms_nothing(passed: Passthrough, sink: Sink) -> None:
    passed.take(0, True, coded(2, 2)[0])
    passed.take(FRAME_US, False, b"rubbish")
    passed.flush()
    assert passed.odd == "it is not H.264 as it should be"
    assert len(sink.samples) == 1


@pytest.mark.parametrize(
    ("until_us", "ends_us"), [(0, 333_000), (350_000, 350_000), (900_000, 376_000)]
)
def test_the_last_picture_lasts_until_the_sound_ends_where_players_bear_it(
    passed: Passthrough, sink: Sink, until_us: int, ends_us: int
) -> None:
    send(passed, (index * FRAME_US for index in range(10)))
    ended = passed.flush(until_us)
    assert ended == pytest.approx(ends_us, abs=1_500)
    last = sink.samples[-1]
    assert (last.time + last.duration) * 1_000_000 // 90_000 == pytest.approx(ended, abs=20)
    assert passed.flush(until_us) is None
