"""Fragments as the bridge makes them become samples; broken ones become an error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.captions.sound import SoundBroken, SoundDecoder
from recorder.captions.utterances import RATE
from tests.recorder.captions.speech import AAC_RATE, Coded, coded


def tone(seconds: float) -> Coded:
    times = np.arange(round(seconds * AAC_RATE)) / AAC_RATE
    return coded((8_000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16))


TONE = tone(2)


def test_parts_become_one_sound_without_clicks() -> None:
    decoder = SoundDecoder(TONE.init)
    pcm = np.concatenate([decoder.decode(one.data) for one in TONE.fragments])
    assert pcm.dtype == np.int16
    assert pcm.size == pytest.approx(2 * RATE, abs=0.05 * RATE)
    middle = pcm[RATE // 2 : RATE * 3 // 2].astype(float)
    # A sine wave jumps by no more than its steepest slope.
    assert np.abs(np.diff(middle)).max() < 8_000 * 2 * np.pi * 440 / RATE * 1.1
    spectrum = np.abs(np.fft.rfft(middle))
    assert int(np.argmax(spectrum)) == 440


def test_several_parts_at_once_are_the_same() -> None:
    one, whole = SoundDecoder(TONE.init), SoundDecoder(TONE.init)
    pcm = np.concatenate([one.decode(part.data) for part in TONE.fragments])
    together = whole.decode(b"".join(part.data for part in TONE.fragments))
    np.testing.assert_array_equal(pcm, together)


def test_a_broken_part_is_an_error_and_the_next_one_is_heard() -> None:
    decoder = SoundDecoder(TONE.init)
    with pytest.raises(SoundBroken):
        decoder.decode(b"\0\0\0\x08moofjunk" * 20)
    assert decoder.decode(TONE.fragments[1].data).size > RATE // 3


@pytest.mark.parametrize("init", [b"", b"junk", TONE.init[:200]])
def test_what_is_no_init_segment_is_refused(init: bytes) -> None:
    with pytest.raises(SoundBroken):
        SoundDecoder(init)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_flipped_bits_are_sound_or_an_error(data: st.DataObject) -> None:
    part = bytearray(TONE.fragments[0].data)
    for at in data.draw(st.lists(st.integers(0, len(part) - 1), min_size=1, max_size=8)):
        part[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(part)))
    decoder = SoundDecoder(TONE.init)
    try:
        decoder.decode(bytes(part[:cut]))
    except SoundBroken:
        decoder.reset()
    assert decoder.decode(TONE.fragments[1].data).size > RATE // 3
