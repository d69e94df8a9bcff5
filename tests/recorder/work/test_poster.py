"""The most telling picture, or that of a moment."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest

from recorder.work import poster
from recorder.work.task import Value, WorkError
from tests.recorder.work.roll import Luma, Roll, film, numbers, sound, tone


def black_then_sharp(luma: Luma, number: int) -> None:
    """Black for 3 s, then noise for 2 s, then a flat grey."""
    if number < 90:
        luma[:] = 16
    elif number < 150:
        luma[:] = np.random.default_rng(number).integers(30, 220, luma.shape)


def opened(path: Path) -> av.VideoFrame:
    with av.open(path) as container:
        return next(container.decode(video=0))


def test_the_poster_is_neither_black_nor_flat(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 600, paint=black_then_sharp)})
    done: list[float] = []
    facts = poster.run(roll.task(tmp_path / "out", "poster"), done.append)
    assert facts["at_ms"] in (3_000, 4_000)
    assert (facts["width"], facts["height"]) == (320, 180)
    large, small = (opened(tmp_path / "out" / name) for name in ("poster.jpg", "small.jpg"))
    assert (large.width, small.width) == (320, 320)
    assert numbers([large]) in ([90], [120])
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    small = film(0, 30, width=640, height=360)
    roll.take({"source": film(0, 30, width=1_920, height=1_080), "360p": small})
    facts = poster.run(roll.task(tmp_path / "out", "poster"), lambda done: None)
    assert (facts["width"], facts["height"]) == (1_280, 720)
    assert opened(tmp_path / "out" / "small.jpg").width == 480


def test_a_moment_is_exact_to_the_picture(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 90, gop=45)})
    # Picture 40 begins at 1333.3 ms: both ways to round that mean it.
    for at_ms, number in ((0, 0), (1_333, 40), (1_334, 40), (2_999, 89)):
        facts = poster.run(roll.task(tmp_path / "out", "poster", at_ms=at_ms), lambda done: None)
        assert numbers([opened(tmp_path / "out" / "poster.jpg")]) == [number]
        assert facts["at_ms"] == at_ms


def test_a_thumbnail_is_as_wide_as_asked_for(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 30), "90p": film(0, 30, width=160, height=90)})
    replay = roll.replay()
    for width, got in ((64, 64), (160, 160), (200, 200), (1_000, 320)):
        data = poster.thumbnail(replay, roll.media, 500_000, width)
        with av.open(BytesIO(data), "r") as container:
            assert next(container.decode(video=0)).width == got


def test_where_the_picture_is_broken_a_keyframe_near_it_is_shown(tmp_path: Path) -> None:
    roll = Roll(tmp_path, segments_a_chunk=1)
    roll.take({"source": film(0, 90)})
    replay = roll.replay()
    path = roll.folder / "source-000002.mp4"
    path.write_bytes(bytes(path.stat().st_size))
    data = poster.thumbnail(replay, roll.media, 1_500_000, 320)
    with av.open(BytesIO(data), "r") as container:
        assert numbers([next(container.decode(video=0))]) in ([0], [60])


@pytest.mark.parametrize("at_ms", [-1, 1_000, 10**30, "1", 1.5, True])
def test_moments_that_are_none(tmp_path: Path, at_ms: Value) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 30)})
    with pytest.raises(WorkError, match="The moment is not"):
        poster.run(roll.task(tmp_path / "out", "poster", at_ms=at_ms), lambda done: None)


def test_thumbnails_that_are_refused(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 30)})
    replay = roll.replay()
    for at_us, width in ((-1, 100), (1_000_000, 100), (0, 0), (0, 5_000)):
        with pytest.raises(WorkError):
            poster.thumbnail(replay, roll.media, at_us, width)


def test_sound_alone_has_no_poster(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({}, sound(tone(2)))
    with pytest.raises(WorkError, match="no pictures"):
        poster.run(roll.task(tmp_path / "out", "poster"), lambda done: None)
