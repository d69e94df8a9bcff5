"""Pictures that say their number and sound that says which picture it belongs to, as real H.264
and AAC.

A picture's number stands in it as a bar code, and below it once more inverted, so that a picture
that was decoded wrongly has none. Sound is a tone in every other half second of pictures.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Final, NamedTuple

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from bridge.h264 import annexb_to_avcc, is_idr, parameter_sets, video_config
from bridge.track import AAC_FRAME, AUDIO_TIMESCALE, AudioConfig, VideoConfig

PICTURE: Final = 3_000
"""Ticks of a picture, 30 a second."""
BITS: Final = 16
BURST: Final = 15
"""Pictures with a tone, then as many without."""
UNREADABLE: Final = -1


class Coded(NamedTuple):
    """Pictures of one encoder, with lengths of four bytes."""

    config: VideoConfig
    pictures: tuple[tuple[bool, bytes], ...]
    """(keyframe, data)"""


@cache
def coded(
    first: int, count: int, gop: int = 30, size: tuple[int, int] = (256, 144), profile: str = "high"
) -> Coded:
    """Pictures with the numbers from `first` on; every `gop`-th is a keyframe."""
    width, height = size
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(30), Fraction(1, 90_000)
    encoder.gop_size, encoder.max_b_frames = gop, 0
    encoder.options = {
        "preset": "ultrafast" if profile == "baseline" else "superfast",
        "tune": "zerolatency",
        "profile": profile,
        "crf": "23",
        "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:threads=1",
    }
    packets: list[bytes] = []
    for number in range(first, first + count):
        frame = VideoFrame.from_ndarray(picture(number, width, height), format="yuv420p")
        frame.pts, frame.time_base = number * PICTURE, Fraction(1, 90_000)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    packets += [bytes(packet) for packet in encoder.encode(None)]
    sps, pps = parameter_sets(packets[0])
    assert sps is not None
    assert pps is not None
    return Coded(
        video_config(sps, pps), tuple((is_idr(one), annexb_to_avcc(one)) for one in packets)
    )


def picture(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """As planes of yuv420p."""
    bits = [number >> bit & 1 for bit in range(BITS)]
    bars = np.repeat(np.array(bits), width // BITS) * 160 + 40
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = 120
    planes[: height // 2, : len(bars)] = bars
    planes[height // 2 : height, : len(bars)] = 240 - bars
    return planes


def number_of(frame: VideoFrame) -> int:
    """The number of a decoded picture, or UNREADABLE."""
    planes = frame.to_ndarray(format="gray")
    height, width = planes.shape
    bar = width // BITS
    number = 0
    for bit in range(BITS):
        column = planes[:, bit * bar + bar // 4 : bit * bar + 3 * bar // 4]
        upper = float(column[height // 8 : height * 3 // 8].mean())
        lower = float(column[height * 5 // 8 : height * 7 // 8].mean())
        if abs(upper - lower) < 80 or abs(upper + lower - 240) > 40:
            return UNREADABLE
        number |= (upper > lower) << bit
    return number


def is_loud(number: int) -> bool:
    """Whether there is a tone while this picture is shown."""
    return number // BURST % 2 == 1


@cache
def spoken(first: int, offset: int, frames: int, channels: int = 2) -> tuple[bytes, ...]:
    """AAC frames, of which the first begins `offset` samples after the picture `first` does."""
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, AudioCodecContext)
    layout = "stereo" if channels == 2 else "mono"
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_TIMESCALE, layout, "fltp"
    encoder.bit_rate, encoder.time_base = 96_000, Fraction(1, AUDIO_TIMESCALE)
    # An encoder wants 1024 samples in front of those of its first frame, and so does a decoder.
    lead = 2 * AAC_FRAME
    at = np.arange(-lead, (frames + 2) * AAC_FRAME) + offset
    shown = first + np.floor(at * 30 / AUDIO_TIMESCALE)
    loud = (shown // BURST % 2 == 1) & (shown >= first)
    wave = (0.5 * loud * np.sin(2 * np.pi * 1_000 * at / AUDIO_TIMESCALE)).astype(np.float32)
    packets: dict[int, bytes] = {}
    for begin in range(0, len(wave), AAC_FRAME):
        samples = np.stack([wave[begin : begin + AAC_FRAME]] * channels)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", layout)
        frame.sample_rate, frame.time_base = AUDIO_TIMESCALE, Fraction(1, AUDIO_TIMESCALE)
        frame.pts = begin - lead
        for packet in encoder.encode(frame):
            assert packet.pts is not None
            packets[packet.pts] = bytes(packet)
    return tuple(packets[AAC_FRAME * number] for number in range(frames))


@cache
def sound_config(channels: int = 2) -> AudioConfig:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, AudioCodecContext)
    layout = "stereo" if channels == 2 else "mono"
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_TIMESCALE, layout, "fltp"
    encoder.open()
    return AudioConfig(bytes(encoder.extradata or b""), channels)
