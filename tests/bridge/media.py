"""Real pictures and sound, encoded once, and made-up samples for whoever asks only for times."""

from __future__ import annotations

import struct
from fractions import Fraction
from functools import cache
from io import BytesIO
from typing import NamedTuple

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from bridge.h264 import annexb_to_avcc, is_idr, parameter_sets, video_config
from bridge.track import AudioConfig, Sample, VideoConfig

PICTURE = 3_000
"""Ticks of a picture at 30 a second."""


class Video(NamedTuple):
    config: VideoConfig
    access_units: list[bytes]
    """In Annex B."""

    def samples(self, start: int = 0) -> list[Sample]:
        return [
            Sample(start + PICTURE * n, PICTURE, is_idr(unit), annexb_to_avcc(unit))
            for n, unit in enumerate(self.access_units)
        ]


class Sound(NamedTuple):
    config: AudioConfig
    samples: list[Sample]


@cache
def x264(
    frames: int = 60,
    width: int = 320,
    height: int = 180,
    gop: int = 30,
    profile: str = "high",
    bitrate: int = 500_000,
) -> Video:
    """A moving picture with noise, as a phone would send it: no B-frames."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(30), Fraction(1, 90_000)
    encoder.bit_rate, encoder.gop_size, encoder.max_b_frames = bitrate, gop, 0
    encoder.options = {
        "preset": "ultrafast" if profile == "baseline" else "superfast",
        "tune": "zerolatency",
        "profile": profile,
        "x264-params": "aud=1:scenecut=0:threads=1",
    }
    noise = np.random.default_rng(1)
    packets: list[bytes] = []
    for n in range(frames):
        luma = noise.integers(0, 60, (height, width), dtype=np.uint8)
        luma[:, (4 * n) % width :][:, :16] = 220
        picture = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
        picture[:height] = luma
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = n * PICTURE, Fraction(1, 90_000)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    packets += [bytes(packet) for packet in encoder.encode(None)]
    sps, pps = parameter_sets(packets[0])
    assert sps is not None
    assert pps is not None
    return Video(video_config(sps, pps), packets)


@cache
def aac(seconds: int = 2, start: int = 0) -> Sound:
    """A tone. The first frame is priming, and stands before `start` where there is room."""
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "fltp"
    encoder.bit_rate, encoder.time_base = 128_000, Fraction(1, 48_000)
    encoder.open()
    packets: list[bytes] = []
    for n in range(seconds * 48_000 // 1_024):
        phase = (np.arange(1_024) + 1_024 * n) * 2 * np.pi * 440 / 48_000
        tone = np.sin(phase).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, 1_024 * n
        frame.time_base = Fraction(1, 48_000)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    packets += [bytes(packet) for packet in encoder.encode(None)]
    extra = encoder.extradata
    assert extra is not None
    samples = [Sample(start + 1_024 * n, 1_024, True, data) for n, data in enumerate(packets)]
    return Sound(AudioConfig(bytes(extra)), samples)


def picture(time: int, keyframe: bool = False, duration: int = PICTURE, size: int = 40) -> Sample:
    return Sample(time, duration, keyframe, bytes(size))


def tone(time: int, size: int = 20) -> Sample:
    return Sample(time, 1_024, True, bytes(size))


def decode(*pieces: bytes) -> list[tuple[int, int]]:
    """What FFmpeg makes of init and media segments: (pts, size or samples) of each frame."""
    with av.open(BytesIO(b"".join(pieces)), "r") as container:
        stream = container.streams[0]
        found: list[tuple[int, int]] = []
        for frame in container.decode(stream):
            assert frame.pts is not None
            if isinstance(frame, av.VideoFrame):
                found.append((frame.pts, frame.width))
            elif isinstance(frame, av.AudioFrame):
                found.append((frame.pts, frame.samples))
        return found


class Box(NamedTuple):
    kind: str
    body: bytes


def boxes(data: bytes) -> list[Box]:
    """The boxes of one level. They must fill the data exactly."""
    found: list[Box] = []
    while data:
        size, kind = struct.unpack_from(">I4s", data)
        assert 8 <= size <= len(data)
        found.append(Box(kind.decode(), data[8:size]))
        data = data[size:]
    return found


def box(data: bytes, *path: str) -> bytes:
    """The body of the first box at a path such as moof, traf, trun."""
    for kind in path:
        data = next(found.body for found in boxes(data) if found.kind == kind)
    return data
