"""Silence is decoded as silence, at its time and of its length."""

from __future__ import annotations

from io import BytesIO

import av
import numpy as np
import pytest

from bridge import fmp4
from recorder.mp4.silence import AAC_FRAME, MOST_FRAMES, has_silence, silence
from tests.recorder.barcodes import coded, sound_config

PICTURES = fmp4.init(coded(0, 1).config)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("time", "frames"), [(0, 1), (98_304, 47), (1 << 40, 3)])
def test_a_player_hears_nothing_for_so_long(channels: int, time: int, frames: int) -> None:
    init = fmp4.init(sound_config(channels))
    with av.open(BytesIO(init + silence(init, time, frames)), "r", format="mp4") as container:
        packets = [one for one in container.demux(audio=0) if one.size]
        assert [one.pts for one in packets] == [time + AAC_FRAME * n for n in range(frames)]
        heard = [frame for one in packets for frame in one.decode()]
    assert sum(frame.samples for frame in heard) == frames * AAC_FRAME
    assert all(np.abs(frame.to_ndarray()).max() < 1e-4 for frame in heard)


def test_only_of_sound_that_is_known() -> None:
    assert has_silence(fmp4.init(sound_config()))
    assert not has_silence(PICTURES)
    with pytest.raises(ValueError, match="cannot be made"):
        silence(PICTURES, 0, 1)


@pytest.mark.parametrize("frames", [-1, 0, MOST_FRAMES + 1])
def test_lengths_that_nobody_asks_for(frames: int) -> None:
    with pytest.raises(ValueError, match=f"{frames} frames"):
        silence(fmp4.init(sound_config()), 0, frames)
