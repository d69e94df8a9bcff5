"""A noisy picture with sound, as access units and as a file: what the bridge's bench encodes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from bridge.transcode.wire import Unit
from sluice.media import Codec

Coded: TypeAlias = "Packet[Any]"

RATE = 30
KEYFRAME_S = 2
NOISE = 6
"""Standard deviation, in steps of 256: a webcam in a room in the evening."""


def pictures(width: int, height: int, count: int) -> Iterator[VideoFrame]:
    """A pattern of soft waves that wanders, under noise that is new in each picture."""
    chance = np.random.default_rng(7)
    down, across = np.mgrid[0:height, 0 : width + 8 * count]
    waves = 40 * np.sin(across / 61) * np.cos(down / 47) + 30 * np.sin((across + down) / 19)
    pattern = (128 + waves).astype(np.int16)
    noises = [chance.normal(0, NOISE, (height, width)).astype(np.int16) for _ in range(7)]
    chroma = np.full((height // 2, width), 128, np.uint8)
    for number in range(count):
        shown = pattern[:, 8 * number : 8 * number + width] + noises[number % len(noises)]
        luma = np.roll(shown, number * 31, axis=0) if number % 90 == 89 else shown
        pixels = np.concatenate([np.clip(luma, 16, 235).astype(np.uint8), chroma])
        frame = VideoFrame.from_ndarray(pixels, "yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        yield frame


def h264(width: int, height: int, bitrate: int, count: int) -> list[Coded]:
    """As a browser or a phone sends it: no B-frames, a keyframe each two seconds."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, RATE), Fraction(RATE)
    context.bit_rate, context.gop_size, context.max_b_frames = bitrate, KEYFRAME_S * RATE, 0
    context.options = {"preset": "superfast", "tune": "zerolatency", "forced-idr": "1"}
    packets = [packet for one in pictures(width, height, count) for packet in context.encode(one)]
    return packets + context.encode(None)


def opus(seconds: int) -> list[Coded]:
    """Pink-ish noise over a tone, in packets of 20 ms."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = 48_000, "stereo", "s16"
    context.time_base, context.bit_rate = Fraction(1, 48_000), 96_000
    chance = np.random.default_rng(8)
    packets = []
    for number in range(50 * seconds):
        at = np.arange(960) + 960 * number
        wave = np.sin(at / 48_000 * 2 * np.pi * 330) * 8_000 + chance.normal(0, 900, 960)
        samples = np.repeat(wave.astype(np.int16), 2).reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 960 * number, Fraction(1, 48_000)
        packets += context.encode(frame)
    return packets


def units(packets: list[Coded], codec: Codec) -> list[Unit]:
    """With times from 0 on."""
    step_us = 20_000 if codec.is_audio else 1_000_000 / RATE
    return [
        Unit(codec, round(number * step_us), codec.is_audio or packet.is_keyframe, bytes(packet))
        for number, packet in enumerate(packets)
    ]


def write(path: Path, video: list[Coded], size: tuple[int, int], audio: list[Coded]) -> None:
    """Both into one Matroska file, as they are."""
    with av.open(str(path), "w", format="matroska") as file:
        picture = file.add_stream("libx264", rate=RATE)
        context = picture.codec_context
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = *size, "yuv420p"
        sound = file.add_stream("libopus", rate=48_000)
        file.start_encoding()
        both: list[tuple[float, Stream, Coded]] = []
        both += [(number / RATE, picture, packet) for number, packet in enumerate(video)]
        both += [(number / 50, sound, packet) for number, packet in enumerate(audio)]
        for _, stream, packet in sorted(both, key=lambda one: one[0]):
            packet.stream = stream
            file.mux(packet)
