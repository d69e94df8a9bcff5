"""Pictures out of pieces, damaged ones among them."""

from __future__ import annotations

import numpy as np
import pytest

from bridge import fmp4
from recorder.work.decoder import PictureDecoder, SoundDecoder, Undecodable
from tests.recorder.work.roll import PICTURE, film, numbers, sound, tone


@pytest.mark.parametrize("quick", [False, True])
def test_pictures_come_with_their_times(quick: bool) -> None:
    pictures = film(0, 40)
    decoder = PictureDecoder(fmp4.init(pictures.config), quick=quick)
    frames = [frame for one in pictures.samples for frame in decoder.decode(one.data, one.time)]
    frames += decoder.end()
    assert numbers(frames) == list(range(40))
    assert [frame.pts for frame in frames] == [PICTURE * n for n in range(40)]


def test_after_the_end_a_keyframe_begins_anew() -> None:
    pictures = film(0, 60)
    decoder = PictureDecoder(fmp4.init(pictures.config))
    for n in (30, 0):
        frames = decoder.decode(pictures.samples[n].data, n) + decoder.end()
        assert numbers(frames) == [n]


@pytest.mark.parametrize("init", [b"", b"\0" * 64, fmp4.init(film(0, 1).config)[:200]])
def test_an_init_segment_that_is_none(init: bytes) -> None:
    with pytest.raises(Undecodable):
        PictureDecoder(init)
    with pytest.raises(Undecodable):
        SoundDecoder(init)


def test_sound_is_no_picture() -> None:
    with pytest.raises(Undecodable, match="no video"):
        PictureDecoder(fmp4.init(sound(tone(0.1)).config))


def test_junk_is_told_and_survived() -> None:
    pictures = film(0, 31)
    decoder = PictureDecoder(fmp4.init(pictures.config))
    with pytest.raises(Undecodable):
        decoder.decode(b"\xff" * 100, 0)
    assert numbers(decoder.decode(pictures.samples[30].data, 30) + decoder.end()) == [30]


def test_sound_is_decoded() -> None:
    heard = sound(tone(1))
    decoder = SoundDecoder(fmp4.init(heard.config))
    frames = [frame for one in heard.samples for frame in decoder.decode(one.data)]
    wave = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    assert len(wave) == len(heard.samples) * 1_024
    assert abs(float(np.abs(wave).max()) - 0.2) < 0.02
