"""Clips exact to the frame, by barcode, with sound in step."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from recorder.work import clip
from recorder.work.task import Facts, Spec, Task, Value, WorkError
from tests.recorder import barcodes
from tests.recorder.broadcast import Broadcast
from tests.recorder.work.roll import HERTZ, ORIGIN_MS, RATE, Coded, Roll, Wave, film, numbers, sound

BEEP = 1_500
"""Samples, each half second, right when a picture begins."""
STEP = 15
"""Pictures from one beep to the next."""


def beeps(first: int, count: int) -> Coded:
    """Sound for pictures from `first` on: it beeps when a number is a multiple of 15."""
    wave: Wave = np.zeros(count * HERTZ // RATE, np.float32)
    beep = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(BEEP) / HERTZ)
    for number in range(first, first + count):
        at = (number - first) * HERTZ // RATE
        if number % STEP == 0 and at + BEEP <= len(wave):
            wave[at : at + BEEP] = beep
    return sound(wave)


@dataclass
class Made:
    """A clip that was made, decoded."""

    facts: Facts
    numbers: list[int]
    times: list[float]
    """Of its pictures, in seconds."""
    size: tuple[int, int]
    heard: Wave
    title: str
    length_s: float

    @property
    def beeps_s(self) -> list[float]:
        """When a beep begins."""
        loud = np.flatnonzero(np.abs(self.heard) > 0.1)
        starts = [loud[0]] if len(loud) else []
        starts += [after for before, after in pairwise(loud) if after - before > HERTZ // 10]
        return [start / HERTZ for start in starts]


def make(roll: Roll, from_ms: int, to_ms: int, **parameters: Value) -> Made:
    out = roll.folder / "out"
    done: list[float] = []
    task = roll.task(out, "clip", from_ms=from_ms, to_ms=to_ms, **parameters)
    facts = clip.run(task, done.append)
    assert done == sorted(done)
    assert done[-1] == 1.0
    return opened(out / "clip.mp4", facts)


def opened(path: Path, facts: Facts) -> Made:
    assert without_an_error(path) == ""
    with av.open(path) as container:
        frames = list(container.decode(video=0))
        title = container.metadata.get("title", "")
        assert container.duration is not None
        length_s = container.duration / 1_000_000
    assert facts["frames"] == len(frames)
    assert (facts["width"], facts["height"]) == (frames[0].width, frames[0].height)
    assert {(frame.width, frame.height) for frame in frames} == {
        (frames[0].width, frames[0].height)
    }
    return Made(
        facts,
        numbers(frames),
        [float(frame.time) for frame in frames],
        (frames[0].width, frames[0].height),
        # FFmpeg gives out the last frame whole; edit lists of sound cut exactly only in front.
        heard(path)[: round(length_s * HERTZ)],
        title,
        length_s,
    )


def heard(path: Path) -> Wave:
    """The sound from time 0 on; it has no hole."""
    with av.open(path) as container:
        if not container.streams.audio:
            return np.zeros(0, np.float32)
        frames = list(container.decode(audio=0))
    assert frames[0].pts == 0
    for before, after in pairwise(frames):
        assert before.pts is not None
        assert after.pts == before.pts + before.samples
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)


def without_an_error(path: Path) -> str:
    """What FFmpeg has to say when it decodes all of it."""
    command = ["ffmpeg", "-v", "warning", "-xerror", "-i", str(path), "-f", "null", "-"]
    said: str = subprocess.run(command, capture_output=True, text=True, timeout=60).stderr
    return said


def boxes(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    at = 0
    while at < len(data):
        yield data[at + 4 : at + 8]
        at += int.from_bytes(data[at : at + 4], "big")


@pytest.fixture
def roll(tmp_path: Path) -> Roll:
    """Twelve seconds, a keyframe every two."""
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 360, gop=60)}, beeps(0, 360))
    return roll


@pytest.mark.needs("ffmpeg")
@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
def test_the_first_pictures_are_coded_and_the_rest_is_copied(tmp_path: Path, profile: str) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 360, gop=60, profile=profile)}, beeps(0, 360))
    made = make(roll, 2_433, 8_000, title="One\u202e two")
    assert made.numbers == list(range(73, 240))
    assert made.facts["copied"] == 120
    assert made.facts["duration_ms"] == 5_567
    assert made.title == "One two"
    assert made.times == pytest.approx([n / 30 for n in range(167)], abs=1e-4)
    assert list(boxes(roll.folder / "out" / "clip.mp4"))[:2] == [b"ftyp", b"moov"]


@pytest.mark.needs("ffmpeg")
@pytest.mark.parametrize(
    ("from_ms", "to_ms", "first", "last", "copied"),
    [
        (0, 12_000, 0, 359, 360),
        (2_000, 4_000, 60, 119, 60),
        (1_966, 4_000, 59, 119, 60),
        (1_967, 4_000, 59, 119, 60),
        (2_001, 4_034, 61, 120, 1),
        (2_500, 3_500, 75, 104, 0),
        (10_999, 11_999, 330, 359, 0),
        (11_000, 12_900, 330, 359, 0),
    ],
)
def test_it_is_exact_to_the_picture(
    roll: Roll, from_ms: int, to_ms: int, first: int, last: int, copied: int
) -> None:
    """Picture n begins at n * 33.33 ms, and both ways to round that mean it."""
    made = make(roll, from_ms, to_ms)
    assert made.numbers == list(range(first, last + 1))
    assert made.facts["copied"] == copied


@pytest.mark.needs("ffmpeg")
def test_two_clips_side_by_side_share_no_picture(roll: Roll) -> None:
    for middle in (3_000, 3_033, 3_034, 3_050):
        before, after = make(roll, 1_000, middle), make(roll, middle, 5_000)
        assert before.numbers + after.numbers == list(range(30, 150))


@pytest.mark.needs("ffmpeg")
@pytest.mark.parametrize("from_ms", [400, 1_000, 2_433, 5_017, 7_999])
def test_sound_is_in_step_to_the_millisecond(roll: Roll, from_ms: int) -> None:
    made = make(roll, from_ms, from_ms + 4_000)
    wanted = [time for time, n in zip(made.times, made.numbers, strict=True) if n % STEP == 0]
    assert made.beeps_s == pytest.approx(wanted, abs=0.002)
    assert abs(len(made.heard) / HERTZ - 4) < 0.04


@pytest.mark.needs("ffmpeg")
def test_a_gap_is_left_out_and_sound_stays_in_step(tmp_path: Path) -> None:
    """Two gaps and another session; frames of sound never fit each other there."""
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 130, gop=60)}, beeps(0, 130))
    roll.take({"source": film(130, 101, gop=60)}, beeps(130, 101), at_s=9.013, breaks=True)
    roll.session(ORIGIN_MS + 40_123)
    roll.take({"source": film(231, 149, gop=60)}, beeps(231, 149))
    made = make(roll, 1_000, 12_000)
    assert made.numbers == list(range(30, 360))
    assert made.times == pytest.approx([n / 30 for n in range(330)], abs=1e-3)
    wanted = [time for time, n in zip(made.times, made.numbers, strict=True) if n % STEP == 0]
    assert made.beeps_s == pytest.approx(wanted, abs=0.012)


@pytest.mark.needs("ffmpeg")
def test_another_size_is_coded_to_the_main_one(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 150, gop=60)}, beeps(0, 150))
    roll.take({"source": film(150, 90, gop=60, width=240, height=240)}, beeps(150, 90), at_s=5)
    roll.take({"source": film(240, 150, gop=60)}, beeps(240, 150), at_s=8)
    made = make(roll, 1_000, 13_000)
    assert made.size == (320, 180)
    assert len(made.numbers) == 360
    # Beside the square picture it is black, so its barcode is elsewhere.
    assert made.numbers[:120] == list(range(30, 150))
    assert made.numbers[120:210].count(-1) > 80
    assert made.numbers[210:] == list(range(240, 390))
    assert made.facts["copied"] == 240


@pytest.mark.needs("ffmpeg")
def test_what_lasts_longest_decides_the_size(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 150, gop=60)})
    roll.take({"source": film(150, 240, gop=60, width=640, height=360)}, at_s=5, breaks=True)
    made = make(roll, 4_000, 12_000)
    assert made.size == (640, 360)
    assert made.numbers == list(range(120, 360))
    assert len(made.heard) == 0


@pytest.mark.needs("ffmpeg")
def test_a_rendition_may_be_chosen(tmp_path: Path) -> None:
    """Where it is missing the best one stands in."""
    roll = Roll(tmp_path)
    small = film(0, 120, width=192, height=108)
    roll.take({"source": film(0, 120), "small": small})
    roll.take({"source": film(120, 30)}, at_s=4)
    assert make(roll, 500, 4_500).size == (320, 180)
    made = make(roll, 500, 4_500, rendition="small")
    assert made.size == (192, 108)
    assert made.numbers == list(range(15, 135))


@pytest.mark.needs("ffmpeg")
def test_a_picture_that_stood_still_is_there_from_the_start(tmp_path: Path) -> None:
    """A picture each half second, as when a slide is shared."""
    roll = Roll(tmp_path)
    slides = film(0, 12, gop=6)
    slow = [
        type(one)(one.time * 15, one.duration * 15, one.keyframe, one.data)
        for one in slides.samples
    ]
    roll.take({"source": Coded(slides.config, slow)})
    made = make(roll, 1_700, 4_200)
    assert made.numbers == [3, 4, 5, 6, 7, 8]
    assert made.times == pytest.approx([0, 0.3, 0.8, 1.3, 1.8, 2.3], abs=1e-4)
    assert made.length_s == pytest.approx(2.5, abs=0.002)


@pytest.mark.needs("ffmpeg")
def test_what_cannot_be_copied_is_coded_anew(tmp_path: Path) -> None:
    """Twice the chroma: an encoder of such pictures has a profile that few players take."""
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 120, profile="high422")}, beeps(0, 120))
    made = make(roll, 1_000, 3_000)
    assert made.numbers == list(range(30, 90))
    assert made.facts["copied"] == 0
    with av.open(roll.folder / "out" / "clip.mp4") as container:
        assert container.streams.video[0].codec_context.profile == "High"


@pytest.mark.needs("ffmpeg")
def test_a_broken_segment_leaves_the_rest(tmp_path: Path) -> None:
    roll = Roll(tmp_path, segments_a_chunk=1)
    roll.take({"source": film(0, 240)}, beeps(0, 240))
    replay = roll.replay()
    for name in ("source-000004.mp4", "audio-000004.mp4"):
        path = roll.folder / name
        path.write_bytes(bytes(path.stat().st_size))
    assert replay.duration_us == 8_000_000
    made = make(roll, 500, 7_500)
    assert made.numbers == [*range(15, 90), *range(120, 225)]
    # The frame of sound in which the broken segment begins still belongs to the one before.
    beeps_s = [time for time in made.beeps_s if not 2.49 < time < 2.52]
    wanted = [time for time, n in zip(made.times, made.numbers, strict=True) if n % STEP == 0]
    # And the first one after it lacks the one before, of which it needs a part.
    assert beeps_s == pytest.approx(wanted, abs=0.022)


@pytest.mark.needs("ffmpeg")
def test_a_broadcast_with_troubles(tmp_path: Path) -> None:
    """Pictures that shake, a gap, another profile, and a new session with mono sound."""
    broadcast = Broadcast(tmp_path / "garden-1", jitter=150)
    broadcast.session()
    broadcast.shoot(3)
    broadcast.wait(20)
    broadcast.shoot(3, profile="baseline")
    broadcast.session(after_s=5)
    broadcast.shoot(3, channels=1)
    recording = broadcast.close()
    out = tmp_path / "out"
    out.mkdir()
    spec = Spec("clip", recording.id, {"from_ms": 1_490, "to_ms": 8_000})
    task = Task(spec, recording, broadcast.media, out)
    facts = clip.run(task, lambda done: None)
    assert without_an_error(out / "clip.mp4") == ""
    with av.open(out / "clip.mp4") as container:
        frames = list(container.decode(video=0))
    assert [barcodes.number_of(frame) for frame in frames] == list(range(45, 240))
    assert facts["frames"] == 195


@pytest.mark.needs("ffmpeg")
def test_there_is_a_poster(roll: Roll) -> None:
    make(roll, 1_000, 4_000)
    for name in ("poster.jpg", "small.jpg"):
        with av.open(roll.folder / "out" / name) as container:
            (number,) = numbers(container.decode(video=0))
            assert 30 <= number < 120


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({}, "from_ms is not a number"),
        ({"from_ms": 0}, "to_ms is not a number"),
        ({"from_ms": "0", "to_ms": 2_000}, "from_ms is not a number"),
        ({"from_ms": 0, "to_ms": True}, "to_ms is not a number"),
        ({"from_ms": 0, "to_ms": 1.5}, "to_ms is not a number"),
        ({"from_ms": -1, "to_ms": 2_000}, "not within the video"),
        ({"from_ms": 2_000, "to_ms": 1_000}, "not within the video"),
        ({"from_ms": 12_000, "to_ms": 13_000}, "1 to 180 seconds"),
        ({"from_ms": 20_000, "to_ms": 22_000}, "not within the video"),
        ({"from_ms": 0, "to_ms": 10**30}, "not within the video"),
        ({"from_ms": 0, "to_ms": 999}, "1 to 180 seconds"),
        ({"from_ms": 0, "to_ms": 2_000, "rendition": "8k"}, "no such rendition"),
        ({"from_ms": 0, "to_ms": 2_000, "rendition": "audio"}, "no such rendition"),
        ({"from_ms": 0, "to_ms": 2_000, "rendition": 7}, "no such rendition"),
        ({"from_ms": 0, "to_ms": 2_000, "title": 7}, "not a text"),
    ],
)
def test_wishes_that_are_refused(roll: Roll, parameters: dict[str, Value], why: str) -> None:
    with pytest.raises(WorkError, match=why):
        clip.run(roll.task(roll.folder / "out", "clip", **parameters), lambda done: None)


def test_three_minutes_are_the_most(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    slides = film(0, 12, gop=1)
    slow = [type(one)(one.time * 600, 3_000 * 600, True, one.data) for one in slides.samples]
    roll.take({"source": Coded(slides.config, slow)})
    with pytest.raises(WorkError, match="1 to 180 seconds"):
        clip.run(roll.task(tmp_path / "out", "clip", from_ms=0, to_ms=180_001), lambda done: None)
    facts = clip.run(
        roll.task(tmp_path / "out", "clip", from_ms=10_000, to_ms=190_000), lambda done: None
    )
    assert facts["duration_ms"] == 180_000


def test_sound_alone_makes_no_clip(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({}, beeps(0, 120))
    with pytest.raises(WorkError, match="no pictures"):
        clip.run(roll.task(tmp_path / "out", "clip", from_ms=0, to_ms=2_000), lambda done: None)
