"""Real H.264 pictures for tests, encoded once: Annex B access units as a publisher sends them."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import av
import numpy as np


@cache
def coded(count: int, gop: int, width: int = 320, height: int = 180) -> tuple[bytes, ...]:
    """`count` access units, every `gop`-th an IDR with its parameter sets."""
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.framerate = Fraction(30)
    codec.gop_size, codec.max_b_frames = gop, 0
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:annexb=1:repeat-headers=1",
    }
    units = []
    for index in range(count):
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height, : width // 2] = index % 200
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = index
        units += [bytes(packet) for packet in codec.encode(frame)]
    units += [bytes(packet) for packet in codec.encode(None)]
    return tuple(units)
