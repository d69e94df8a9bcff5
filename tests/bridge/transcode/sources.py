"""Small real streams for the tests of this folder, and what is done with what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from fractions import Fraction
from functools import cache
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from bridge.ladder import Rung
from bridge.transcode.core import Core
from bridge.transcode.wire import Configured, Encoded, FromChild, Plan, Trouble, Unit
from sluice.media import Codec

ENCODERS = {
    Codec.H264: ("libx264", {"preset": "ultrafast", "tune": "zerolatency"}),
    Codec.H265: (
        "libx265",
        {"preset": "ultrafast", "x265-params": "bframes=0:log-level=none:pools=none"},
    ),
    Codec.VP8: ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    Codec.VP9: ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
}
SMALL = [Rung("source", 320, 180, 400_000), Rung("90p", 160, 90, 150_000)]


def picture(number: int, width: int = 320, height: int = 180) -> VideoFrame:
    """A grey ramp that wanders: no two are alike."""
    rows = np.arange(height * 3 // 2)[:, None] + np.arange(width)[None, :] + 3 * number
    return VideoFrame.from_ndarray((rows % 160 + 48).astype(np.uint8), "yuv420p")


@cache
def coded(
    codec: Codec = Codec.H264,
    count: int = 30,
    width: int = 320,
    height: int = 180,
    gop: int = 1_000,
) -> tuple[tuple[bool, bytes], ...]:
    """(keyframe, payload) of so many pictures."""
    name, options = ENCODERS[codec]
    context = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.bit_rate, context.gop_size, context.max_b_frames = 500_000, gop, 0
    context.thread_count = 1
    context.options = dict(options)
    packets = []
    for number in range(count):
        frame = picture(number, width, height)
        frame.pts, frame.time_base = number, context.time_base
        packets += context.encode(frame)
    packets += context.encode(None)
    return tuple((packet.is_keyframe, bytes(packet)) for packet in packets)


def video(
    codec: Codec = Codec.H264,
    count: int = 30,
    width: int = 320,
    height: int = 180,
    gop: int = 1_000,
    start_us: int = 0,
    every_us: float = 1_000_000 / 30,
) -> list[Unit]:
    """Units at a steady rate, beginning with a keyframe."""
    return [
        Unit(codec, start_us + round(number * every_us), keyframe, payload)
        for number, (keyframe, payload) in enumerate(coded(codec, count, width, height, gop))
    ]


def vp8_head(width: int, height: int) -> bytes:
    """A VP8 keyframe of any size (RFC 6386, section 9.1), with nothing behind its head."""
    partition = 50
    tag = (partition << 5 | 1 << 4).to_bytes(3, "little")
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return tag + b"\x9d\x01\x2a" + size + bytes(100)


@cache
def opus(count: int, frequency: int = 440) -> tuple[bytes, ...]:
    """Packets of 20 ms; 0 Hz is one click of a millisecond, after 200 ms."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = 48_000, "stereo", "s16"
    context.time_base, context.bit_rate = Fraction(1, 48_000), 96_000
    context.options = {"application": "lowdelay"}
    wave = tone(count * 960, frequency)
    packets = []
    for number in range(count):
        samples = np.repeat(wave[number * 960 : (number + 1) * 960], 2).reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, "s16", "stereo")
        frame.sample_rate, frame.pts = 48_000, number * 960
        packets += context.encode(frame)
    return tuple(bytes(packet) for packet in packets)


def tone(samples: int, frequency: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    if frequency == 0:
        wave = np.zeros(samples)
        wave[9_600:9_648] = 1
    else:
        wave = np.sin(2 * np.pi * frequency * np.arange(samples) / 48_000)
    return (wave * 12_000).astype(np.int16)


def sound(count: int = 50, start_us: int = 0, frequency: int = 440) -> list[Unit]:
    return [
        Unit(Codec.OPUS, start_us + number * 20_000, True, payload)
        for number, payload in enumerate(opus(count, frequency))
    ]


def in_order(*streams: Sequence[Unit]) -> list[Unit]:
    """As they come over a network without jitter."""
    return sorted((unit for stream in streams for unit in stream), key=lambda one: one.time_us)


class Here(Executor):
    """Does the work at once, in this thread."""

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(work(*args, **kwargs))
        return future


class Bench:
    """A core, and all that it said."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.said: list[FromChild] = []
        self.core = Core("libx264", Here(), self.said.append)
        self.now_ms = 0
        self.core.handle(plan or Plan(SMALL), 0)

    def feed(self, units: Sequence[Unit], waited_ms: int = 0) -> None:
        """Each at the time it was captured."""
        for unit in units:
            self.now_ms = max(self.now_ms, unit.time_us // 1_000)
            self.core.handle(unit, self.now_ms, waited_ms)

    def samples(self, rendition: str) -> list[Encoded]:
        return encoded(self.said, rendition)

    def times(self, rendition: str) -> list[int]:
        return [sample.time for sample in self.samples(rendition)]

    def keyframes(self, rendition: str) -> list[int]:
        return [sample.time for sample in self.samples(rendition) if sample.keyframe]

    def configs(self, rendition: str) -> list[Configured]:
        return [
            one for one in self.said if isinstance(one, Configured) and one.rendition == rendition
        ]

    def troubles(self, kind: str) -> int:
        return sum(one.count for one in self.said if isinstance(one, Trouble) and one.kind == kind)


def encoded(said: Sequence[FromChild], rendition: str) -> list[Encoded]:
    return [one for one in said if isinstance(one, Encoded) and one.rendition == rendition]


def decoded(config: Configured, samples: Sequence[Encoded]) -> list[VideoFrame]:
    """What a player shows, from the parameter sets and the samples alone."""
    context = av.CodecContext.create("h264", "r")
    context.thread_count = 1
    context.options = {"err_detect": "explode"}
    frames = []
    for number, sample in enumerate(samples):
        units, at = b"", 0
        while at < len(sample.data):
            length = int.from_bytes(sample.data[at : at + 4], "big")
            units += b"\0\0\0\1" + sample.data[at + 4 : at + 4 + length]
            at += 4 + length
        sets = b"\0\0\0\1" + config.sps + b"\0\0\0\1" + config.pps if number == 0 else b""
        frames += context.decode(av.Packet(sets + units))
    return frames + context.decode(None)
