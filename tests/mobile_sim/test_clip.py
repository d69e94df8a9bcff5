"""A file is looped, scaled and stamped."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av import VideoFrame

from mobile_sim import stamp
from mobile_sim.clip import Clip, ClipError
from mobile_sim.testcard import frame_planes

GREYS = (40, 80, 120, 160, 200)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Five grey pictures at 10 a second."""
    path = tmp_path / "film.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for grey in GREYS:
            frame = VideoFrame(160, 120, "yuv420p")
            for plane, level in zip(frame_planes(frame), (grey, 128, 128), strict=True):
                plane[:] = level
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def grey_of(frame: VideoFrame) -> int:
    """Which of the five pictures it is, from the part under the stamp."""
    level = float(np.median(frame_planes(frame)[0][frame.height // 2 :]))
    return min(GREYS, key=lambda grey: abs(grey - level))


def test_it_plays_at_its_own_speed_and_begins_again(film: Path) -> None:
    clip = Clip(film, 320, 240, fps=20)
    seen = [grey_of(clip.draw(counter, 0)) for counter in range(25)]
    once = [grey for grey in GREYS for _ in range(2)]
    assert seen == (once * 3)[:25]


def test_a_slower_output_leaves_pictures_out(film: Path) -> None:
    clip = Clip(film, 320, 240, fps=5)
    assert [grey_of(clip.draw(n, 0)) for n in range(5)] == [40, 120, 200, 80, 160]


@pytest.mark.parametrize("size", [(320, 240), (160, 120)])
def test_every_picture_has_the_size_and_its_own_stamp(film: Path, size: tuple[int, int]) -> None:
    clip = Clip(film, *size, fps=30)
    frames = [clip.draw(counter, counter * 33) for counter in range(20)]
    for counter, frame in enumerate(frames):
        assert (frame.width, frame.height, frame.format.name) == (*size, "yuv420p")
        assert stamp.read(frame_planes(frame)[0]) == stamp.Stamp(counter, counter * 33)


def test_another_size_and_frame_rate_go_on_where_it_was(film: Path) -> None:
    clip = Clip(film, 320, 240, fps=20)
    seen = [grey_of(clip.draw(n, 0)) for n in range(4)]
    clip.resize(160, 120, fps=10)
    frames = [clip.draw(n, 0) for n in range(4, 7)]
    assert seen + [grey_of(frame) for frame in frames] == [40, 40, 80, 80, 120, 160, 200]
    assert {(frame.width, frame.height) for frame in frames} == {(160, 120)}
    with pytest.raises(ClipError, match="no room"):
        clip.resize(320, 10, fps=10)


def test_what_is_no_film_is_refused(tmp_path: Path, film: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no film at all")
    with pytest.raises(ClipError, match=r"text\.mp4"):
        Clip(text, 320, 240, 30)
    with pytest.raises(ClipError, match=r"missing\.mp4"):
        Clip(tmp_path / "missing.mp4", 320, 240, 30)
    with pytest.raises(ClipError, match="no room"):
        Clip(film, 640, 30, 30)


def test_a_file_with_sound_only_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(ClipError, match="has no video"):
        Clip(path, 320, 240, 30)
